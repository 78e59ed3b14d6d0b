import { readKernelFile } from '../../host/kernel-file.ts';
import type { CommandRunner } from '../../host/command-runner.ts';
import type { Dialect } from '../../host/dialect.ts';

/** What WireGuard adds to a packet: 40 bytes of IPv6, 8 of UDP, 32 of its own. */
const OVERHEAD = 80;
const ORDINARY_PATH = 1500;

/** The address of an endpoint `ip:port` as wg-quick finds it; a zone makes it none. */
const hostOf = (endpoint: string): string | undefined => /^\[?([a-z0-9:.]+)\]?:[0-9]+$/.exec(endpoint)?.[1];

/** The MTU that wg-quick chooses where the file names none: that of the path to an endpoint, else of the default route, less 80. */
export async function automaticMtu(
  runner: CommandRunner,
  endpoints: readonly string[],
  pathOf: Dialect['mtuOf'],
): Promise<number> {
  const hosts = [...new Set(endpoints.flatMap((endpoint) => hostOf(endpoint) ?? []))];
  const commands = [...hosts.map((host) => `route get ${host}`), 'route show default'];
  const { stdout } = await runner.run('ip', ['-oneline', '-force', '-batch', '-'], {
    stdin: `${commands.join('\n')}\n`,
    timeoutMs: 10_000 + commands.length * 10,
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  const isDefault = (line: string): boolean => line.startsWith('default');
  const paths = lines.filter((line) => !isDefault(line)).flatMap((line) => mtuIn(line) ?? []);
  const fallback = mtuIn(lines.find(isDefault) ?? '') ?? ORDINARY_PATH;
  const best = pathOf === 'largest' ? Math.max(...paths) : Math.min(...paths);
  return (paths.length === 0 ? fallback : best) - OVERHEAD;
}

/** The MTU of a route as ip(8) prints it: its own, or that of its device. */
function mtuIn(route: string): number | undefined {
  const own = / mtu ([0-9]+)/.exec(route)?.[1];
  const device = / dev ([^ ]+)/.exec(route)?.[1];
  if (own !== undefined) return Number(own);
  if (device === undefined || !/^[^/]+$/.test(device)) return undefined;
  const text = readKernelFile(`/sys/class/net/${device}/mtu`);
  return text === null ? undefined : Number(text);
}
