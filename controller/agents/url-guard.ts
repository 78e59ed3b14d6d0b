import { lookup as dnsLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { AgentUnreachable } from './agent-error.ts';

/** Which addresses the controller may connect to as agents. Objects are written by tenants; without this they could scan networks. */
export interface UrlGuard {
  /** The addresses behind a host name, every one of them allowed. Throws AgentUnreachable with URLNotAllowed or DNSFailed. */
  resolve(hostname: string): Promise<readonly string[]>;
}

export interface UrlGuardOptions {
  /** CIDRs that are allowed even where the deny list has them; when given, nothing else is allowed. */
  readonly allow: readonly string[];
  /** Further CIDRs to deny: those of the cluster's services and API server. */
  readonly deny: readonly string[];
}

/** Loopback, "this network", link-local with the metadata services, multicast, and their IPv6 kin. */
const DENIED = [
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
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', length] = cidr.split('/');
    if (isIP(address) === 0) throw new Error(`${cidr} is no CIDR: must be like 10.0.0.0/8`);
    list.addSubnet(address, Number(length ?? (isIP(address) === 6 ? 128 : 32)), familyOf(address));
  }
  return list;
}

/** `::ffff:10.0.0.1` is judged as 10.0.0.1. */
const unmapped = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;

export function createUrlGuard({ allow, deny }: UrlGuardOptions): UrlGuard {
  const allowed = blockList(allow);
  const denied = blockList([...DENIED, ...deny]);
  const isAllowed = (address: string): boolean => {
    const plain = unmapped(address);
    return allow.length > 0 ? allowed.check(plain, familyOf(plain)) : !denied.check(plain, familyOf(plain));
  };
  return {
    async resolve(hostname) {
      const host = hostname.replace(/^\[|\]$/g, '');
      const addresses =
        isIP(host) === 0 ? (await dnsLookup(host, { all: true })).map(({ address }) => address) : [host];
      if (addresses.length > 0 && addresses.every(isAllowed)) return addresses;
      throw new AgentUnreachable(
        'URLNotAllowed',
        `${hostname} is, or resolves to, an address that the controller may not connect to; see --allow-agent-cidr`,
      );
    },
  };
}
