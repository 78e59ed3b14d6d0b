import { stat } from 'node:fs/promises';
import { AgentError } from '../core/agent-error.ts';
import type { Live, Route } from '../core/live.ts';
import { parseDump } from '../core/parse-dump.ts';
import { type Cidr, canonicalCidr } from '../protocol/address.ts';
import { type CommandRunner, mustRun } from './command-runner.ts';

interface IpAddress {
  readonly family?: string;
  readonly local?: string;
  readonly prefixlen?: number;
  readonly scope?: string;
}
interface IpLink {
  readonly ifname?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly IpAddress[];
}
interface IpRoute {
  readonly dst?: string;
  readonly dev?: string;
  readonly table?: string;
  readonly type?: string;
}

const parseJson = <T>(text: string): readonly T[] => (text.trim() === '' ? [] : (JSON.parse(text) as T[]));

const isUserspace = async (name: string): Promise<boolean> => {
  try {
    return (await stat(`/run/wireguard/${name}.sock`)).isSocket();
  } catch {
    return false;
  }
};

/** The kernel's link of that name, or null; a link that is not WireGuard is an error, before anything touches it. */
async function readLink(runner: CommandRunner, name: string): Promise<IpLink | null> {
  const result = await runner.run('ip', ['-json', '-details', 'address', 'show', 'dev', name]);
  if (result.exitCode !== 0) return null;
  const [link] = parseJson<IpLink>(result.stdout);
  if (link === undefined) return null;
  const kind = link.linkinfo?.info_kind;
  if (kind === 'wireguard' || (kind === 'tun' && (await isUserspace(name)))) return link;
  throw new AgentError('not_wireguard', `${name} exists on this host and is not a WireGuard interface; it is left alone`);
}

const addressesOf = (link: IpLink): Cidr[] =>
  (link.addr_info ?? [])
    // The kernel and wireguard-go make link-local addresses by themselves.
    .filter((entry) => !(entry.family === 'inet6' && entry.scope === 'link'))
    .flatMap((entry) => canonicalCidr(`${entry.local ?? ''}/${String(entry.prefixlen ?? '')}`) ?? []);

async function readRoutes(runner: CommandRunner, name: string, family: '-4' | '-6'): Promise<Route[]> {
  const text = await mustRun(runner, ['ip', '-json', family, 'route', 'show', 'table', 'all', 'dev', name]);
  const anywhere = family === '-4' ? '0.0.0.0/0' : '::/0';
  return parseJson<IpRoute>(text)
    .filter((route) => (route.type ?? 'unicast') === 'unicast')
    .flatMap((route) => {
      const destination = route.dst === 'default' ? anywhere : canonicalCidr(route.dst ?? '');
      return destination === undefined ? [] : [{ destination, table: route.table ?? 'main' }];
    });
}

/** What the kernel has of the interface, or null when there is no such device. */
export async function readLive(runner: CommandRunner, name: string): Promise<Live | null> {
  const link = await readLink(runner, name);
  if (link === null) return null;
  const [dump, ipv4, ipv6] = await Promise.all([
    mustRun(runner, ['wg', 'show', name, 'dump']),
    readRoutes(runner, name, '-4'),
    readRoutes(runner, name, '-6'),
  ]);
  return {
    ...parseDump(dump),
    addresses: addressesOf(link),
    mtu: link.mtu ?? 0,
    linkUp: link.flags?.includes('UP') ?? false,
    routes: [...ipv4, ...ipv6],
  };
}

export interface OtherDevice {
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

/** The addresses of every device but `name`. */
export async function readOtherDevices(runner: CommandRunner, name: string): Promise<OtherDevice[]> {
  const links = parseJson<IpLink>(await mustRun(runner, ['ip', '-json', 'address', 'show']));
  return links
    .filter((link) => link.ifname !== undefined && link.ifname !== name)
    .map((link) => ({ name: link.ifname ?? '', addresses: addressesOf(link) }));
}

export interface ForeignRoute {
  readonly destination: Cidr;
  readonly device: string;
}

/** Unicast routes of the main table on devices other than `name`. */
export async function readForeignRoutes(runner: CommandRunner, name: string): Promise<ForeignRoute[]> {
  const texts = await Promise.all(
    (['-4', '-6'] as const).map((family) => mustRun(runner, ['ip', '-json', family, 'route', 'show', 'table', 'main'])),
  );
  return texts.flatMap((text) =>
    parseJson<IpRoute>(text).flatMap((route) => {
      const destination = canonicalCidr(route.dst ?? '');
      return destination === undefined || route.dev === undefined || route.dev === name ? [] : [{ destination, device: route.dev }];
    }),
  );
}
