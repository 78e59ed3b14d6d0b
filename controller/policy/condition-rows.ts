import { type ConditionType, conditionOf, isRetryable } from '../api/conditions.ts';
import type { Reason } from '../api/reasons.ts';
import type { Condition, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { OutcomeOf } from './outcome.ts';

/** One condition: type, status, reason, message, and the generation at which it was judged; left out = the present one. */
export type ConditionRow = readonly [ConditionType, Condition['status'], Reason, string, number?];

/** Without contact for so long, or failed so often, an object no longer counts as making progress (kstatus). */
const STALLED_AFTER_MS = 10 * 60 * 1000;
const STALLED_AFTER_FAILURES = 5;

const connected = (node: WireGuardNode): ConditionRow => [
  'Reachable',
  'True',
  'Connected',
  `The agent at ${node.spec.agent.url} answers`,
];

type Kept = 'Reachable' | 'Synced' | 'Ready';

/** As it was said, of the generation of which it was said. */
const kept = (node: WireGuardNode, type: Kept): ConditionRow => {
  const known = conditionOf(node.status.conditions, type);
  if (known === undefined) return [type, 'Unknown', 'Pending', 'Not looked at yet'];
  const { status, reason, message, observedGeneration = node.metadata.generation } = known;
  // What others wrote is put right before it is kept: the word is one of ours.
  return [type, status, reason as Reason, message, observedGeneration];
};

/** As it was said; but why the agent could not be asked was said beside another Ready. */
function keptReachable(node: WireGuardNode): ConditionRow {
  const known = conditionOf(node.status.conditions, 'Reachable');
  const isOld = known?.status === 'Unknown' && !NOT_LOOKED_AT.has(known.reason);
  return isOld ? ['Reachable', 'Unknown', 'NotChecked', 'Not asked'] : kept(node, 'Reachable');
}

/** As it was said of this very generation; of an older one it says nothing any more. */
const keptIfJudged = (node: WireGuardNode, type: Kept): ConditionRow => {
  const known = conditionOf(node.status.conditions, type);
  const judgedAt = known?.observedGeneration;
  if (judgedAt === undefined || judgedAt === node.metadata.generation)
    return type === 'Reachable' ? keptReachable(node) : kept(node, type);
  return [type, 'Unknown', 'NotChecked', 'Not looked at since the spec was changed'];
};

const NOT_LOOKED_AT: ReadonlySet<string> = new Set<Reason>(['Pending', 'NotChecked']);

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

/** Proven by a read. */
export function inSyncRows(
  { desired, observation }: Pick<OutcomeOf<'in-sync'>, 'desired' | 'observation'>,
  { node }: OutcomeContext,
): ConditionRow[] {
  const { name } = node.spec.interface;
  const key = desired.config.privateKey === null ? `; the key is not compared, as its Secret cannot be read` : '';
  const isUnseen = observation.interface.device === 'unseen';
  const what = isUnseen
    ? `The file of ${name} is as wanted, and the interface is up; its agent does not show what the kernel has`
    : `File and kernel of ${name} are as wanted`;
  const message = what + key;
  const ready = node.spec.management.mode === 'Observe' ? 'Observed' : 'InSync';
  return [['Ready', 'True', ready, message], connected(node), ['Synced', 'True', 'InSync', message]];
}

/** A change lasts; Reachable says what it said. */
export function applyingRows({ node }: OutcomeContext): ConditionRow[] {
  const message = `A change of ${node.spec.interface.name} is under way`;
  return [
    ['Ready', 'Unknown', 'Applying', message],
    keptReachable(node),
    ['Synced', 'Unknown', 'Applying', message],
    ['Reconciling', 'True', 'Progressing', message],
  ];
}

/** Changes of other objects of the host last. */
export function blockedRows({ sinceMs }: OutcomeOf<'blocked'>, { node }: OutcomeContext): ConditionRow[] {
  const message = `Has waited for its turn on the host since ${timeOf(sinceMs)}: changes of other objects come first`;
  return [
    ['Ready', 'Unknown', 'Queued', message],
    connected(node),
    ['Synced', 'Unknown', 'Queued', message],
    ['Reconciling', 'True', 'Progressing', message],
  ];
}

/** The conditions as they are: nothing new is known. */
export const keptRows = ({ node }: OutcomeContext): ConditionRow[] => [
  kept(node, 'Ready'),
  kept(node, 'Reachable'),
  kept(node, 'Synced'),
];

/** Mode Observe: what differs is news, and no failure. */
export function driftedRows({ differences, desired }: OutcomeOf<'drifted'>, { node }: OutcomeContext): ConditionRow[] {
  const key = desired.config.privateKey === null ? '; the key is not compared, as its Secret cannot be read' : '';
  const message = `Mode Observe: not changed, but different: ${list(differences)}${key}`;
  return [['Ready', 'True', 'Observed', message], connected(node), ['Synced', 'False', 'Drifted', message]];
}

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
const progress = (stalled: boolean, reason: Reason, message: string): ConditionRow =>
  stalled ? ['Stalled', 'True', reason, message] : ['Reconciling', 'True', 'ProgressingWithRetry', message];

const waitingRows = (node: WireGuardNode, reason: Reason, message: string): ConditionRow[] => [
  ['Ready', 'False', reason, message],
  connected(node),
  ['Synced', 'False', reason, message],
  ['Stalled', 'True', reason, message],
];

const notAsked = (reason: Reason): ConditionRow => ['Reachable', 'Unknown', reason, 'Not asked: see Ready'];

/** A check or the agent refuses; `observation` proves that the agent answers. */
export function refusedRows({ refusal, observation }: OutcomeOf<'refused'>, { node }: OutcomeContext): ConditionRow[] {
  const { reason, message, isOfAgent } = refusal;
  const unseen = isOfAgent === true ? notAsked(reason) : keptIfJudged(node, 'Reachable');
  return [
    ['Ready', 'False', reason, message],
    observation === undefined ? unseen : connected(node),
    ['Synced', 'Unknown', reason, 'Not compared: see Ready'],
    ['Stalled', 'True', reason, message],
  ];
}

/** What a suspension met, as Ready told of it; undefined = nothing was under way, or the spec was changed since. */
function interruption({ status, metadata }: WireGuardNode, specMoved: boolean): string | undefined {
  const ready = conditionOf(status.conditions, 'Ready');
  if (ready?.status !== 'Unknown') return undefined;
  switch (ready.reason) {
    case 'Applying':
      return 'Suspended while a change was under way: what came of it is not looked at';
    case 'Queued':
      return 'Suspended while it waited for its turn on the host: nothing was sent';
    case 'Suspended':
      return specMoved && ready.observedGeneration !== metadata.generation ? undefined : ready.message;
    default:
      return undefined;
  }
}

/** Nothing is looked at: what was said stays, of the generation of which it was said, unless the spec moved on. */
export function suspendedRows({ specMoved }: OutcomeOf<'suspended'>, { node }: OutcomeContext): ConditionRow[] {
  const suspended: ConditionRow = [
    'Suspended',
    'True',
    'Suspended',
    'spec.suspend is set: nothing is sent to the host',
  ];
  const met = interruption(node, specMoved);
  if (met !== undefined)
    return [
      ['Ready', 'Unknown', 'Suspended', met],
      keptIfJudged(node, 'Reachable'),
      ['Synced', 'Unknown', 'Suspended', met],
      suspended,
      ['Stalled', 'True', 'Suspended', met],
    ];
  if (!specMoved) return [kept(node, 'Ready'), kept(node, 'Reachable'), kept(node, 'Synced'), suspended];
  const message = 'The spec was changed while spec.suspend is set: it is not applied';
  return [
    ['Ready', 'False', 'Suspended', message],
    keptIfJudged(node, 'Reachable'),
    keptIfJudged(node, 'Synced'),
    suspended,
    // Nothing moves until a person resumes it.
    ['Stalled', 'True', 'Suspended', message],
  ];
}

/** What a deletion waits for. */
export function deletingRows({ why, untilMs }: OutcomeOf<'deleting'>, { node }: OutcomeContext): ConditionRow[] {
  const message = `deletionPolicy ${node.spec.management.deletionPolicy} is carried out; waiting until ${timeOf(untilMs)} at most: ${why}`;
  return [['Ready', 'Unknown', 'Deleting', message], kept(node, 'Reachable'), kept(node, 'Synced')];
}

/** Who keeps an object whose host is not looked at any more. */
export const letGoRows = ({ finalizers }: OutcomeOf<'let-go'>): ConditionRow[] =>
  goneRows(`finalizers of others keep the object: ${finalizers.join(', ').slice(0, MAX_FINALIZERS)}`);

/** Who holds our finalizer on such an object. */
export const notLetGoRows = ({ message }: OutcomeOf<'not-let-go'>): ConditionRow[] =>
  goneRows(`our finalizer cannot be taken from it: ${message}`);

const MAX_FINALIZERS = 512;

function goneRows(why: string): ConditionRow[] {
  const message = `Deleted, and its host is not looked at any more; ${why}`;
  return (['Ready', 'Reachable', 'Synced'] as const).map((type) => [type, 'Unknown', 'Deleting', message]);
}

/** What the move to another host waits for. */
export function movingRows({ message, untilMs }: OutcomeOf<'moving'>, { node }: OutcomeContext): ConditionRow[] {
  const text = `${message}; waiting until ${timeOf(untilMs)} at most`;
  return [
    ['Ready', 'Unknown', 'LeavingFormerHost', text],
    keptIfJudged(node, 'Reachable'),
    ['Synced', 'Unknown', 'LeavingFormerHost', 'Not compared: see Ready'],
    ['Reconciling', 'True', 'ProgressingWithRetry', text],
  ];
}

const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

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
