import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import type { ConditionRow, OutcomeContext } from './condition-rows.ts';
import type { Difference } from './differences.ts';
import type { Observation } from './observation.ts';
import type { Change, Outcome } from './outcome.ts';
import type { FailureKind, Retry } from './retry.ts';

/** A line of the log. */
export interface LogLine {
  /** When the outcome brought a new status; else it is what was said before. */
  readonly whenNew: 'error' | 'warn' | 'info' | 'debug';
  readonly whenSame: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Everything that follows from an outcome. */
export interface OutcomeRow<O> {
  readonly conditions: (outcome: O, context: OutcomeContext) => readonly ConditionRow[];
  /** The read that `status.agent` and `status.interface` tell; undefined = they stay as they are. */
  readonly observation: (outcome: O) => Observation | undefined;
  /** `status.drift`; undefined = none. */
  readonly drift: (outcome: O) => readonly Difference[] | undefined;
  /** `status.plan`; undefined = none. */
  readonly plan: (outcome: O) => PlanStatus | undefined;
  /** What was changed on the host, for events and metrics. */
  readonly change: (outcome: O) => Change | undefined;
  readonly retry: (outcome: O, context: OutcomeContext) => Retry;
  /** As what it counts among the failures in a row; null = it ends the row, unless it is interim; `kept`: nothing was tried. */
  readonly failure: FailureKind | 'kept' | null;
  /** What it is when it happened many times in a row; null = what it is. */
  readonly repeated: ((outcome: O) => Outcome) | null;
  /**
   * `never`: nothing is written of it; `interim`: more comes; `open`: written, and the end is
   * still to come; `final`: it also answers a reconcile request, and its turns are told;
   * `same`: whatever was written last still holds.
   */
  readonly status: 'never' | 'interim' | 'open' | 'final' | 'same';
  /** The host was not compared, so the condition Contended says still what it said. */
  readonly keepsContended: boolean;
  readonly log: (outcome: O) => LogLine;
}
