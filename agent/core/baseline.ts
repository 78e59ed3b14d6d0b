import type { FieldName } from '../protocol/wgquick/fields.ts';
import type { Baseline, Device } from './device.ts';

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
  return { ...baseline, ...Object.fromEntries(parts.map((part) => [part, device[part]])) };
}
