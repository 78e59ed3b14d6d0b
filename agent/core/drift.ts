import { compare, type Difference, STATE_PATH } from '../protocol/compare.ts';
import type { WireDrift } from '../protocol/messages.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { compile } from '../protocol/firewall/compile.ts';
import { redactKeys } from '../protocol/redact.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from '../protocol/wgquick/fields.ts';
import { lostIntents, tableChange } from './firewall-table.ts';
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

function seenByPlan(path: string, current: Current): Difference {
  const { file, device } = current;
  const name = FIELD_NAMES.find((candidate) => pathOf(candidate) === path);
  if (name === undefined || file === null || device === null) return { path, desired: '', file: '', live: '' };
  const { text, running } = fieldOf(name);
  const live = running.shownBy === 'kernel' ? text(running.of(device)) : missingOf(name, current);
  return { path, desired: text(file[name]), file: text(file[name]), live };
}

/** What of a field is missing that the kernel does not show as a value. */
function missingOf(name: FieldName, current: Current): string {
  const gone = [...new Set(current.lost.filter(({ list }) => list === name).map(({ command }) => command))];
  const parts = [
    ...(name === 'firewall' ? missingTable(current) : []),
    ...(gone.length === 0 ? [] : [`gone from the host: ${redactKeys(gone.join('; '))}`]),
  ];
  return parts.length === 0 ? 'routes or rules are missing' : parts.join('; ');
}

/** Intents that are not in force, by their names. */
function missingTable({ name, file, table }: Current): string[] {
  const wanted = file === null ? null : compile(file, name);
  const change = file === null ? null : tableChange(file, name, table);
  if (change === null) return [];
  if (wanted === null) return ['a table that no intent asks for'];
  const lost = lostIntents(wanted, table?.loaded ?? null);
  return [lost.length > 0 ? `not in force: ${lost.join(', ')}` : 'the file of the table is not as it should be'];
}

/** Fields of an interface that is down whose text in the file is no value. */
export const invalidDrift = (file: InterfaceConfig): WireDrift[] =>
  compare({ config: file, state: 'down' }, { file, device: null, running: null, settled: [] }).map((difference) => ({
    path: difference.path,
    file: clipped(difference.file),
    live: '',
    impact: 'None',
  }));
