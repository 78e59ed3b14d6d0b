import { AgentError } from '../core/agent-error.ts';
import type { Device, Route } from '../core/device.ts';
import { FAMILIES } from '../core/default-routing.ts';
import { type DeviceRoute, readRoutes, readRoutesTo } from '../host/ip-json.ts';
import { type Cidr, coverage, holdersOf, networkOf } from '../protocol/address.ts';
import type { PeerEdits } from '../protocol/wgquick/peer-edits.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** Beyond so many at once whole tables are read, and every peer is looked at but once. */
const FEW = 16;

/** Networks that peers get, that no other peer and no address of the device holds. */
export function newNetworks({ peers, addresses }: Device, { set }: PeerEdits): Cidr[] {
  const asked = new Set(set.map(({ publicKey }) => publicKey));
  const own = new Set(peers.filter(({ publicKey }) => asked.has(publicKey)).flatMap(({ allowedIps }) => allowedIps));
  const more = [...new Set(set.flatMap(({ allowedIps = [] }) => allowedIps))].filter((ip) => !own.has(ip));
  if (more.length === 0) return [];
  if (more.length > FEW) {
    const isKnown = coverage([...addresses, ...peers.flatMap(({ allowedIps }) => allowedIps)]);
    return more.filter((ip) => !isKnown(ip));
  }
  const known = addresses.map(networkOf);
  // Of few networks all that could hold them are fewer than those of thousands of peers.
  return more.filter((ip) => {
    const holders = holdersOf(ip);
    const isHeld = (network: Cidr): boolean => holders.has(network);
    return !known.some(isHeld) && !peers.some(({ allowedIps }) => allowedIps.some(isHeld));
  });
}

/** Tells the routes that cover a network, of one table. */
type Look = (network: Cidr) => Promise<readonly DeviceRoute[]>;

/**
 * Which of the networks need a route, as wg-quick(8) would make it: one that no route of the device covers. Throws `route_conflict` where
 * another device has a route to the very network: it would be taken from it, now or when the interface comes up the next time.
 */
export async function routesToAdd(
  target: ManagedInterface,
  networks: readonly Cidr[],
  table: string | null,
): Promise<Cidr[]> {
  if (networks.length === 0) return [];
  const hasOwnTable = table !== null && table !== 'off';
  const inMain = await lookerOf(target, networks, 'main');
  const inOwn = hasOwnTable ? await lookerOf(target, networks, table) : inMain;
  const missing: Cidr[] = [];
  for (const network of networks) {
    if ((await inOwn(network)).some(({ device }) => device === target.name)) continue;
    const isDefault = network.endsWith('/0');
    if (!isDefault) refuseHolder(target.name, network, await inMain(network));
    // In the main table a default route needs its mark and rules: it is made when the interface comes up.
    if (table !== 'off' && (!isDefault || hasOwnTable)) missing.push(network);
  }
  return missing;
}

/** Takes routes from the device. One that has gone already is fine: it is what was wanted. Throws AgentError for any other failure. */
export async function removeRoutes({ name, host }: ManagedInterface, routes: readonly Route[]): Promise<void> {
  if (routes.length === 0) return;
  const lines = routes.map(({ destination, table }) => `route delete ${destination} dev ${name} table ${table}\n`);
  const { exitCode, stderr } = await host.runner.run('ip', ['-force', '-batch', '-'], { stdin: lines.join('') });
  if (exitCode === 0) return;
  const failures = stderr
    .split('\n')
    .filter((line) => line.startsWith('RTNETLINK') && !line.includes('No such process'));
  if (failures.length > 0 || !stderr.includes('No such process'))
    throw new AgentError('command_failed', `Cannot take routes from ${name}: ${stderr.trim().slice(0, 200)}`);
  host.log.info('routes of peers had gone already', { interface: name });
}

function refuseHolder(name: string, network: Cidr, routes: readonly DeviceRoute[]): void {
  const holder = routes.find(
    ({ destination, device }) => destination === network && device !== undefined && device !== name,
  )?.device;
  if (holder === undefined) return;
  throw new AgentError('route_conflict', `The route to ${network} is held by ${holder}; it is left alone`);
}

async function lookerOf({ host }: ManagedInterface, networks: readonly Cidr[], table: string): Promise<Look> {
  if (networks.length <= FEW) return (network) => readRoutesTo(host.runner, network, table);
  const routes = (await Promise.all(FAMILIES.map((family) => readRoutes(host.runner, family, table)))).flat();
  const byDestination = new Map<Cidr, DeviceRoute[]>();
  for (const route of routes)
    byDestination.set(route.destination, [...(byDestination.get(route.destination) ?? []), route]);
  return (network) =>
    Promise.resolve([...holdersOf(network)].flatMap((destination) => byDestination.get(destination) ?? []));
}
