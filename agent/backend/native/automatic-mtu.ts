import { readKernelFile } from '../../host/kernel-file.ts';
import type { Dialect } from '../../host/dialect.ts';
import type { Tools } from './tools.ts';

/** What WireGuard adds to a packet: 40 bytes of IPv6, 8 of UDP, 32 of its own. */
const OVERHEAD = 80;
const ORDINARY_PATH = 1500;

/** The address of an endpoint `ip:port` as wg-quick finds it; a zone makes it none. */
const hostOf = (endpoint: string): string | undefined => /^\[?([a-z0-9:.]+)\]?:[0-9]+$/.exec(endpoint)?.[1];

/** What packets of a device go through. */
export interface Paths {
  /** `ip:port` of its peers. */
  readonly endpoints: readonly string[];
  /** Its own mark, by which its packets go around a default route through itself; null = none. */
  readonly mark: number | null;
  /** Which of the paths counts. */
  readonly of: Dialect['mtuOf'];
}

/** The MTU that wg-quick chooses where the file names none: that of the path to an endpoint, else of the default route, less 80. */
export async function automaticMtu(
  { runner, name }: Pick<Tools, 'runner' | 'name'>,
  { endpoints, mark, of }: Paths,
): Promise<number> {
  const marked = mark === null ? '' : ` mark ${String(mark)}`;
  const hosts = [...new Set(endpoints.flatMap((endpoint) => hostOf(endpoint) ?? []))];
  const commands = [...hosts.map((host) => `route get ${host}${marked}`), 'route show default'];
  const { stdout } = await runner.run('ip', ['-oneline', '-force', '-batch', '-'], {
    stdin: `${commands.join('\n')}\n`,
    timeoutMs: 10_000 + commands.length * 10,
  });
  const lines = stdout.split('\n').filter((line) => line !== '' && !` ${line} `.includes(` dev ${name} `));
  const isDefault = (line: string): boolean => line.startsWith('default');
  const paths = lines.filter((line) => !isDefault(line)).flatMap((line) => mtuIn(line) ?? []);
  const fallback = mtuIn(lines.find(isDefault) ?? '') ?? ORDINARY_PATH;
  const best = of === 'largest' ? Math.max(...paths) : Math.min(...paths);
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
