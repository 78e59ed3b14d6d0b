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
import { fit } from '../api/field-schema.ts';
import { STATUS_SCHEMA } from '../api/wireguardnode-status.generated.ts';
import type { ConditionRow } from './condition-rows.ts';
import { endingText } from './certificate.ts';
import { openTakeOver } from './claims.ts';
import { causeOf } from './decide.ts';
import type { Difference } from './differences.ts';
import type { Observation } from './observation.ts';
import type { Outcome } from './outcome.ts';
import { conditionRowsOf, consequencesOf } from './outcome-table.ts';

/** Times and counters that may move only together with something else, so that a lasting failure is not a stream of writes. */
export interface Attempt {
  readonly failures: number;
  /** Unix ms; undefined = nothing is planned. */
  readonly nextMs: number | undefined;
}

/** What a status is made of. */
export interface StatusInput {
  readonly node: WireGuardNode;
  readonly outcome: Outcome;
  readonly nowMs: number;
  /** The reconcile request that this outcome answers, if any. */
  readonly request: string | undefined;
  readonly attempt: Attempt;
}

/** Nobody reads more of a message; the schema would take eight times as much. */
const MAX_MESSAGE = 4096;

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The status that an outcome makes of the present one. Equal to it, deeply, when there is nothing to write. */
export function statusOf(input: StatusInput): WireGuardNodeStatus {
  const { node, outcome, nowMs } = input;
  const present = node.status;
  const { observation, drift, plan, status } = consequencesOf(outcome);
  if (status === 'same') return present;
  const request = status === 'final' ? input.request : undefined;
  const context = { node, nowMs, failures: input.attempt.failures };
  const next: WireGuardNodeStatus = {
    observedGeneration: node.metadata.generation,
    conditions: conditionsOf(node, withEnding(conditionRowsOf(outcome, context), observation, nowMs), nowMs),
    ...optional('agent', observation === undefined ? present.agent : agentStatus(observation)),
    ...optional('interface', observation === undefined ? present.interface : interfaceStatus(observation)),
    ...optional('applied', appliedStatus(input)),
    ...optional('drift', drift === undefined ? undefined : driftStatus(drift, plan)),
    ...optional('plan', plan),
    ...optional('lastHandledReconcileRequest', request ?? present.lastHandledReconcileRequest),
    ...optional('lastHandledTakeOver', takeOverOf(node, outcome)),
  };
  return withAttempt(present, fitted(next), input.attempt);
}

/** As the API server takes it: texts of agents are clipped, what is none of the allowed values is left out. */
const fitted = (status: WireGuardNodeStatus): WireGuardNodeStatus => fit(STATUS_SCHEMA, status) as WireGuardNodeStatus;

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0;

function withAttempt(present: WireGuardNodeStatus, next: WireGuardNodeStatus, attempt: Attempt): WireGuardNodeStatus {
  const { consecutiveFailures, nextAttemptTime } = present;
  if (attempt.failures === 0) return next;
  const asBefore = {
    ...next,
    conditions: withOldTexts(next.conditions, present.conditions),
    ...optional('consecutiveFailures', consecutiveFailures),
    ...optional('nextAttemptTime', nextAttemptTime),
  };
  if (!isPowerOfTwo(attempt.failures) && sameStatus(present, asBefore)) return asBefore;
  const time = attempt.nextMs === undefined ? undefined : iso(attempt.nextMs);
  return { ...next, consecutiveFailures: attempt.failures, ...optional('nextAttemptTime', time) };
}

/** Conditions that say the same in other words, in the old words. */
const withOldTexts = (next: readonly Condition[], present: readonly Condition[]): Condition[] =>
  next.map((condition) => {
    const old = present.find(({ type }) => type === condition.type);
    const isSame = old?.status === condition.status && old.reason === condition.reason;
    return isSame ? { ...condition, message: old.message } : condition;
  });

/** A take-over is handled once the object has the interface. */
const takeOverOf = (node: WireGuardNode, outcome: Outcome): string | undefined =>
  outcome.kind === 'in-sync' && node.spec.management.mode === 'Enforce'
    ? (openTakeOver(node) ?? node.status.lastHandledTakeOver)
    : node.status.lastHandledTakeOver;

/** Whether two statuses say the same; the order of keys says nothing. */
export const sameStatus = (left: WireGuardNodeStatus, right: WireGuardNodeStatus): boolean =>
  left === right || stable(left) === stable(right);

/** Whether a value can be made of another one by leaving out members of objects. */
export function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return part === whole;
  if (Array.isArray(part) !== Array.isArray(whole)) return false;
  const [own, all] = [Object.entries(part), whole as Readonly<Record<string, unknown>>];
  if (Array.isArray(part) && own.length !== Object.keys(all).length) return false;
  return own.every(([name, value]) => Object.hasOwn(all, name) && isPartOf(value, all[name]));
}

