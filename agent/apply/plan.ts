import { impactOf, plan, type Step } from '../core/plan.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import type { Impact } from '../protocol/impact.ts';
import { currentOf, type Snapshot } from './snapshot.ts';

/** What an apply shall reach. */
export interface RequestedInterface extends DesiredInterface {
  /** Whether up or down is what a caller asked for, and so is kept over a restart of the host; false = as it happens to be. */
  readonly remember: boolean;
}

/** What is to be done, made once: what was judged is what is written into the journal and what runs. */
export interface Plan {
  /** What the plan was made from. */
  readonly before: Snapshot;
  readonly desired: RequestedInterface;
  /** In the order in which they run; empty = nothing to do. */
  readonly steps: readonly Step[];
  readonly impact: Impact;
}

/** The plan from what was read to what is desired. */
export function planFor(before: Snapshot, desired: RequestedInterface): Plan {
  const steps = plan(currentOf(before), desired);
  return { before, desired, steps, impact: impactOf(steps) };
}
