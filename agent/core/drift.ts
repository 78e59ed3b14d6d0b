import { compare, type Difference, STATE_PATH } from '../protocol/compare.ts';
import type { WireDrift } from '../protocol/messages.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { redactKeys } from '../protocol/redact.ts';
import { FIELD_NAMES, fieldOf, pathOf } from '../protocol/wgquick/fields.ts';
import { type Current, impactOf, liveSteps, settledFields } from './plan.ts';

const MAX_TEXT = 1024;
const clipped = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();

/** Where an interface that runs differs from its file, one entry a field, and what it does to traffic to bring it back. */
export function driftOf(current: Current & { readonly file: InterfaceConfig }): WireDrift[] {
  const { file, running, device } = current;
  const desired = { config: file, state: 'up' } as const;
  const steps = liveSteps(current, desired);
  const compared = compare(desired, { file, device, running, settled: settledFields(current) });
  const known = new Set(compared.map(({ path }) => path));
  // What the plan alone sees: routes are no field, and a mark that nobody asks for any more may need a restart.
  const others = [...new Set(steps.map(({ path }) => path))].filter((path) => !known.has(path));
  return [...compared, ...others.map((path) => seenByPlan(path, current))].map((difference) => ({
    path: difference.path,
    file: clipped(difference.path === STATE_PATH ? difference.desired : difference.file),
    live: clipped(difference.live),
    // A restart serves every field.
    impact: impactOf(steps.filter(({ path, action }) => path === difference.path || action === 'restart')),
  }));
}

function seenByPlan(path: string, { file, device, lost }: Current): Difference {
  const name = FIELD_NAMES.find((candidate) => pathOf(candidate) === path);
  if (name === undefined || file === null || device === null) return { path, desired: '', file: '', live: '' };
  const { text, running } = fieldOf(name);
  const gone = lost.filter(({ list }) => pathOf(list) === path).map(({ command }) => command);
  const others =
    gone.length === 0
      ? 'routes or rules are missing'
      : `gone from the host: ${redactKeys([...new Set(gone)].join('; '))}`;
  const live = running.shownBy === 'kernel' ? text(running.of(device)) : others;
  return { path, desired: text(file[name]), file: text(file[name]), live };
}

/** Fields of an interface that is down whose text in the file is no value. */
export const invalidDrift = (file: InterfaceConfig): WireDrift[] =>
  compare({ config: file, state: 'down' }, { file, device: null, running: null, settled: [] }).map((difference) => ({
    path: difference.path,
    file: clipped(difference.file),
    live: '',
    impact: 'None',
  }));
