import { conditionOf, type UnreachableReason } from '../api/conditions.ts';
import { keyOf } from '../api/node.ts';
import { type Reason, REASONS } from '../api/reasons.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Finding } from './views.ts';

/** What is asked of a host from top to bottom: each rung needs those above it. */
export const RUNGS = [
  'object',
  'controller',
  'secret',
  'dns',
  'tcp',
  'tls',
  'clock',
  'signature',
  'agent',
  'file',
  'live',
  'peers',
] as const;
type RungName = (typeof RUNGS)[number];

/** One step of the way from the object to the traffic. */
export interface Rung extends Finding {
  readonly name: RungName;
}

/** What the user may learn of a Secret. */
export type SecretSeen = 'found' | 'missing' | 'no-entry' | 'forbidden';

/** All that the ladder is made of. */
export interface LadderFacts {
  readonly node: WireGuardNode;
  readonly nowMs: number;
  /** Of `agent.secretRef`, and of the private key. */
  readonly secrets: { readonly agent: SecretSeen; readonly key: SecretSeen };
  /** Of the controllers, as far as the user may see. */
  readonly controller: Finding;
}

const RUNG_OF_UNREACHABLE: Readonly<Record<UnreachableReason, RungName>> = {
  URLNotAllowed: 'dns',
  DNSFailed: 'dns',
  ConnectionRefused: 'tcp',
  ConnectionTimeout: 'tcp',
  TLSFailed: 'tls',
  ClockSkew: 'clock',
  SignatureRejected: 'signature',
  AgentError: 'agent',
  ProtocolError: 'agent',
};

/** Where a reason of Ready belongs; null = it names no fault. */
const RUNG_OF: Readonly<Record<Reason, RungName | null>> = {
  ...RUNG_OF_UNREACHABLE,
  InvalidSpec: 'object',
  Unsupported: 'object',
  InsecureAgent: 'signature',
  Conflict: 'object',
  FinalizerRefused: 'object',
  Suspended: 'object',
  Deleting: 'object',
  Pending: 'controller',
  NotChecked: 'controller',
  SecretNotFound: 'secret',
  SecretForbidden: 'secret',
  InvalidCredentials: 'secret',
  InvalidKey: 'secret',
  // The condition Reachable names the step.
  AgentUnreachable: 'tcp',
  ConfigRefused: 'file',
  HookNotAllowed: 'file',
  LeavingFormerHost: 'file',
  Applying: 'live',
  Progressing: 'live',
  ProgressingWithRetry: 'live',
  Queued: 'live',
  ImpactNotAllowed: 'live',
  ApplyFailed: 'live',
  NotRestored: 'live',
  Contended: 'live',
  Drifted: 'live',
  InSync: null,
  Observed: null,
  Connected: null,
};

/** It says that something is under way, and no fault. */
const WAITING: ReadonlySet<string> = new Set([
  'Applying',
  'Pending',
  'Deleting',
  'LeavingFormerHost',
  'Queued',
  'Suspended',
]);

/** A controller that has not looked at a change after so long does not run. */
const SLOW_MS = 60_000;

const isReason = (word: string): word is Reason => Object.hasOwn(REASONS, word);

/** An object as it stands behind a command. */
export const argumentOf = ({ metadata }: WireGuardNode): string => `${metadata.name} -n ${metadata.namespace}`;

/** What to do about a reason, for this object. */
export const cureOf = (reason: string, node: WireGuardNode): string =>
  isReason(reason) ? REASONS[reason].cure.replaceAll('NAME', argumentOf(node)).replaceAll('`', '') : '';

interface Fault {
  readonly rung: RungName;
  /** Rungs above it that nothing proves. */
  readonly unproven?: readonly RungName[];
  readonly state: 'failed' | 'waits';
  readonly text: string;
  readonly cure: string;
}

