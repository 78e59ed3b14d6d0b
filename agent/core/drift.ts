import { compare, type Difference, STATE_PATH } from '../protocol/compare.ts';
import { highestImpact } from '../protocol/impact.ts';
import type { WireDrift } from '../protocol/messages.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { type Current, liveSteps, settledFields } from './plan.ts';

const MAX_TEXT = 1024;
const clipped = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();

/** Where an interface that runs differs from its file, one entry a field, and what it would take to bring it back. */
export function driftOf(current: Current & { readonly file: InterfaceConfig }): WireDrift[] {
  const { file, running, device } = current;
  const desired = { config: file, state: 'up' } as const;
  const steps = liveSteps(current, desired);
  const compared = compare(desired, { file, device, running, settled: settledFields(current) });
  // Routes are no field: the plan alone sees that they are missing.
  const paths = new Set(compared.map(({ path }) => path));
  const routes: Difference[] = steps
    .filter(({ action, path }) => action === 'add-route' && !paths.has(path))
    .slice(0, 1)
    .map(({ path }) => ({ path, desired: '', file: file.table ?? 'auto', live: 'routes are missing' }));
  return [...compared, ...routes].map((difference) => ({
    path: difference.path,
    file: clipped(difference.path === STATE_PATH ? difference.desired : difference.file),
    live: clipped(difference.live),
    impact: highestImpact(steps.filter(({ path }) => path === difference.path).map(({ impact }) => impact)),
  }));
}

/** Fields of an interface that is down whose text in the file is no value. */
export const invalidDrift = (file: InterfaceConfig): WireDrift[] =>
  compare({ config: file, state: 'down' }, { file, device: null, running: null, settled: [] }).map((difference) => ({
    path: difference.path,
    file: clipped(difference.file),
    live: '',
    impact: 'None',
  }));
