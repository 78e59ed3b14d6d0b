import { AgentError } from '../core/agent-error.ts';
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

/** The routes of a table; one that nobody has made yet has none. Throws `command_failed`. */
export async function readRoutes(
  runner: CommandRunner,
  family: Family,
  table: string,
  selector: readonly string[] = [],
): Promise<DeviceRoute[]> {
  const argv = ['-json', family, 'route', 'show', 'table', table, ...selector];
  const { exitCode, stdout, stderr } = await runner.run('ip', argv);
  if (exitCode === 0) return parseRouteJson(stdout, family);
  if (/FIB table does not exist|invalid table/i.test(stderr)) return [];
  throw new AgentError('command_failed', `ip cannot tell the routes of table ${table}`);
}

/** Those of them that cover a network, its own among them. */
export const readRoutesTo = (runner: CommandRunner, network: Cidr, table: string): Promise<DeviceRoute[]> =>
  readRoutes(runner, isIpv6(network) ? '-6' : '-4', table, ['match', network]);

/** Routes of the main table on devices other than `name`. */
export async function readForeignRoutes(runner: CommandRunner, name: string): Promise<DeviceRoute[]> {
  const routes = await Promise.all(
    FAMILIES.map(async (family) =>
      parseRouteJson(await mustRun(runner, ['ip', '-json', family, 'route', 'show', 'table', 'main']), family),
    ),
  );
  return routes.flat().filter((route) => route.device !== undefined && route.device !== name);
}
