import type { WireDrift } from '../protocol/messages.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { Live } from './live.ts';
import type { Step } from './plan.ts';

const list = (values: readonly string[]): string => values.join(', ');
const number = (value: number | null): string => (value === null ? '' : String(value));

/** Text of one field in the file and in the kernel, for people; keys only as public keys. */
function valuesOf(
  path: string,
  file: InterfaceConfig,
  live: Live | null,
  publicKey: string | null,
): { file: string; live: string } {
  const field = path.replace('spec.interface.', '');
  switch (field) {
    case 'privateKeySecretRef':
      return { file: publicKey ?? '', live: live?.publicKey ?? '' };
    case 'listenPort':
      return { file: number(file.listenPort), live: number(live?.listenPort ?? null) };
    case 'fwMark':
      return { file: number(file.fwMark), live: number(live?.fwMark ?? null) };
    case 'mtu':
      return { file: number(file.mtu), live: number(live?.mtu ?? null) };
    case 'addresses':
      return { file: list(file.addresses), live: list(live?.addresses ?? []) };
    case 'state':
      return { file: 'up', live: live === null ? 'absent' : live.linkUp ? 'up' : 'down' };
    case 'table':
      return { file: file.table ?? 'auto', live: 'routes are missing' };
    default:
      return { file: '', live: 'differs from what it was brought up with' };
  }
}

/** What the steps from file to kernel say about the difference between the two: one entry a field. */
export function driftOf(
  steps: readonly Step[],
  file: InterfaceConfig,
  live: Live | null,
  publicKey: string | null,
): WireDrift[] {
  const byPath = new Map<string, Step>();
  for (const step of steps) if (step.action !== 'write-file') byPath.set(step.path, step);
  return [...byPath.values()].map(({ path, impact }) => ({ path, impact, ...valuesOf(path, file, live, publicKey) }));
}
