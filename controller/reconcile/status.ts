import { highestImpact } from '../../agent/protocol/impact.ts';
import { conditionOf } from '../api/conditions.ts';
import type {
  AgentStatus,
  AppliedStatus,
  Condition,
  DriftEntry,
  Impact,
  InterfaceStatus,
  PlanStatus,
  WireGuardNode,
  WireGuardNodeStatus,
} from '../api/wireguardnode.generated.ts';
import { type Row, rowsOf } from './condition-table.ts';
import type { Difference } from './diff.ts';
import { causeOf } from './plan.ts';
import type { Seen, Outcome } from './outcome.ts';

/** Times and counters that may move only together with something else, so that a lasting failure is not a stream of writes. */
export interface Attempt {
  readonly failures: number;
  /** Unix ms; undefined = nothing is planned. */
  readonly nextMs: number | undefined;
}

export interface StatusInput {
  readonly node: WireGuardNode;
  readonly outcome: Outcome;
  readonly nowMs: number;
  /** The reconcile request that this outcome answers, if any. */
  readonly request: string | undefined;
  readonly attempt: Attempt;
}

const MAX_DRIFT = 32;
const MAX_TEXT = 1024;
const MAX_MESSAGE = 4096;
const MAX_ADDRESS = 49;
/** The API server stores half a surrogate pair as another character, and the status would never read back as written. */
const clipped = (text: string, length: number): string => text.slice(0, length).toWellFormed();

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The status that an outcome makes of the present one. Equal to it, deeply, when there is nothing to write. */
export function statusOf(input: StatusInput): WireGuardNodeStatus {
  const { node, outcome, nowMs } = input;
  const former = node.status;
  const seen = 'seen' in outcome ? outcome.seen : undefined;
  const request = input.request ?? former.lastHandledReconcileRequest;
  const handles = outcome.kind !== 'applying';
  const next: WireGuardNodeStatus = {
    observedGeneration: node.metadata.generation,
    conditions: conditionsOf(node, rowsOf({ node, outcome, nowMs, failures: input.attempt.failures }), nowMs),
    ...optional('agent', seen === undefined ? former.agent : agentStatus(seen)),
    ...optional('interface', seen === undefined ? former.interface : interfaceStatus(seen)),
    ...optional('applied', appliedStatus(input)),
    ...('differences' in outcome
      ? { drift: driftOf(outcome.differences, 'plan' in outcome ? outcome.plan : undefined) }
      : {}),
    ...('plan' in outcome ? { plan: outcome.plan } : {}),
    ...optional('lastHandledReconcileRequest', handles ? request : former.lastHandledReconcileRequest),
    ...optional('lastHandledTakeOver', former.lastHandledTakeOver),
  };
  return withAttempt(former, next, input.attempt);
}

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0;

function withAttempt(former: WireGuardNodeStatus, next: WireGuardNodeStatus, attempt: Attempt): WireGuardNodeStatus {
  const { consecutiveFailures, nextAttemptTime } = former;
  if (attempt.failures === 0) return next;
  const asBefore = {
    ...next,
    ...optional('consecutiveFailures', consecutiveFailures),
    ...optional('nextAttemptTime', nextAttemptTime),
  };
  if (!isPowerOfTwo(attempt.failures) && sameStatus(former, asBefore)) return asBefore;
  const time = attempt.nextMs === undefined ? undefined : iso(attempt.nextMs);
  return { ...next, consecutiveFailures: attempt.failures, ...optional('nextAttemptTime', time) };
}

/** Whether two statuses say the same; the order of keys says nothing. */
export const sameStatus = (left: WireGuardNodeStatus, right: WireGuardNodeStatus): boolean =>
  stable(left) === stable(right);

/** JSON with object keys in one order. */
export const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort())
      : part,
  );

/** lastTransitionTime moves with the status alone; reason and message may change without it. */
function conditionsOf(node: WireGuardNode, rows: readonly Row[], nowMs: number): Condition[] {
  return rows.map(([type, status, reason, message]) => {
    const former = conditionOf(node.status.conditions, type);
    const since = former?.status === status ? former.lastTransitionTime : iso(nowMs);
    return {
      type,
      status,
      reason,
      message: clipped(message, MAX_MESSAGE),
      lastTransitionTime: since,
      observedGeneration: node.metadata.generation,
    };
  });
}

/** The schema takes a set of non-empty words. */
const capabilityWords = (words: readonly string[]): string[] =>
  [...new Set(words.map((word) => clipped(word, 64)).filter((word) => word !== ''))].slice(0, 64);

const agentStatus = ({ health }: Seen): AgentStatus => ({
  version: clipped(health.version, 64),
  ...optional('epoch', health.epoch === undefined ? undefined : clipped(health.epoch, 64)),
  ...optional('capabilities', health.capabilities === undefined ? undefined : capabilityWords(health.capabilities)),
});

function interfaceStatus({ answer }: Seen): InterfaceStatus {
  if (answer === undefined) return { state: 'Absent' };
  const { live } = answer;
  const publicKey = answer.live_public_key ?? answer.public_key ?? undefined;
  return {
    state: answer.state === 'up' ? 'Up' : answer.state === 'down' ? 'Down' : 'Absent',
    ...optional('publicKey', publicKey),
    ...(live === null ? {} : { listenPort: live.listen_port, mtu: live.mtu, peerCount: live.peer_count }),
    // A file may hold anything as an address; the schema takes none that is longer than an address can be.
    addresses: (live?.address ?? answer.spec.address).filter((address) => address.length <= MAX_ADDRESS).slice(0, 64),
  };
}

/** Moves only when a change was made, or when a new spec or key turned out to hold already. */
function appliedStatus({ node, outcome, nowMs }: StatusInput): AppliedStatus | undefined {
  const former = node.status.applied;
  if (outcome.kind !== 'in-sync') return former;
  const { desired, change, seen } = outcome;
  const { generation } = node.metadata;
  const cause = change?.cause ?? causeOf(node, desired);
  if (former !== undefined && change === undefined && cause === 'DriftCorrected') {
    return former.generation === generation ? former : { ...former, generation };
  }
  return {
    generation,
    specHash: desired.specHash,
    publicKey: desired.publicKey,
    url: node.spec.agent.url,
    ...optional('epoch', seen.health.epoch),
    ...optional('digest', seen.answer?.digest),
    time: iso(nowMs),
    impact: change?.impact ?? 'None',
    outageMs: change?.outageMs ?? 0,
    cause,
  };
}

const driftOf = (differences: readonly Difference[], plan: PlanStatus | undefined): DriftEntry[] =>
  differences.slice(0, MAX_DRIFT).map((difference) => driftEntry(difference, plan));

/** The impact is that of the plan, where there is one: nobody else knows it. */
const driftEntry = ({ path, desired, file, live, impact }: Difference, plan: PlanStatus | undefined): DriftEntry => ({
  path,
  desired: clipped(desired, MAX_TEXT),
  file: clipped(file, MAX_TEXT),
  live: clipped(live, MAX_TEXT),
  ...optional('impact', plan === undefined ? impact : impactOf(plan, path)),
});

const impactOf = ({ steps }: PlanStatus, path: string): Impact =>
  highestImpact(steps.filter((step) => step.path === path).map((step) => step.impact));
