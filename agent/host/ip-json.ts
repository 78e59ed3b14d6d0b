import { type Cidr, canonicalCidr } from '../protocol/address.ts';
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

export interface DeviceAddresses {
  readonly name: string;
  /** Without link-local ones. */
  readonly addresses: readonly Cidr[];
}

export interface DeviceRoute {
  readonly destination: Cidr;
  readonly device: string | undefined;
}

const parseJson = <T>(text: string): T[] => (text.trim() === '' ? [] : (JSON.parse(text) as T[]));

/** Parses `ip -json address show` (ip-address(8)). */
export const parseAddresses = (text: string): DeviceAddresses[] =>
  parseJson<IpLink>(text).map((link) => ({
    name: link.ifname ?? '',
    addresses: (link.addr_info ?? [])
      .filter((entry) => !(entry.family === 'inet6' && entry.scope === 'link'))
      .flatMap((entry) => canonicalCidr(`${entry.local ?? ''}/${String(entry.prefixlen ?? '')}`) ?? []),
  }));

/** Parses `ip -json route show` (ip-route(8)); a default route is left out, no interface part of ours can hold one. */
export const parseRouteJson = (text: string): DeviceRoute[] =>
  parseJson<IpRoute>(text).flatMap((route) => {
    const destination = canonicalCidr(route.dst ?? '');
    return destination === undefined ? [] : [{ destination, device: route.dev }];
  });

/** The addresses of every device but `name`. */
export const readOtherDevices = async (runner: CommandRunner, name: string): Promise<DeviceAddresses[]> =>
  parseAddresses(await mustRun(runner, ['ip', '-json', 'address', 'show'])).filter((device) => device.name !== name);

/** Routes of the main table on devices other than `name`. */
export async function readForeignRoutes(runner: CommandRunner, name: string): Promise<DeviceRoute[]> {
  const families = ['-4', '-6'] as const;
  const texts = await Promise.all(
    families.map((family) => mustRun(runner, ['ip', '-json', family, 'route', 'show', 'table', 'main'])),
  );
  return texts.flatMap(parseRouteJson).filter((route) => route.device !== undefined && route.device !== name);
}