/** The way from the object to its traffic. The first rung that is not `ok` is the one to see to; those below it are not known. */
export function ladderOf(facts: LadderFacts): Rung[] {
  const fault = faultOf(facts);
  const at = fault === undefined ? RUNGS.length : RUNGS.indexOf(fault.rung);
  return RUNGS.map((name, index): Rung => {
    if (fault !== undefined && index === at) return { name, state: fault.state, text: fault.text, cure: fault.cure };
    if (index > at || fault?.unproven?.includes(name) === true) return { name, state: 'unknown', text: 'not known' };
    // Handshakes are nothing that status tells.
    return { name, state: name === 'peers' ? 'unknown' : 'ok', text: textOf(name, facts) };
  });
}

function faultOf(facts: LadderFacts): Fault | undefined {
  const { node, nowMs, secrets, controller } = facts;
  const { conditions, observedGeneration } = node.status;
  const ready = conditionOf(conditions, 'Ready');
  const suspended = conditionOf(conditions, 'Suspended');
  if (node.spec.suspend && suspended?.status === 'True') return faultAt(node, 'object', 'Suspended', suspended.message);
  if (node.metadata.deletionTimestamp !== undefined) return faultAt(node, 'object', 'Deleting', ready?.message ?? '');
  if (controller.state === 'failed')
    return { rung: 'controller', state: 'failed', text: controller.text, cure: controller.cure ?? '' };
  if (observedGeneration !== node.metadata.generation) return unseen(node, nowMs);
  const missing = missingSecret(node, secrets);
  if (missing !== undefined) return faultAt(node, 'secret', 'SecretNotFound', missing);
  return readyFault(node);
}

/** What Ready says; where it is the agent that cannot be talked to, what Reachable says. */
function readyFault(node: WireGuardNode): Fault | undefined {
  const { conditions } = node.status;
  const ready = conditionOf(conditions, 'Ready');
  const named = ready?.reason === 'AgentUnreachable' ? conditionOf(conditions, 'Reachable') : ready;
  const rung = named !== undefined && isReason(named.reason) ? RUNG_OF[named.reason] : null;
  if (named !== undefined && rung !== null) return faultAt(node, rung, named.reason, named.message);
  const synced = conditionOf(conditions, 'Synced');
  if (synced?.reason === 'Drifted') return faultAt(node, 'live', 'Drifted', synced.message);
  if (ready?.status === 'True') return undefined;
  // A controller that is newer than this program may have words of its own.
  const text = ready === undefined ? 'Ready is not told' : `${ready.reason}: ${ready.message}`;
  return {
    rung: 'live',
    unproven: ['file'],
    state: 'failed',
    text,
    cure: 'See the message; this program does not know the reason',
  };
}

function faultAt(node: WireGuardNode, rung: RungName, reason: string, text: string): Fault {
  return {
    ...{ rung, text, unproven: unprovenOf(node, rung, reason) },
    cure: cureOf(reason, node),
    state: WAITING.has(reason) ? 'waits' : 'failed',
  };
}

function unprovenOf({ status }: WireGuardNode, rung: RungName, reason: string): RungName[] {
  // What answers there is no agent, or cannot do its work: it has proven nothing.
  if (reason === 'ProtocolError') return ['clock', 'signature'];
  if (rung !== 'live') return [];
  const { drift = [] } = status;
  const isFileProven = drift.length > 0 && drift.every(({ desired, file }) => desired === file);
  return isFileProven ? [] : ['file'];
}

/** The controller has not judged the present generation. */
function unseen(node: WireGuardNode, nowMs: number): Fault {
  const { observedGeneration } = node.status;
  const { generation } = node.metadata;
  const text =
    observedGeneration < 0
      ? 'No controller has looked at it yet'
      : `Looked at generation ${String(observedGeneration)}, but the spec is at ${String(generation)}`;
  const isSlow = nowMs - changedMs(node) > SLOW_MS;
  const cure = isSlow ? 'See whether a controller runs: kubectl wgnode check' : 'Wait a moment';
  return { rung: 'controller', state: isSlow ? 'failed' : 'waits', text, cure };
}

