import {
  applyingRows,
  blockedRows,
  deletingRows,
  keptRows,
  letGoRows,
  movingRows,
  notLetGoRows,
  suspendedRows,
  type OutcomeContext,
} from './condition-rows.ts';
import type { Observation } from './observation.ts';
import type { Outcome, OutcomeOf } from './outcome.ts';
import type { LogLine, OutcomeRow } from './outcome-row.ts';
import { AFTER_A_SHORT_WAIT, atInterval, ON_CHANGE, SOON, WHILE_REFUSED } from './retry.ts';

/** Nothing. */
export const none = (): undefined => undefined;
/** The read that an outcome has, if it has one. */
export const observationOf = ({ observation }: { readonly observation?: Observation }): Observation | undefined =>
  observation;
/** Told where it is new. */
export const quiet = (kind: Outcome['kind']) => (): LogLine => ({ whenNew: 'info', whenSame: 'debug', message: kind });

const nothingNew = {
  conditions: (_: unknown, context: OutcomeContext) => keptRows(context),
  observation: none,
  drift: none,
  plan: none,
  change: none,
  failure: null,
  repeated: null,
  keepsContended: true,
} as const;

/** What is no end: it is under way, waits for others, or is not looked at. */
type UnderWay =
  | 'applying'
  | 'unmoved'
  | 'queued'
  | 'blocked'
  | 'deleting'
  | 'let-go'
  | 'not-let-go'
  | 'moving'
  | 'suspended'
  | 'superseded';

/** The rows of these. */
export const UNDER_WAY: { readonly [K in UnderWay]: OutcomeRow<OutcomeOf<K>> } = {
  applying: {
    conditions: (_, context) => applyingRows(context),
    observation: none,
    drift: none,
    plan: none,
    change: none,
    retry: (_, { node, nowMs }) => atInterval(node, nowMs),
    failure: null,
    repeated: null,
    status: 'interim',
    keepsContended: false,
    log: quiet('applying'),
  },
  unmoved: {
    ...nothingNew,
    retry: ({ retry }) => retry,
    status: 'same',
    log: () => ({ whenNew: 'debug', whenSame: 'debug', message: 'unmoved' }),
  },
  queued: {
    ...nothingNew,
    // It is woken at its turn; this is for the word that it waits.
    retry: () => AFTER_A_SHORT_WAIT,
    failure: 'kept',
    status: 'never',
    log: () => ({ whenNew: 'debug', whenSame: 'debug', message: 'waits for its turn on the host' }),
  },
  blocked: {
    ...nothingNew,
    conditions: blockedRows,
    observation: observationOf,
    retry: () => ON_CHANGE,
    failure: 'kept',
    status: 'open',
    log: quiet('blocked'),
  },
  deleting: {
    ...nothingNew,
    conditions: deletingRows,
    retry: ({ retry }) => retry,
    failure: 'deletion',
    status: 'final',
    log: ({ why }) => ({ whenNew: 'warn', whenSame: 'debug', message: 'deletion waits', fields: { why } }),
  },
  'let-go': {
    ...nothingNew,
    conditions: letGoRows,
    retry: () => ON_CHANGE,
    status: 'final',
    log: ({ finalizers }) => ({
      whenNew: 'info',
      whenSame: 'debug',
      message: 'deleted, and kept by others',
      fields: { finalizers: finalizers.join(' ') },
    }),
  },
  'not-let-go': {
    ...nothingNew,
    conditions: notLetGoRows,
    retry: () => WHILE_REFUSED,
    status: 'final',
    log: ({ message }) => ({
      whenNew: 'warn',
      whenSame: 'debug',
      message: 'deleted, and our finalizer is held',
      fields: { message },
    }),
  },
  moving: {
    ...nothingNew,
    conditions: movingRows,
    retry: ({ retry }) => retry,
    failure: 'deletion',
    status: 'final',
    log: ({ message }) => ({
      whenNew: 'warn',
      whenSame: 'debug',
      message: 'leaving the former host',
      fields: { message },
    }),
  },
  suspended: {
    conditions: suspendedRows,
    observation: none,
    drift: none,
    plan: none,
    change: none,
    retry: () => ON_CHANGE,
    failure: null,
    repeated: null,
    status: 'final',
    keepsContended: true,
    log: quiet('suspended'),
  },
  superseded: {
    conditions: (_, context) => keptRows(context),
    observation: none,
    drift: none,
    plan: none,
    change: none,
    retry: () => SOON,
    failure: 'apply',
    repeated: ({ message }) => ({
      kind: 'apply-failed',
      message: `Cannot apply the configuration: ${message}, again and again`,
    }),
    status: 'never',
    keepsContended: true,
    log: ({ message }) => ({ whenNew: 'info', whenSame: 'info', message: 'compared anew', fields: { why: message } }),
  },
};
