import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { parseCidr } from '../../../agent/protocol/address.ts';
import { AgentUnreachable } from './agent-failure.ts';
import { createResolver, type ResolveName } from './resolver.ts';

/** Which addresses the controller may connect to as agents. Objects are written by tenants; without this they could scan networks. */
export interface UrlGuard {
  /** The addresses behind a host name, every one of them allowed. Throws AgentUnreachable with URLNotAllowed or DNSFailed. */
  resolve(hostname: string): Promise<readonly string[]>;
}

/** Networks as CIDRs; an empty `allow` = any that is not denied. */
export interface UrlGuardOptions {
  /** When given, nothing else is allowed, and what these hold is allowed although it is on the built-in list. */
  readonly allow: readonly string[];
  /** Never allowed, whatever else is said: the networks of the cluster's services and API server. */
  readonly deny: readonly string[];
  /** Undefined = as this machine does. */
  readonly resolveName?: ResolveName;
}

/** Loopback, "this network", link-local, multicast, the metadata services of clouds, and tunnels that could hide any of them. */
const BUILT_IN = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '2002::/16',
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', length] = (parseCidr(cidr) ?? '').split('/');
    if (length === undefined) throw new Error(`${cidr} is no CIDR: must be like 10.0.0.0/8`);
    list.addSubnet(address, Number(length), familyOf(address));
  }
  return list;
}

/** The IPv4 address that an IPv6 one stands for: `::ffff:10.0.0.1`, and `64:ff9b::a00:1` behind NAT64 (RFC 6052). */
function embeddedIpv4(address: string): string {
  if (isIP(address) !== 6) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (!['ipv4Mapped', 'rfc6052'].includes(parsed.range())) return address;
  return parsed.toByteArray().slice(12).join('.');
}

/** The networks must be valid: the settings judge them. */
export function createUrlGuard({ allow, deny, resolveName = createResolver() }: UrlGuardOptions): UrlGuard {
  const allowed = blockList(allow);
  const denied = blockList(deny);
  const builtIn = blockList(BUILT_IN);
  /** Why an address is not allowed, or undefined. */
  const refusalOf = (address: string): string | undefined => {
    const plain = embeddedIpv4(address);
    const isIn = (list: BlockList): boolean => list.check(plain, familyOf(plain));
    if (isIn(denied)) return 'is in a network of --deny-agent-cidr or the API server itself, which nothing overrides';
    if (allow.length > 0) return isIn(allowed) ? undefined : 'is in no network of --allow-agent-cidr';
    return isIn(builtIn)
      ? 'is loopback, link-local, multicast or a metadata service; --allow-agent-cidr can allow it'
      : undefined;
  };
  return {
    async resolve(hostname) {
      const host = hostname.replace(/^\[|\]$/g, '');
      const addresses = isIP(host) === 0 ? await resolveName(host) : [host];
      const refused = addresses.map((address) => [address, refusalOf(address)]).find(([, why]) => why !== undefined);
      if (refused === undefined) return addresses;
      const [address = '', why = ''] = refused;
      const which = address === host ? host : `${host} resolves to ${address}, which`;
      throw new AgentUnreachable('URLNotAllowed', `The controller may not connect there: ${which} ${why}`);
    },
  };
}
