import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { agentOrigin, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { SecretReader } from '../cluster/secrets.ts';
import type { Applied, CallOptions, Driver, Drivers, Failure } from '../drivers/driver.ts';
import { check } from '../policy/checks.ts';
import { ownershipOf } from '../policy/claims.ts';
import { type Correction, withCorrections } from '../policy/contention.ts';
import { type Cause, decide, openRequest } from '../policy/decide.ts';
import { type Desired, specMoved } from '../policy/desired.ts';
import { type Difference, differencesOf } from '../policy/differences.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { Input } from '../policy/input.ts';
import type { Observation } from '../policy/observation.ts';
import type { Outcome, OutcomeOf } from '../policy/outcome.ts';
import { consequencesOf } from '../policy/outcome-table.ts';
import { refusal } from '../policy/refusal.ts';
import { atInterval, SLOW_MS } from '../policy/retry.ts';
import type { Clock } from '../runtime/clock.ts';
import { askHost, type Hosts } from './hosts.ts';
import { leaveFormerHost } from './leave-former-host.ts';
import type { LocalState, Seen } from './local-state.ts';
import { whileSlow } from './slow-change.ts';

/** What a sync works with. */
export interface SyncDependencies {
  readonly drivers: Drivers;
  readonly hosts: Hosts;
  readonly secrets: Pick<SecretReader, 'privateKey'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether the object is still the one that was judged, and we may change its host: asked right before that. */
  readonly isCurrent: () => boolean;
  /** Whether the object is to be worked on this host at all: asked while a change lasts. */
  readonly isWanted: () => boolean;
}

/** How it ended, and what is remembered of it. */
export interface Synced {
  readonly outcome: Outcome;
  readonly local: LocalState;
  /** What happened beside the outcome, for people. */
  readonly events?: readonly NodeEvent[];
}

type Applying = OutcomeOf<'applying'>;

/**
 * Compares the host with what is desired and makes it so. Yields `applying` when a change lasts; returns how it ended. Nothing of it
 * is written here. What is expected to go wrong is an outcome; only failures of our own are thrown.
 */
export async function* syncInterface(
  input: Input,
  local: LocalState,
  dependencies: SyncDependencies,
): AsyncGenerator<Applying, Synced> {
  const { node } = input;
  // Whatever is written now, the next look must write anew.
  if (node.spec.suspend) return { outcome: { kind: 'suspended', specMoved: specMoved(node) }, local: anew(local) };
  const checked = check(input);
  if (checked.kind === 'refused') return { outcome: checked, local: anew(local) };
  const { credentials, desired } = checked.ready;
  const driver = dependencies.drivers.open(node, credentials);
  const sync: Sync = { input, node, desired, driver, options: optionsOf(node, dependencies), dependencies };
  const own = withDriver(local, driver);
  const seen = await look(sync, own);
  if (seen.kind === 'unmoved') return { outcome: seen, local: own };
  if (seen.kind !== 'look') return { outcome: seen, local: anew(own) };
  const accepted = { ...own, acceptedBy: agentOrigin(node) };
  const left = await leaveFormerHost({ ...sync, credentials, agent: seen.observation.agent }, accepted);
  if (left.kind === 'waits') return { outcome: left.outcome, local: anew(left.local), events: left.events };
  const end = yield* act(sync, left.local, seen);
  const events = [...left.events, ...(end.events ?? [])];
  return { ...end, events, local: remembered(sync, end) };
}

const optionsOf = ({ spec }: WireGuardNode, { signal }: SyncDependencies): CallOptions => ({
  timeoutMs: spec.agent.timeoutSeconds * 1000,
  signal,
});

/** Another driver means another host until proven, and what it has not accepted. */
const withDriver = (local: LocalState, driver: Driver): LocalState =>
  local.driver === driver
    ? local
    : { ...local, driver, former: previousOf(local), seen: undefined, acceptedBy: undefined };

const previousOf = ({ driver, acceptedBy, former }: LocalState): LocalState['former'] =>
  driver === undefined || acceptedBy === undefined ? former : { driver, origin: acceptedBy };

/** The next look starts anew: behind a connection that broke may be another agent. */
const anew = (local: LocalState): LocalState => ({ ...local, seen: undefined });

/** While neither host nor wish move, these stand as they were written. */
const LASTING = new Set<Outcome['kind']>(['in-sync', 'drifted', 'impact-not-allowed']);

/** What of the end of a sync spares the next one its work. */
function remembered({ node, desired }: Sync, { outcome, local }: Synced): LocalState {
  const revision = consequencesOf(outcome).observation?.revision;
  if (!LASTING.has(outcome.kind) || revision === undefined) return anew(local);
  const seen: Seen = { revision, generation: node.metadata.generation, publicKey: desired.publicKey };
  return { ...local, seen };
}

interface Sync {
  readonly input: Input;
  readonly node: WireGuardNode;
  readonly desired: Desired;
  readonly driver: Driver;
  readonly options: CallOptions;
  readonly dependencies: SyncDependencies;
}

/** What was seen of the host, and where it is not as desired. */
interface Look {
  readonly kind: 'look';
  readonly observation: Observation;
  readonly differences: readonly Difference[];
}

async function look(sync: Sync, { seen, written }: LocalState): Promise<Look | OutcomeOf<'unmoved'> | Failure> {
  const { node, driver, desired, options, dependencies } = sync;
  const isAsked = openRequest(node) !== undefined;
  const isSame = seen?.generation === node.metadata.generation && seen.publicKey === desired.publicKey;
  // Who asks for a reconcile wants to know what is there now, not what was known a second ago.
  const known = isSame && written !== undefined && !isAsked ? seen.revision : undefined;
  const isUrgent = isAsked || node.status.observedGeneration !== node.metadata.generation;
  const place = { origin: agentOrigin(node), key: keyOf(node), isUrgent };
  const observed = await askHost(dependencies.hosts, place, () => driver.observe(known, options));
  if (observed.kind === 'unchanged') return { kind: 'unmoved', retry: atInterval(node, dependencies.clock.now()) };
  return observed.kind === 'observed' ? lookOf(sync, observed.observation) : observed;
}

const lookOf = ({ desired }: Sync, observation: Observation): Look => ({
  kind: 'look',
  observation,
  differences: differencesOf(desired, observation),
});

/** Reads the host as it is now, whatever was known of it. */
async function lookAgain(sync: Sync): Promise<Look | Failure> {
  const observed = await sync.driver.observe(undefined, sync.options);
  if (observed.kind === 'observed') return lookOf(sync, observed.observation);
  if (observed.kind !== 'unchanged') return observed;
  return { kind: 'unreachable', reason: 'ProtocolError', message: 'The agent says `unchanged` to who knows nothing' };
}

async function* act(sync: Sync, local: LocalState, seen: Look): AsyncGenerator<Applying, Synced> {
  const { input, node, desired, dependencies } = sync;
  const { observation, differences } = seen;
  const { owner } = observation;
  const isObserving = node.spec.management.mode === 'Observe';
  const ownership = ownershipOf({ ...input, owner });
  if (ownership.kind === 'refused' && !isObserving) return { outcome: { ...ownership, observation }, local };
  const isRecorded = owner === undefined || (ownership.kind === 'own' && ownership.isRecorded);
  const nowMs = dependencies.clock.now();
  const decision = decide({ node, desired, corrections: local.corrections, nowMs, isRecorded }, differences);
  switch (decision.kind) {
    case 'nothing':
      return { outcome: { kind: 'in-sync', observation, desired, change: undefined }, local: answered(local) };
    case 'report':
      return { outcome: await waiting(sync, 'drifted', seen), local };
    case 'contended':
      return { outcome: { kind: 'contended', observation, differences, path: decision.path }, local };
    case 'apply': {
      // Whoever waits gives its worker back, and is woken when its turn comes.
      const { turns } = dependencies.hosts;
      const [place, key] = [agentOrigin(node), keyOf(node)];
      if (!turns.enter(place, key)) {
        const waitedMs = turns.waitedMs(place, key);
        const blocked = { kind: 'blocked', observation, sinceMs: nowMs - waitedMs } as const;
        return { outcome: waitedMs < SLOW_MS ? { kind: 'queued' } : blocked, local };
      }
      const replaces = ownership.kind === 'own' ? ownership.replaces : undefined;
      return yield* apply(sync, local, { seen, cause: decision.cause, replaces });
    }
  }
}

/** What a change is made for. */
interface Motive {
  readonly seen: Look;
  readonly cause: Cause;
  /** The id of the owner that the interface is taken from. */
  readonly replaces: string | undefined;
}

async function* apply(sync: Sync, local: LocalState, motive: Motive): AsyncGenerator<Applying, Synced> {
  const { node, driver, options, dependencies } = sync;
  const { seen } = motive;
  const { observation } = seen;
  const { maxImpact } = node.spec.management;
  if (maxImpact !== 'Restart' && !driver.capabilities.has('max-impact')) {
    const text = 'The agent cannot keep to spec.management.maxImpact: nothing is sent to it';
    return { outcome: { kind: 'refused', refusal: refusal('Unsupported', text), observation }, local };
  }
  const wanted = await withKeyToSend(sync, observation);
  if (wanted === undefined)
    return { outcome: { kind: 'superseded', message: 'the Secret of the key changed after it was read' }, local };
  if (!dependencies.isCurrent())
    return { outcome: { kind: 'superseded', message: 'the object changed after it was read' }, local };
  const { cluster, term } = sync.input.policy;
  const claim = { id: node.metadata.uid, name: keyOf(node), cluster, ...(term === undefined ? {} : { term }) };
  const limits = { revision: observation.revision, maxImpact, claim, replaces: motive.replaces };
  const { clock, signal, isWanted } = dependencies;
  // An agent that makes a change by itself, and undoes it, needs nobody that waits for it.
  const watch = { clock, signal, isWanted: () => !driver.capabilities.has('atomic') || isWanted() };
  const sentUntilMs = clock.now() + options.timeoutMs;
  const change = yield* whileSlow((ended) => driver.apply(wanted, { ...options, ...limits, signal: ended }), watch);
  const sent = { ...local, sentTo: node.spec.agent.url, sentUntilMs };
  if (change.kind === 'given-up')
    return { outcome: { kind: 'superseded', message: 'the object is not wanted on this host any more' }, local: sent };
  return settled(sync, sent, { motive, applied: change.value });
}

/** It is known what the host has of this object. */
const answered = (local: LocalState): LocalState => ({ ...local, sentTo: undefined });

/**
 * The private key is read when it has to be sent, and not kept; a host that has it need not be sent it again. Undefined = it is not the
 * one any more that was compared.
 */
async function withKeyToSend(
  { node, desired, dependencies }: Sync,
  observation: Observation,
): Promise<Desired | undefined> {
  if (hasKey(observation, desired)) return desired;
  const secret = await dependencies.secrets.privateKey(node);
  if (secret === undefined) return undefined;
  const privateKey = InterfaceKey.fromPrivate(secret);
  if (privateKey.publicKey !== desired.publicKey) return undefined;
  return { ...desired, config: { ...desired.config, privateKey } };
}

/** Whether file and device have the key already, and the agent can keep it. */
function hasKey({ agent, interface: { file, device } }: Observation, { publicKey }: Desired): boolean {
  if (agent.capabilities?.includes('keep-key') !== true || publicKey === '' || device === 'unseen') return false;
  return file?.privateKey?.publicKey === publicKey && (device === null || device.key?.publicKey === publicKey);
}

interface Settling {
  readonly motive: Motive;
  readonly applied: Applied;
}

/** How a change ended, as far as a read proves it. */
async function settled(sync: Sync, local: LocalState, { motive, applied }: Settling): Promise<Synced> {
  const { seen } = motive;
  const { observation } = seen;
  switch (applied.kind) {
    case 'superseded':
    case 'unreachable':
      return { outcome: applied, local };
    case 'refused':
      return { outcome: { ...applied, observation }, local: answered(local) };
    case 'impact-not-allowed':
      return { outcome: await waiting(sync, 'impact-not-allowed', seen), local: answered(local) };
    case 'failed': {
      const after = await lookAgain(sync);
      if (after.kind === 'unreachable') return { outcome: after, local };
      return { outcome: failureOf(applied, after.kind === 'refused' ? seen : after), local };
    }
    case 'applied': {
      const after = applied.after === undefined ? await lookAgain(sync) : lookOf(sync, applied.after);
      return after.kind === 'look' ? proven(sync, local, { motive, applied, after }) : { outcome: after, local };
    }
  }
}

interface Proof {
  readonly motive: Motive;
  readonly applied: Applied & { readonly kind: 'applied' };
  readonly after: Look;
}

function proven(sync: Sync, local: LocalState, { motive, applied, after }: Proof): Synced {
  const { desired } = sync;
  const { seen, cause } = motive;
  const { observation } = after;
  if (after.differences.length > 0) {
    const message = notProven(after.differences);
    return { outcome: { kind: 'apply-failed', observation, message }, local };
  }
  // Without a difference only the owner was told.
  if (seen.differences.length === 0)
    return { outcome: { kind: 'in-sync', observation, desired, change: undefined }, local: answered(local) };
  const { impact, outageMs, warnings } = applied;
  const corrected = cause === 'DriftCorrected' ? seen.differences.map(({ path }) => path) : [];
  const change = { cause, impact, outageMs, corrected, warnings };
  return {
    outcome: { kind: 'in-sync', observation, desired, change },
    local: { ...answered(local), corrections: correctionsAfter(sync, local, corrected) },
  };
}

/** Drift that was put right counts towards contention; a new spec, key or request of a person starts the count anew. */
function correctionsAfter({ node, dependencies }: Sync, local: LocalState, corrected: readonly string[]): Correction[] {
  const counts = corrected.length > 0 && openRequest(node) === undefined;
  return counts ? withCorrections(local.corrections, corrected, dependencies.clock.now()) : [];
}

const failureOf = ({ restored, message }: Applied & { kind: 'failed' }, { observation, differences }: Look): Outcome =>
  restored
    ? { kind: 'apply-failed', observation, message }
    : { kind: 'not-restored', observation, differences, message };

const notProven = (differences: readonly Difference[]): string =>
  `The agent reports success, but the read-back still differs: ${differences.map(({ path }) => path).join(', ')}`;

/** What waits for a person, with the plan where one can be made; a plan that would be refused is that refusal. */
async function waiting(sync: Sync, kind: 'drifted' | 'impact-not-allowed', seen: Look): Promise<Outcome> {
  const { driver, options, desired } = sync;
  const { observation, differences } = seen;
  const waits = { kind, observation, differences, desired };
  const wanted = driver.capabilities.has('plan') ? await withKeyToSend(sync, observation) : undefined;
  if (wanted === undefined) return { ...waits, plan: undefined };
  const planned = await driver.plan(wanted, options);
  switch (planned.kind) {
    case 'planned':
      return { ...waits, plan: planned.plan };
    case 'refused':
      return { ...planned, observation };
    case 'unreachable':
      return planned;
  }
}
