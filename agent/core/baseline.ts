import { networkOf } from '../protocol/address.ts';
import type { FieldName } from '../protocol/wgquick/fields.ts';
import type { Baseline, Device, Route } from './device.ts';

/** What a baseline has of each field of the configuration that the kernel shows. */
const PARTS: Readonly<Partial<Record<FieldName, keyof Baseline>>> = {
  privateKey: 'key',
  listenPort: 'listenPort',
  fwMark: 'fwMark',
  addresses: 'addresses',
  mtu: 'mtu',
};

/** The baseline once these fields were changed on a device that stays up: what it has of them now is right. */
export function movedBaseline(
  baseline: Baseline | null,
  device: Device,
  changed: readonly FieldName[],
): Baseline | null {
  if (baseline === null) return null;
  const parts = changed.flatMap((name) => PARTS[name] ?? []);
  const routes = parts.includes('addresses') ? withoutConnected(baseline, device) : baseline.routes;
  return { ...baseline, ...Object.fromEntries(parts.map((part) => [part, device[part]])), routes };
}

/** The routes of a baseline but for those that went with an address. */
function withoutConnected({ addresses, routes }: Baseline, device: Device): Route[] {
  const connected = new Set(addresses.map(networkOf));
  const present = new Set(device.routes.map(({ destination }) => destination));
  return routes.filter(({ destination }) => !connected.has(destination) || present.has(destination));
}

/** The baseline after hooks ran on a device that stays up: what they changed is right. */
export function hookedBaseline(baseline: Baseline, before: Device, after: Device): Baseline {
  const parts = Object.values(PARTS).filter((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]));
  const idOf = ({ destination, table }: Route): string => `${destination} ${table}`;
  const had = new Set(before.routes.map(idOf));
  const has = new Set(after.routes.map(idOf));
  const kept = baseline.routes.filter((route) => has.has(idOf(route)) || !had.has(idOf(route)));
  const fresh = after.routes.filter((route) => !had.has(idOf(route)));
  const routing = before.routing.join() === after.routing.join() ? baseline.routing : after.routing;
  const changed = Object.fromEntries(parts.map((part) => [part, after[part]]));
  return { ...baseline, ...changed, routes: [...kept, ...fresh], routing };
}
