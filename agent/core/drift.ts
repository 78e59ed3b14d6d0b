import type { WireDrift } from '../protocol/messages.ts';
import { redactKeys } from '../protocol/redact.ts';
import type { FieldName, InterfaceConfig } from '../protocol/wgquick/config.ts';
import { FIELD_NAMES, pathOf } from '../protocol/wgquick/fields.ts';
import type { Live } from './live.ts';
import type { Step } from './plan.ts';

const list = (values: readonly string[]): string => values.join(', ');
const number = (value: number | null): string => (value === null ? '' : String(value));

/** Text of what the kernel has of a field, for people; empty where the kernel does not show it. */
function liveText(name: FieldName, live: Live | null): string {
  switch (name) {
    case 'privateKey':
      return live?.publicKey ?? '';
    case 'listenPort':
      return number(live?.listenPort ?? null);
    case 'fwMark':
      return number(live?.fwMark ?? null);
    case 'mtu':
      return number(live?.mtu ?? null);
    case 'addresses':
      return list(live?.addresses ?? []);
    default:
      return '';
  }
}

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
      return { file: publicKey ?? '', live: liveText('privateKey', live) };
    case 'listenPort':
    case 'fwMark':
    case 'mtu':
      return { file: number(file[field]), live: liveText(field, live) };
    case 'addresses':
      return { file: list(file.addresses), live: liveText(field, live) };
    case 'state':
      return { file: 'up', live: live === null ? 'absent' : live.linkUp ? 'up' : 'down' };
    case 'table':
      return { file: file.table ?? 'auto', live: 'routes are missing' };
    default:
      return { file: '', live: 'differs from what it was brought up with' };
  }
}

/** What the file says of fields and is no value of them; the live side shows what holds meanwhile. */
export const invalidDrift = (file: InterfaceConfig, live: Live | null): WireDrift[] =>
  FIELD_NAMES.flatMap((name) => {
    const texts = file.invalid[name];
    if (texts === undefined) return [];
    const path = pathOf(name);
    const text = redactKeys(texts.join(', ')).slice(0, MAX_TEXT).toWellFormed();
    return [{ path, file: text, live: liveText(name, live), impact: 'None' as const }];
  });

const MAX_TEXT = 1024;

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
