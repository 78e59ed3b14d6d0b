import { readFile, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { AgentError } from '../../core/agent-error.ts';
import type { Device, Route } from '../../core/device.ts';
import { type Dump, parseDump } from '../../core/parse-dump.ts';
import { parseAddresses6, parseRoutes4, parseRoutes6 } from '../../core/parse-proc-net.ts';
import { parseUapi } from '../../core/parse-uapi.ts';
import { type Cidr, parseCidr } from '../../protocol/address.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { FAMILIES, type Family, parseAddresses, parseRouteJson } from '../../host/ip-json.ts';
import { isUserspace, readUapi } from './uapi.ts';

const IFF_UP = 0x1;

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

type Kind = 'kernel' | 'userspace' | 'absent';

/** Whose device that name is; one that is not WireGuard is an error, before anything touches it. */
export async function kindOf(name: string): Promise<Kind> {
  const folder = `/sys/class/net/${name}`;
  const uevent = await readFile(`${folder}/uevent`, 'utf8').catch(() => null);
  if (uevent === null) return 'absent';
  if (/^DEVTYPE=wireguard$/m.test(uevent)) return 'kernel';
  if ((await exists(`${folder}/tun_flags`)) && (await isUserspace(name))) return 'userspace';
  throw new AgentError(
    'not_wireguard',
    `${name} exists on this host and is not a WireGuard interface; it is left alone`,
  );
}

/**
 * What the kernel has of the interface, or null when there is no such device. Makes no process for wireguard-go, one for the kernel
 * module (Node speaks no netlink), and two more for the routes of a numbered `table`.
 */
export async function readDevice(runner: CommandRunner, name: string, table: string | null): Promise<Device | null> {
  const kind = await kindOf(name);
  if (kind === 'absent') return null;
  const [index, mtu, flags, dump, routes] = await Promise.all([
    readFile(`/sys/class/net/${name}/ifindex`, 'utf8'),
    readFile(`/sys/class/net/${name}/mtu`, 'utf8'),
    readFile(`/sys/class/net/${name}/flags`, 'utf8'),
    readDump(runner, name, kind),
    readRoutes(runner, name, table),
  ]);
  const linkUp = (Number(flags) & IFF_UP) !== 0;
  const addresses = await readAddresses(runner, name, linkUp);
  return { ...dump, index: Number(index), addresses, mtu: Number(mtu), linkUp, routes };
}

const readDump = async (runner: CommandRunner, name: string, kind: 'kernel' | 'userspace'): Promise<Dump> =>
  kind === 'userspace'
    ? parseUapi(await readUapi(name))
    : parseDump(await mustRun(runner, ['wg', 'show', name, 'dump']));

async function readAddresses(runner: CommandRunner, name: string, linkUp: boolean): Promise<readonly Cidr[]> {
  // Node sees the addresses of links that are up only.
  if (!linkUp)
    return parseAddresses(await mustRun(runner, ['ip', '-json', 'address', 'show', 'dev', name]))[0]?.addresses ?? [];
  const ipv4 = (networkInterfaces()[name] ?? []).filter((entry) => entry.family === 'IPv4');
  const ipv6 = parseAddresses6(await readFile('/proc/self/net/if_inet6', 'utf8').catch(() => ''), name);
  return [...ipv4.flatMap((entry) => parseCidr(entry.cidr ?? '') ?? []), ...ipv6];
}

async function readRoutes(runner: CommandRunner, name: string, table: string | null): Promise<Route[]> {
  if (table !== null && table !== 'off') {
    const show = async (family: Family): Promise<Route[]> => {
      const argv = ['-json', family, 'route', 'show', 'table', table, 'dev', name];
      const { exitCode, stdout } = await runner.run('ip', argv);
      // A table without routes does not exist to ip(8), which then fails with half a JSON text.
      return exitCode === 0 ? parseRouteJson(stdout, family).map(({ destination }) => ({ destination, table })) : [];
    };
    return (await Promise.all(FAMILIES.map(show))).flat();
  }
  const [ipv4, ipv6] = await Promise.all(
    ['route', 'ipv6_route'].map((file) => readFile(`/proc/self/net/${file}`, 'utf8').catch(() => '')),
  );
  const destinations = [...parseRoutes4(ipv4 ?? '', name), ...parseRoutes6(ipv6 ?? '', name)];
  return destinations.map((destination) => ({ destination, table: 'main' }));
}