/** When anything but the status was written last, Unix ms. */
function changedMs({ metadata }: WireGuardNode): number {
  const { managedFields = [] } = metadata as {
    readonly managedFields?: readonly { time?: string; subresource?: string }[];
  };
  const times = managedFields
    .filter(({ subresource }) => subresource !== 'status')
    .map(({ time }) => Date.parse(time ?? ''));
  return Math.max(Date.parse(metadata.creationTimestamp), ...times.filter(Number.isFinite));
}

/** What the user sees of the Secrets now may be newer than the controller's last look, but only what it needs counts. */
function missingSecret({ spec, status }: WireGuardNode, secrets: LadderFacts['secrets']): string | undefined {
  if (conditionOf(status.conditions, 'Ready')?.status === 'True') return undefined;
  const { name: agent } = spec.agent.secretRef;
  const { name: key, key: entry } = spec.interface.privateKeySecretRef;
  if (secrets.agent === 'missing') return `There is no Secret ${agent} (spec.agent.secretRef)`;
  if (secrets.agent === 'no-entry') return `The Secret ${agent} has no entry hmac-key`;
  // Who only looks needs no key.
  if (spec.management.mode === 'Observe') return undefined;
  if (secrets.key === 'missing') return `There is no Secret ${key} (spec.interface.privateKeySecretRef)`;
  if (secrets.key === 'no-entry') return `The Secret ${key} has no entry ${entry}`;
  return undefined;
}

function textOf(name: RungName, { node, secrets, controller }: LadderFacts): string {
  const { spec, status } = node;
  const { agent, interface: seen } = status;
  const ready = conditionOf(status.conditions, 'Ready');
  const url = URL.canParse(spec.agent.url) ? new URL(spec.agent.url) : undefined;
  switch (name) {
    case 'object':
      return `${keyOf(node)}, generation ${String(node.metadata.generation)}, mode ${spec.management.mode}`;
    case 'controller':
      return `judged generation ${String(status.observedGeneration)}: ${ready?.reason ?? 'Pending'}${controller.state === 'unknown' ? ` (${controller.text})` : ''}`;
    case 'secret':
      return secretText(node, secrets);
    case 'dns':
      return url?.hostname ?? spec.agent.url;
    case 'tcp':
      return `port ${url?.port === '' ? (url.protocol === 'http:' ? '80' : '443') : (url?.port ?? '')} answers`;
    case 'tls':
      return certificateText(node, url);
    case 'clock':
      return 'within what the agent allows';
    case 'signature':
      return 'the agent takes the key';
    case 'agent':
      return agentText(agent);
    case 'file':
      return `${spec.interface.name}.conf is as wanted`;
    case 'live':
      return liveText(node);
    case 'peers':
      return seen?.peerCount === undefined
        ? 'not told'
        : `${String(seen.peerCount)}; their handshakes: kubectl wgnode peers ${argumentOf(node)}`;
  }
}

function secretText({ spec }: WireGuardNode, { agent, key }: LadderFacts['secrets']): string {
  const both = `${spec.agent.secretRef.name}, ${spec.interface.privateKeySecretRef.name}`;
  return agent === 'forbidden' || key === 'forbidden' ? `${both} (you may not look; the controller may)` : both;
}

function certificateText({ status }: WireGuardNode, url: URL | undefined): string {
  if (url?.protocol === 'http:') return 'none: plain HTTP';
  const end = status.agent?.certificateNotAfter;
  return end === undefined ? 'trusted' : `trusted, until ${end.slice(0, 10)}`;
}

/** One that is not ours is named, and what it cannot. */
function agentText(agent: WireGuardNode['status']['agent']): string {
  if (agent?.version === undefined) return 'answers';
  const { name, version, limits = [] } = agent;
  if (limits.length === 0) return `version ${version}`;
  return `${name ?? 'another agent'} ${version}; what it cannot is in status.agent.limits`;
}

/** An agent with limits does not show what the kernel has. */
function liveText({ spec, status }: WireGuardNode): string {
  const { interface: seen, agent } = status;
  if (seen === undefined) return 'as wanted';
  const isUnseen = seen.state === 'Up' && agent?.limits !== undefined;
  return `${spec.interface.name} is ${seen.state}, ${isUnseen ? 'and its agent shows no more' : 'as wanted'}`;
}
