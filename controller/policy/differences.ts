import { compare, type Difference as FieldDifference } from '../../agent/protocol/compare.ts';
import type { Impact } from '../../agent/protocol/impact.ts';
import type { Desired } from './desired.ts';
import type { Observation } from './observation.ts';

/** One thing that is not as desired. */
export interface Difference extends FieldDifference {
  /** What the host plans to do about it does to traffic; absent = nobody planned it yet. */
  readonly impact?: Impact;
}

/** Where a host is not as desired, one entry a field; empty = in sync. */
export function differencesOf(desired: Desired, { interface: observed, reported }: Observation): Difference[] {
  const known = desired.state === 'up' && observed.device !== null ? reported : [];
  const impacts = new Map(known.map(({ path, impact }) => [path, impact]));
  const own = compare(desired, observed).map((difference): Difference => {
    const impact = impacts.get(difference.path);
    return impact === undefined ? difference : { ...difference, impact };
  });
  const paths = new Set(own.map(({ path }) => path));
  const further = known.filter(({ path }) => !paths.has(path)).map((entry) => ({ ...entry, desired: entry.file }));
  return [...own, ...further];
}
