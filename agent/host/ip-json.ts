import { FAMILIES, type Family } from '../core/default-routing.ts';
import { type Cidr, isIpv6, parseCidr } from '../protocol/address.ts';
import { type CommandRunner, mustRun } from './command-runner.ts';

interface IpLink {
  readonly ifname?: string;
  readonly addr_info?: readonly {
    readonly family?: string;
    readonly local?: string;
    readonly prefixlen?: number;
    readonly scope?: string;
  }[];
}
interface IpRoute {
  readonly dst?: string;
  readonly dev?: string;
}

/** The addresses of one device. */
export interface DeviceAddresses {
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

/** A route, and the device it goes through; undefined for those through none (blackhole, unreachable). */
export interface DeviceRoute {
  readonly destination: Cidr;
  readonly device: string | undefined;
}

const parseJson = <T>(text: string): T[] => (text.trim() === '' ? [] : (JSON.parse(text) as T[]));

/** Parses `ip -json address show` (ip-address(8)). */
export const parseAddresses = (text: string): DeviceAddresses[] =>
  parseJson<IpLink>(text).map((link) => ({
    name: link.ifname ?? '',
    addresses: (link.addr_info ?? []).flatMap(
      (entry) => parseCidr(`${entry.local ?? ''}/${String(entry.prefixlen ?? '')}`) ?? [],
    ),
  }));

/** Parses `ip -json FAMILY route show` (ip-route(8)). */
export const parseRouteJson = (text: string, family: Family): DeviceRoute[] =>
  parseJson<IpRoute>(text).flatMap((route) => {
    const anywhere = family === '-4' ? '0.0.0.0/0' : '::/0';
    const destination = parseCidr(route.dst === 'default' ? anywhere : (route.dst ?? ''));
    return destination === undefined ? [] : [{ destination, device: route.dev }];
  });

/** The addresses of every device but `name`. */
export const readOtherDevices = async (runner: CommandRunner, name: string): Promise<DeviceAddresses[]> =>
  parseAddresses(await mustRun(runner, ['ip', '-json', 'address', 'show'])).filter((device) => device.name !== name);

/** The routes of a table that cover a network, the network's own among them. */
export async function readRoutesTo(runner: CommandRunner, network: Cidr, table: string): Promise<DeviceRoute[]> {
  const family: Family = isIpv6(network) ? '-6' : '-4';
  const { exitCode, stdout } = await runner.run('ip', [
    ...['-json', family, 'route', 'show', 'table', table, 'match', network],
  ]);
  // A table that nobody has made yet has none.
  return exitCode === 0 ? parseRouteJson(stdout, family) : [];
}

/** Routes of the main table on devices other than `name`. */
export async function readForeignRoutes(runner: CommandRunner, name: string): Promise<DeviceRoute[]> {
  const routes = await Promise.all(
    FAMILIES.map(async (family) =>
      parseRouteJson(await mustRun(runner, ['ip', '-json', family, 'route', 'show', 'table', 'main']), family),
    ),
  );
  return routes.flat().filter((route) => route.device !== undefined && route.device !== name);
}
