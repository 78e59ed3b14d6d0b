import { networkInterfaces } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Device, Route } from '../../core/device.ts';
import { type Dump, parseDump } from '../../core/parse-dump.ts';
import { parseAddresses6 } from '../../core/parse-proc-net.ts';
import { routeAttributesIn, withAttributes } from '../../core/route-attributes.ts';
import { type Cidr, isIpv6, parseCidr } from '../../protocol/address.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { readKernelFile as read } from '../../host/kernel-file.ts';
import { FAMILIES, type Family } from '../../core/default-routing.ts';
import { parseAddresses, readRoutes as readTable } from '../../host/ip-json.ts';
import { NO_ROUTING, readRouting } from './default-routing.ts';
import { lastRead } from './last-read.ts';
import { indexOf, kindOf } from './kind-of.ts';
import { readUapi } from './uapi.ts';

const IFF_UP = 0x1;

/**
 * What the kernel has of the interface, or null when there is no such device. Makes no process for wireguard-go, one for the kernel
 * module (Node speaks no netlink), two more for the routes of a numbered `table`, and up to four where a default route goes through it.
 * Files of /proc and /sys are in memory: read at once they take a tenth of the time.
 */
export async function readDevice(
  runner: CommandRunner,
  name: string,
  { table, untouched, answer }: DeviceQuestion,
): Promise<Device | null> {
  const kind = kindOf(name);
  if (kind === 'absent') return null;
  const isSame = untouched !== null && untouched.index === indexOf(name);
  const [dump, routes] = await Promise.all([
    isSame ? dumpOf(untouched) : (answer ?? readDump(runner, name, kind)),
    isSame ? readRoutes(runner, name, table) : asked().then(() => readRoutes(runner, name, table)),
  ]);
  const folder = `/sys/class/net/${name}`;
  const index = indexOf(name);
  if (index === null) return null;
  const linkUp = (Number(read(`${folder}/flags`)) & IFF_UP) !== 0;
  const addresses = await readAddresses(runner, name, linkUp);
  const device = { ...dump, index, addresses, mtu: Number(read(`${folder}/mtu`)), linkUp, routes };
  return { ...device, ...(table === null ? await readRouting(runner, name, device) : NO_ROUTING) };
}

/** Two turns of the loop: a question is on its way before the routes, which block, and wireguard-go writes its answer meanwhile. */
async function asked(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

interface DeviceQuestion {
  /** Whose routes are read; null and `off` = main, undefined = none: of thousands they take as long as the peers. */
  readonly table: string | null | undefined;
  /** As it was a moment ago, where nothing was done since that wg(8) would show; null = not known. */
  readonly untouched: Device | null;
  /** Of a question that was asked ahead; null = none was. */
  readonly answer: Promise<Dump> | null;
}

const dumpOf = ({ key, listenPort, fwMark, peers }: Device): Dump => ({ key, listenPort, fwMark, peers });

/** What wg(8) or the socket of wireguard-go tell of the device. */
export const readDump = async (runner: CommandRunner, name: string, kind: 'kernel' | 'userspace'): Promise<Dump> =>
  kind === 'userspace'
    ? lastRead(name).uapi.parse(await readUapi(name))
    : parseDump(await mustRun(runner, ['wg', 'show', name, 'dump']));

/** Its addresses, link-local ones included. */
export async function readAddresses(runner: CommandRunner, name: string, linkUp: boolean): Promise<readonly Cidr[]> {
  // Node sees the addresses of links that are up only.
  if (!linkUp)
    return parseAddresses(await mustRun(runner, ['ip', '-json', 'address', 'show', 'dev', name]))[0]?.addresses ?? [];
  const ipv4 = (networkInterfaces()[name] ?? []).filter((entry) => entry.family === 'IPv4');
  const ipv6 = parseAddresses6(read('/proc/self/net/if_inet6') ?? '', name);
  return [...ipv4.flatMap((entry) => parseCidr(entry.cidr ?? '') ?? []), ...ipv6];
}

/** The routes of the main table through the device. */
export function readMainRoutes(name: string): readonly Route[] {
  const [ipv4, ipv6] = ['route', 'ipv6_route'].map((file) => read(`/proc/self/net/${file}`) ?? '');
  return lastRead(name).mainRoutes(name, ipv4 ?? '', ipv6 ?? '');
}

async function readRoutes(
  runner: CommandRunner,
  name: string,
  table: string | null | undefined,
): Promise<readonly Route[]> {
  if (table === undefined) return [];
  if (table === null || table === 'off') return readMainRoutes(name);
  const show = async (family: Family): Promise<Route[]> =>
    (await readTable(runner, family, table, ['dev', name])).map(({ destination }) => ({ destination, table }));
  return (await Promise.all(FAMILIES.map(show))).flat();
}

interface RoutesOfTable {
  readonly routes: readonly Route[];
  readonly table: string | null;
}

/** As `Backend.describeRoutes`. A table that cannot be listed tells nothing. */
export async function describeRoutes(
  runner: CommandRunner,
  name: string,
  { routes, table }: RoutesOfTable,
): Promise<readonly Route[]> {
  const families = FAMILIES.filter((family) =>
    routes.some(({ destination }) => isIpv6(destination) === (family === '-6')),
  );
  const of = table === null || table === 'off' ? 'main' : table;
  const attributes = await Promise.all(
    families.map(async (family) => {
      const list = (): ReturnType<CommandRunner['run']> =>
        runner.run('ip', ['-details', family, 'route', 'show', 'table', of, 'dev', name]);
      const first = await list();
      // Nobody asks again for as long as the interface is up.
      const { stdout } = first.exitCode === 0 ? first : await list();
      return [...routeAttributesIn(stdout, family)];
    }),
  );
  return withAttributes(routes, new Map(attributes.flat()));
}
