import { type Cidr, isIpv6, networkOf } from '../protocol/address.ts';
import type { FieldName } from '../protocol/wgquick/fields.ts';
import type { RoutingPart } from './default-routing.ts';
import type { Baseline, Device, Route } from './device.ts';

/** What a baseline has of each field of the configuration that the kernel shows. */
const PARTS: Readonly<Partial<Record<FieldName, Exclude<keyof Baseline, 'bare'>>>> = {
  privateKey: 'key',
  listenPort: 'listenPort',
  fwMark: 'fwMark',
  addresses: 'addresses',
  mtu: 'mtu',
};

/** What was changed on a device that stays up. */
export interface Moves {
  readonly changed: readonly FieldName[];
  /** Of peers in the file. */
  readonly networks: { readonly come: readonly Cidr[]; readonly gone: readonly Cidr[] };
  /** Of default routes that came with them. */
  readonly routing: readonly RoutingPart[];
}

/** The baseline once these fields and peers were changed: what the device has of them now is right. */
export function movedBaseline(
  baseline: Baseline | null,
  device: Device,
  { changed, networks, routing }: Moves,
): Baseline | null {
  if (baseline === null) return null;
  const parts = changed.flatMap((name) => PARTS[name] ?? []);
  const kept = parts.includes('addresses')
    ? [...withoutConnected(baseline, device), ...freshConnected(baseline, device)]
    : baseline.routes;
  const routes = movedRoutes(kept, device.routes, networks);
  const moved = { ...baseline, ...Object.fromEntries(parts.map((part) => [part, device[part]])), routes };
  return routing.length === 0 ? moved : { ...moved, ...movedRouting(baseline, device, routing) };
}

/** With the rows of the firewall that were made beside it. */
function movedRouting(
  { routing, rulePlaces }: Baseline,
  device: Device,
  come: readonly RoutingPart[],
): Pick<Baseline, 'routing' | 'rulePlaces'> {
  const isOfThem = (part: string): boolean => come.some((other) => other.slice(0, 2) === part.slice(0, 2));
  return {
    routing: [...new Set([...routing, ...come, ...device.routing.filter(isOfThem)])],
    rulePlaces: [
      ...rulePlaces.filter(({ family }) => !isOfThem(family)),
      ...device.rulePlaces.filter(({ family }) => isOfThem(family)),
    ],
  };
}

function movedRoutes(kept: readonly Route[], live: readonly Route[], networks: Moves['networks']): readonly Route[] {
  const [come, gone] = [new Set(networks.come), new Set(networks.gone)];
  if (come.size + gone.size === 0) return kept;
  const present = new Set(live.map(idOf));
  const known = new Set(kept.map(idOf));
  return [
    ...kept.filter((route) => !gone.has(route.destination) || present.has(idOf(route))),
    ...live.filter((route) => come.has(route.destination) && !known.has(idOf(route))),
  ];
}

/** The routes to the networks of addresses that came. */
function freshConnected({ addresses, routes }: Baseline, device: Device): Route[] {
  const come = new Set(device.addresses.filter((address) => !addresses.includes(address)).map(networkOf));
  const known = new Set(routes.map(idOf));
  return device.routes.filter((route) => come.has(route.destination) && !known.has(idOf(route)));
}

/** Whether the kernel makes a route to the network of the address that we see: not for a single host, multicast, a network of 0. */
export const isRouted = (address: Cidr): boolean =>
  isIpv6(address)
    ? !/\/(0|128)$/.test(address)
    : !/^(22[4-9]|23[0-9])\.|\/32$/.test(address) && !networkOf(address).startsWith('0.0.0.0/');

/**
 * Tells addresses in a network whose route a hook took: it stays away. `table`: as in the configuration; of a device with a table of its own
 * nothing is known of others.
 */
export function bareAddresses(baseline: Baseline | null, table: string | null): (address: Cidr) => boolean {
  const bare = new Set(table === null || table === 'off' ? baseline?.bare : []);
  return (address) => bare.size > 0 && bare.has(networkOf(address));
}

/** The routes of a baseline but for those that went with an address. */
function withoutConnected({ addresses, routes }: Baseline, device: Device): Route[] {
  const connected = new Set(addresses.map(networkOf));
  const present = new Set(device.routes.map(({ destination }) => destination));
  return routes.filter(({ destination }) => !connected.has(destination) || present.has(destination));
}

const idOf = ({ destination, table }: Route): string => `${destination} ${table}`;

/** The baseline after hooks ran on a device that stays up: what they changed is right. */
export function hookedBaseline(baseline: Baseline, before: Device, after: Device): Baseline {
  const parts = Object.values(PARTS).filter((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]));
  const had = new Set(before.routes.map(idOf));
  const has = new Map(after.routes.map((route) => [idOf(route), route]));
  const kept = baseline.routes
    .filter((route) => has.has(idOf(route)) || !had.has(idOf(route)))
    .map((route) => has.get(idOf(route)) ?? route);
  const fresh = after.routes.filter((route) => !had.has(idOf(route)));
  const isSame = before.routing.join() === after.routing.join();
  const { routing, rulePlaces } = isSame ? baseline : after;
  const changed = Object.fromEntries(parts.map((part) => [part, after[part]]));
  return { ...baseline, ...changed, routes: [...kept, ...fresh], routing, rulePlaces, bare: bareNetworks(after) };
}

/** Networks of addresses of a device whose hooks have run that have no route, though the kernel makes one: a hook took it. */
export function bareNetworks({ addresses, routes, linkUp }: Pick<Device, 'addresses' | 'routes' | 'linkUp'>): Cidr[] {
  const present = new Set(routes.map(({ destination }) => destination));
  return linkUp
    ? addresses
        .filter(isRouted)
        .map(networkOf)
        .filter((network) => !present.has(network))
    : [];
}
