import { type Cidr, coverage, networkOf } from '../protocol/address.ts';
import { effectsOf } from '../protocol/hooks/effects/effects-of.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { PeerEdits } from '../protocol/wgquick/peer-edits.ts';
import type { Baseline, Device, Route } from './device.ts';

/** A device before its peers are changed. */
export interface RoutedDevice {
  readonly name: string;
  readonly device: Device;
  /** What it came up with; null = not known, and then no route is ours. */
  readonly baseline: Baseline | null;
  readonly running: InterfaceConfig;
}

/**
 * Routes that the device has for networks that no peer has once they are changed: those that came with it or with a peer, but not those
 * of its addresses or of hooks, nor one that the network of another peer goes by. Default routes by a mark stay as they are.
 */
export function unusedRoutes({ name, device, baseline, running }: RoutedDevice, { set, removed }: PeerEdits): Route[] {
  if (baseline === null || running.table === 'off') return [];
  const wishes = new Map(set.map((wish) => [wish.publicKey, wish.allowedIps]));
  const gone = new Set(removed);
  const isTouched = (key: string): boolean => gone.has(key) || wishes.get(key) !== undefined;
  const asked = new Set(set.flatMap(({ allowedIps = [] }) => allowedIps));
  const left = device.peers
    .filter(({ publicKey }) => isTouched(publicKey))
    .flatMap(({ allowedIps }) => allowedIps.map(networkOf))
    .filter((network) => !asked.has(network) && !(running.table === null && network.endsWith('/0')));
  // As good as always none.
  const routes = routesTo(left, baseline, running.table ?? 'main');
  if (routes.length === 0) return [];
  const others = device.peers.filter(({ publicKey }) => !isTouched(publicKey)).flatMap(({ allowedIps }) => allowedIps);
  const needed = [...asked, ...others].map(networkOf);
  const isOfHook = membership(
    effectsOf(running, name).flatMap(({ effect }) => (effect.kind === 'route' ? [effect.destination] : [])),
  );
  const ownRoutes = membership(baseline.routes.map(({ destination }) => destination));
  const isConnected = membership(device.addresses.map(networkOf));
  const isNeeded = membership(needed);
  // First those that go by any of the routes: of thousands as good as none.
  const isHeld = coverage(routes.map(({ destination }) => destination));
  const byOthers = needed.filter((network) => !ownRoutes(network) && isHeld(network));
  return routes.filter(({ destination }) => {
    if (isConnected(destination) || isOfHook(destination) || isNeeded(destination)) return false;
    return !byOthers.some(coverage([destination]));
  });
}

function routesTo(networks: readonly Cidr[], { routes }: Baseline, table: string): Route[] {
  if (networks.length === 0) return [];
  const isAmong = membership(networks);
  return routes.filter((route) => route.table === table && isAmong(route.destination));
}

const membership = (values: readonly string[]): ((value: string) => boolean) => {
  const known = new Set(values);
  return (value) => known.has(value);
};
