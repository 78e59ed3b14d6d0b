import { conditionOf, isRetryable } from '../api/conditions.ts';
import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import {
  applyFailedRows,
  type ConditionRow,
  contendedRows,
  driftedRows,
  impactRows,
  inSyncRows,
  lostMsOf,
  notRestoredRows,
  type OutcomeContext,
  refusedRows,
  unreachableRows,
} from './condition-rows.ts';
import type { Difference } from './differences.ts';
import type { Observation } from './observation.ts';
import type { Change, Outcome, OutcomeOf } from './outcome.ts';
import type { LogLine, OutcomeRow } from './outcome-row.ts';
import { AFTER_FAILED_APPLY, atInterval, type Retry, slowly, whileLost } from './retry.ts';
import { none, observationOf, quiet, UNDER_WAY } from './under-way-table.ts';

const driftOf = ({ differences }: { readonly differences: readonly Difference[] }): readonly Difference[] =>
  differences;
const planOf = ({ plan }: { readonly plan: PlanStatus | undefined }): PlanStatus | undefined => plan;

const waiting = {
  observation: observationOf,
  drift: driftOf,
  change: none,
  failure: null,
  repeated: null,
  status: 'final',
  keepsContended: false,
} as const;

/** One row for each kind of outcome; a new kind does not compile until each of its questions is answered. */
const OUTCOMES: { readonly [K in Outcome['kind']]: OutcomeRow<OutcomeOf<K>> } = {
  ...UNDER_WAY,
  'in-sync': {
    conditions: inSyncRows,
    observation: observationOf,
    drift: none,
    plan: none,
    change: ({ change }) => change,
    retry: (_, { node, nowMs }) => atInterval(node, nowMs),
    failure: null,
    repeated: null,
    status: 'final',
    keepsContended: false,
    log: ({ change }) =>
      change === undefined
        ? { whenNew: 'debug', whenSame: 'debug', message: 'in sync' }
        : {
            whenNew: 'info',
            whenSame: 'info',
            message: 'applied',
            fields: { ...change, corrected: change.corrected.join(' ') },
          },
  },
  refused: {
    conditions: refusedRows,
    observation: observationOf,
    drift: none,
    plan: none,
    change: none,
    retry: ({ retry }, { node }) => retry ?? slowly(node),
    failure: null,
    repeated: null,
    status: 'final',
    keepsContended: true,
    log: ({ refusal: { reason, message } }) => ({
      whenNew: 'warn',
      whenSame: 'debug',
      message: 'refused',
      fields: { reason, message },
    }),
  },
  unreachable: {
    conditions: unreachableRows,
    observation: none,
    drift: none,
    plan: none,
    change: none,
    retry: ({ reason, retryAfterMs = 0 }, context) =>
      isRetryable(reason) ? whileLost(context.node, lostMsOf(context), retryAfterMs) : slowly(context.node),
    failure: 'unreachable',
    repeated: null,
    status: 'final',
    keepsContended: true,
    log: ({ reason, message }) => ({
      whenNew: 'warn',
      whenSame: 'debug',
      message: 'agent unreachable',
      fields: { reason, message },
    }),
  },
  drifted: {
    ...waiting,
    conditions: driftedRows,
    plan: planOf,
    retry: (_, { node, nowMs }) => atInterval(node, nowMs),
    log: quiet('drifted'),
  },
  'impact-not-allowed': {
    ...waiting,
    conditions: impactRows,
    plan: planOf,
    retry: (_, { node, nowMs }) => atInterval(node, nowMs),
    log: quiet('impact-not-allowed'),
  },
  'apply-failed': {
    conditions: applyFailedRows,
    observation: observationOf,
    drift: none,
    plan: none,
    change: none,
    retry: () => AFTER_FAILED_APPLY,
    failure: 'apply',
    repeated: null,
    status: 'final',
    keepsContended: false,
    log: ({ message }) => ({ whenNew: 'warn', whenSame: 'warn', message: 'apply failed', fields: { message } }),
  },
  'not-restored': {
    ...waiting,
    conditions: notRestoredRows,
    plan: none,
    // The agent brings the host back before its next change: that must not wait for a person.
    retry: () => AFTER_FAILED_APPLY,
    failure: 'apply',
    repeated: null,
    log: ({ message }) => ({
      whenNew: 'error',
      whenSame: 'error',
      message: 'apply failed and could not be undone',
      fields: { message },
    }),
  },
  contended: {
    ...waiting,
    conditions: contendedRows,
    plan: none,
    retry: (_, { node }) => slowly(node),
    log: quiet('contended'),
  },
};

/** What follows from an outcome, its own kind known. */
export interface Consequences {
  readonly observation: Observation | undefined;
  readonly drift: readonly Difference[] | undefined;
  readonly plan: PlanStatus | undefined;
  readonly change: Change | undefined;
  readonly failure: OutcomeRow<Outcome>['failure'];
  readonly status: OutcomeRow<Outcome>['status'];
  readonly log: LogLine;
}

/** The row of an outcome. */
const rowOf = (outcome: Outcome): OutcomeRow<Outcome> => OUTCOMES[outcome.kind] as OutcomeRow<Outcome>;

/** What follows from an outcome whatever the object is. */
export function consequencesOf(outcome: Outcome): Consequences {
  const row = rowOf(outcome);
  return {
    observation: row.observation(outcome),
    drift: row.drift(outcome),
    plan: row.plan(outcome),
    change: row.change(outcome),
    failure: row.failure,
    status: row.status,
    log: row.log(outcome),
  };
}

/** So often in a row is no coincidence any more. */
const MANY = 5;

/** The outcome, or what it has become after so many in a row, this one included. */
export function inTheEnd(outcome: Outcome, failures: number): Outcome {
  const { repeated } = rowOf(outcome);
  return repeated === null || failures < MANY ? outcome : repeated(outcome);
}

/** When the object is looked at again by itself. */
export const retryOf = (outcome: Outcome, context: OutcomeContext): Retry => rowOf(outcome).retry(outcome, context);

/** The conditions of an outcome; contention outlasts a host that cannot be looked at. */
export function conditionRowsOf(outcome: Outcome, context: OutcomeContext): readonly ConditionRow[] {
  const { conditions, keepsContended } = rowOf(outcome);
  const rows = conditions(outcome, context);
  const { node } = context;
  const contended = conditionOf(node.status.conditions, 'Contended');
  if (!keepsContended || contended?.observedGeneration !== node.metadata.generation) return rows;
  return [...rows, ['Contended', 'True', 'Contended', contended.message]];
}
