import { type ConditionType, conditionOf, isRetryable } from '../api/conditions.ts';
import type { Condition, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { OutcomeOf } from './outcome.ts';

/** One condition: type, status, reason, message. */
export type ConditionRow = readonly [ConditionType, Condition['status'], string, string];

/** Without contact for so long, or failed so often, an object no longer counts as making progress (kstatus). */
const STALLED_AFTER_MS = 10 * 60 * 1000;
const STALLED_AFTER_FAILURES = 5;

const connected = (node: WireGuardNode): ConditionRow => [
  'Reachable',
  'True',
  'Connected',
  `The agent at ${node.spec.agent.url} answers`,
];

const kept = (node: WireGuardNode, type: 'Reachable' | 'Synced' | 'Ready'): ConditionRow => {
  const { status, reason, message } = conditionOf(node.status.conditions, type) ?? {
    status: 'Unknown',
    reason: 'Pending',
    message: 'Not looked at yet',
  };
  return [type, status, reason, message];
};

const list = (paths: readonly { readonly path: string }[]): string => paths.map(({ path }) => path).join(', ');

/** What the rows of an outcome depend on beside it. */
export interface OutcomeContext {
  /** The object, with the status that it has now. */
  readonly node: WireGuardNode;
  readonly nowMs: number;
  /** Failures of the kind in a row, this one included. */
  readonly failures: number;
}

/** How long the host has been out of reach, ms; 0 = it was not before. */
export function lostMsOf({ node, nowMs }: OutcomeContext): number {
  const reachable = conditionOf(node.status.conditions, 'Reachable');
  return reachable?.status === 'False' ? nowMs - Date.parse(reachable.lastTransitionTime) : 0;
}

/** Proven by a read: the only rows with Ready=True. */
export function inSyncRows({ node }: OutcomeContext): ConditionRow[] {
  const message = `File and kernel of ${node.spec.interface.name} are as wanted`;
  return [['Ready', 'True', 'InSync', message], connected(node), ['Synced', 'True', 'InSync', message]];
}

/** A change lasts; Reachable says what it said. */
export function applyingRows({ node }: OutcomeContext): ConditionRow[] {
  const message = `A change of ${node.spec.interface.name} is under way`;
  return [
    ['Ready', 'Unknown', 'Applying', message],
    kept(node, 'Reachable'),
    ['Synced', 'Unknown', 'Applying', message],
    ['Reconciling', 'True', 'Progressing', message],
  ];
}

/** The conditions as they are: nothing new is known. */
export const keptRows = ({ node }: OutcomeContext): ConditionRow[] => [
  kept(node, 'Ready'),
  kept(node, 'Reachable'),
  kept(node, 'Synced'),
];

/** Mode Observe: a person must act. */
export const driftedRows = ({ differences }: OutcomeOf<'drifted'>, { node }: OutcomeContext): ConditionRow[] =>
  waitingRows(node, 'Drifted', `Mode Observe: not changed, but different: ${list(differences)}`);

/** The change does more to traffic than the spec allows. */
export function impactRows(
  { differences, plan }: OutcomeOf<'impact-not-allowed'>,
  { node }: OutcomeContext,
): ConditionRow[] {
  const needs = plan === undefined ? 'more' : `impact ${plan.impact}`;
  const message = `The change needs ${needs}, above spec.management.maxImpact ${node.spec.management.maxImpact}: ${list(differences)}`;
  return waitingRows(node, 'ImpactNotAllowed', message);
}

/** Somebody else keeps changing a field back. */
export function contendedRows({ path }: OutcomeOf<'contended'>, { node }: OutcomeContext): ConditionRow[] {
  const message = `${path} was corrected 5 times in 10 minutes: somebody else changes it too. Corrections stop until the spec changes or a reconcile is requested`;
  return [...waitingRows(node, 'Contended', message), ['Contended', 'True', 'Contended', message]];
}

/** A change failed and so did its undo. */
export function notRestoredRows(
  { message, differences }: OutcomeOf<'not-restored'>,
  { node }: OutcomeContext,
): ConditionRow[] {
  const rest = differences.length === 0 ? '' : `. Still different: ${list(differences)}`;
  return waitingRows(node, 'NotRestored', `${message}${rest}`);
}

/** A change failed and was undone; stalled after five in a row. */
export function applyFailedRows(
  { message }: OutcomeOf<'apply-failed'>,
  { node, failures }: OutcomeContext,
): ConditionRow[] {
  return [
    ['Ready', 'False', 'ApplyFailed', message],
    connected(node),
    ['Synced', 'False', 'ApplyFailed', message],
    progress(failures >= STALLED_AFTER_FAILURES, 'ApplyFailed', message),
  ];
}

/** Retried still, but to kstatus either on its way or failed; never both. */
const progress = (stalled: boolean, reason: string, message: string): ConditionRow =>
  stalled ? ['Stalled', 'True', reason, message] : ['Reconciling', 'True', 'ProgressingWithRetry', message];

const waitingRows = (node: WireGuardNode, reason: string, message: string): ConditionRow[] => [
  ['Ready', 'False', reason, message],
  connected(node),
  ['Synced', 'False', reason, message],
  ['Stalled', 'True', reason, message],
];

/** A check or the agent refuses; `observation` proves that the agent answers. */
export function refusedRows({ refusal, observation }: OutcomeOf<'refused'>, { node }: OutcomeContext): ConditionRow[] {
  const { reason, message } = refusal;
  return [
    ['Ready', 'False', reason, message],
    observation === undefined ? kept(node, 'Reachable') : connected(node),
    ['Synced', 'Unknown', reason, 'Not compared: see Ready'],
    ['Stalled', 'True', reason, message],
  ];
}

/** Nothing is looked at: what was said stays, unless the spec moved on. */
export function suspendedRows({ specMoved }: OutcomeOf<'suspended'>, { node }: OutcomeContext): ConditionRow[] {
  const message = 'spec.suspend is set: nothing is sent to the host';
  const moved: ConditionRow = [
    'Ready',
    'False',
    'Suspended',
    'The spec was changed while spec.suspend is set: it is not applied',
  ];
  return [
    specMoved ? moved : kept(node, 'Ready'),
    kept(node, 'Reachable'),
    kept(node, 'Synced'),
    ['Suspended', 'True', 'Suspended', message],
  ];
}

/** Unknown while it may mend itself, False where a person must act; stalled after ten minutes. */
export function unreachableRows(
  { reason, message }: OutcomeOf<'unreachable'>,
  context: OutcomeContext,
): ConditionRow[] {
  const retryable = isRetryable(reason);
  const ready: ConditionRow = retryable
    ? ['Ready', 'Unknown', 'AgentUnreachable', message]
    : ['Ready', 'False', reason, message];
  return [
    ready,
    ['Reachable', 'False', reason, message],
    ['Synced', 'Unknown', 'AgentUnreachable', 'Not known while the agent cannot be reached'],
    progress(!retryable || lostMsOf(context) >= STALLED_AFTER_MS, reason, message),
  ];
}