/** JSON with object keys in one order. */
export const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort())
      : part,
  );

/** lastTransitionTime moves with the status alone; reason and message may change without it. */
function conditionsOf(node: WireGuardNode, rows: readonly ConditionRow[], nowMs: number): Condition[] {
  return rows.map(([type, status, reason, message, judgedAt = node.metadata.generation]) => {
    const present = conditionOf(node.status.conditions, type);
    const since = present?.status === status ? present.lastTransitionTime : iso(nowMs);
    return {
      type,
      status,
      reason,
      message: message.slice(0, MAX_MESSAGE),
      lastTransitionTime: since,
      observedGeneration: judgedAt,
    };
  });
}

/** Beside the connection that works, how long it will. */
const withEnding = (
  rows: readonly ConditionRow[],
  observation: Observation | undefined,
  nowMs: number,
): ConditionRow[] =>
  rows.map((row) => {
    const [type, status, reason, message, judgedAt] = row;
    if (type !== 'Reachable' || reason !== 'Connected' || observation === undefined) return row;
    const text = message + endingText(observation.agent.certificateNotAfterMs, nowMs);
    return judgedAt === undefined ? [type, status, reason, text] : [type, status, reason, text, judgedAt];
  });

const agentStatus = ({
  agent: { name, version, epoch, capabilities, limits, certificateNotAfterMs: end },
}: Observation): AgentStatus => ({
  ...optional('name', name),
  version,
  ...optional('epoch', epoch),
  ...optional('certificateNotAfter', end === undefined ? undefined : iso(end)),
  ...optional('capabilities', capabilities === undefined ? undefined : [...capabilities]),
  ...optional('limits', limits === undefined ? undefined : [...limits]),
});

function interfaceStatus({ interface: { file, device }, peerCount }: Observation): InterfaceStatus {
  if (file === null && device === null) return { state: 'Absent' };
  const count = optional('peerCount', peerCount ?? undefined);
  // What the file says may not be what runs.
  if (device === 'unseen') return { state: 'Up', ...count };
  const publicKey = device?.key?.publicKey ?? file?.privateKey?.publicKey;
  return {
    state: device === null ? 'Down' : 'Up',
    ...optional('publicKey', publicKey),
    ...(device === null ? {} : { listenPort: device.listenPort, mtu: device.mtu }),
    ...count,
    addresses: [...(device?.addresses ?? file?.addresses ?? [])],
  };
}

/** Moves only when a change was made, or when a new spec or key turned out to hold already. */
function appliedStatus({ node, outcome, nowMs }: StatusInput): AppliedStatus | undefined {
  const present = node.status.applied;
  // Who only looks has applied nothing.
  if (outcome.kind !== 'in-sync' || node.spec.management.mode === 'Observe') return present;
  const { desired, change, observation } = outcome;
  const { generation } = node.metadata;
  const cause = change?.cause ?? causeOf(node, desired);
  if (present !== undefined && change === undefined && cause === 'DriftCorrected') {
    return present.generation === generation ? present : { ...present, generation };
  }
  const texts = change?.warnings ?? [];
  return {
    generation,
    specHash: desired.specHash,
    publicKey: desired.publicKey,
    url: node.spec.agent.url,
    ...optional('epoch', observation.agent.epoch),
    ...optional('digest', observation.revision),
    time: iso(nowMs),
    impact: change?.impact ?? 'None',
    outageMs: change?.outageMs ?? 0,
    cause,
    ...optional('warnings', texts.length === 0 ? undefined : [...texts]),
  };
}

const driftStatus = (differences: readonly Difference[], plan: PlanStatus | undefined): DriftEntry[] =>
  differences.map((difference) => driftEntry(difference, plan));

/** What is not there is left out. */
const given = (text: string): string | undefined => (text === '' ? undefined : text);

/** The impact is that of the plan, where a step of it names the field; else what the host says of it; else it is left out. */
const driftEntry = ({ path, desired, file, live, impact }: Difference, plan: PlanStatus | undefined): DriftEntry => ({
  path,
  ...optional('desired', given(desired)),
  ...optional('file', given(file)),
  ...optional('live', given(live)),
  ...optional('impact', impactIn(plan, path) ?? impact),
});

/** Undefined = no step of the plan names the field: one step may serve several. */
function impactIn(plan: PlanStatus | undefined, path: string): Impact | undefined {
  const steps = (plan?.steps ?? []).filter((step) => step.path === path);
  return steps.length === 0 ? undefined : highestImpact(steps.map(({ impact }) => impact));
}
