import { agentOrigin } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Applied, CallOptions, Driver, Drivers, Failure } from '../drivers/driver.ts';
import { check } from '../policy/checks.ts';
import { type Correction, withCorrections } from '../policy/contention.ts';
import { type Cause, decide, openRequest } from '../policy/decide.ts';
import { type Desired, specMoved } from '../policy/desired.ts';
import { type Difference, differencesOf } from '../policy/differences.ts';
import type { Input } from '../policy/input.ts';
import type { Observation } from '../policy/observation.ts';
import type { Outcome, OutcomeOf } from '../policy/outcome.ts';
import { refusal } from '../policy/refusal.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KeyLock } from '../runtime/key-lock.ts';
import type { LocalState } from './local-state.ts';

/** What a sync works with. */
export interface SyncDependencies {
  readonly drivers: Drivers;
  /** One change at a time for each host. */
  readonly hostLocks: KeyLock;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether the object is still the one that was judged: asked right before the host is changed. */
  readonly isCurrent: () => boolean;
}

/** How it ended, and what is remembered of it. */
export interface Synced {
  readonly outcome: Outcome;
  readonly local: LocalState;
}

type Applying = OutcomeOf<'applying'>;

/** When status says that a change is under way, ms. */
const SLOW_MS = 2_000;

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
  if (node.spec.suspend) return { outcome: { kind: 'suspended', specMoved: specMoved(node) }, local };
  const checked = check(input);
  if (checked.kind === 'refused') return { outcome: checked, local };
  const { credentials, desired } = checked.ready;
  const driver = dependencies.drivers.open(node, credentials);
  const options = { timeoutMs: node.spec.agent.timeoutSeconds * 1000, signal: dependencies.signal };
  const sync: Sync = { node, desired, driver, options, dependencies };
  // Another driver means another host until proven.
  const seen = await look(sync, local.driver === driver ? local.observation : undefined);
  const own = { ...local, driver };
  if (seen.kind !== 'look') return { outcome: seen, local: anew(own) };
  const end = yield* act(sync, { ...own, observation: seen.observation }, seen);
  return end.outcome.kind === 'unreachable' ? { ...end, local: anew(end.local) } : end;
}

/** The next look starts anew: behind a connection that broke may be another agent. */
const anew = (local: LocalState): LocalState => ({ ...local, observation: undefined });

interface Sync {
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

async function look(
  { node, driver, desired, options }: Sync,
  previous: Observation | undefined,
): Promise<Look | Failure> {
  // Who asks for a reconcile wants to know what is there now, not what was known a second ago.
  const known = openRequest(node) === undefined ? previous : undefined;
  const observed = await driver.observe(known, options);
  if (observed.kind !== 'observed') return observed;
  const { observation } = observed;
  return { kind: 'look', observation, differences: differencesOf(desired, observation) };
}

async function* act(sync: Sync, local: LocalState, seen: Look): AsyncGenerator<Applying, Synced> {
  const { node, desired, dependencies } = sync;
  const { observation, differences } = seen;
  const nowMs = dependencies.clock.now();
  const decision = decide({ node, desired, corrections: local.corrections, nowMs }, differences);
  switch (decision.kind) {
    case 'nothing':
      return { outcome: { kind: 'in-sync', observation, desired, change: undefined }, local };
    case 'report':
      return { outcome: await waiting(sync, 'drifted', seen), local };
    case 'contended':
      return { outcome: { kind: 'contended', observation, differences, path: decision.path }, local };
    case 'apply': {
      const release = await dependencies.hostLocks.acquire(agentOrigin(node));
      try {
        // The turn may have come late: what was true when the host was read may not be any more.
        if (!dependencies.isCurrent()) {
          return { outcome: { kind: 'superseded', message: 'the object changed while it waited for its turn' }, local };
        }
        return yield* apply(sync, local, { seen, cause: decision.cause });
      } finally {
        release();
      }
    }
  }
}

/** What a change is made for. */
interface Motive {
  readonly seen: Look;
  readonly cause: Cause;
}

async function* apply(sync: Sync, local: LocalState, { seen, cause }: Motive): AsyncGenerator<Applying, Synced> {
  const { node, desired, driver, options, dependencies } = sync;
  const { observation } = seen;
  if (node.spec.management.maxImpact !== 'Restart' && !driver.capabilities.has('max-impact')) {
    const text = 'The agent cannot keep to spec.management.maxImpact: nothing is sent to it';
    return { outcome: { kind: 'refused', refusal: refusal('Unsupported', text), observation }, local };
  }
  const limits = { revision: observation.revision, maxImpact: node.spec.management.maxImpact };
  const applied = yield* sayingWhenSlow(driver.apply(desired, { ...options, ...limits }), dependencies.clock);
  switch (applied.kind) {
    case 'superseded':
    case 'unreachable':
      return { outcome: applied, local };
    case 'refused':
      return { outcome: { ...applied, observation }, local };
    case 'impact-not-allowed':
      return { outcome: await waiting(sync, 'impact-not-allowed', seen), local };
    case 'failed': {
      const after = await look(sync, observation);
      if (after.kind === 'unreachable') return { outcome: after, local };
      if (after.kind === 'refused') return { outcome: failureOf(applied, seen), local: anew(local) };
      return { outcome: failureOf(applied, after), local: { ...local, observation: after.observation } };
    }
    case 'applied': {
      const after = await look(sync, observation);
      if (after.kind !== 'look') return { outcome: after, local: anew(local) };
      const proven = { ...local, observation: after.observation };
      if (after.differences.length > 0) {
        const message = notProven(after.differences);
        return { outcome: { kind: 'apply-failed', observation: after.observation, message }, local: proven };
      }
      const { impact, outageMs, warnings } = applied;
      const corrected = cause === 'DriftCorrected' ? seen.differences.map(({ path }) => path) : [];
      const change = { cause, impact, outageMs, corrected, warnings };
      return {
        outcome: { kind: 'in-sync', observation: after.observation, desired, change },
        local: { ...proven, corrections: correctionsAfter(sync, local, corrected) },
      };
    }
  }
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

/** The result of a change; `applying` meanwhile, once, if it lasts. */
async function* sayingWhenSlow<T>(change: Promise<T>, clock: Clock): AsyncGenerator<Applying, T> {
  let cancel = (): void => undefined;
  const slow = new Promise<'slow'>((resolve) => {
    cancel = clock.after(SLOW_MS, () => {
      resolve('slow');
    });
  });
  try {
    const first = await Promise.race([change.then(() => 'ended' as const), slow]);
    if (first === 'slow') yield { kind: 'applying' };
    return await change;
  } finally {
    cancel();
  }
}

/** What waits for a person, with the plan where the driver can make one; a plan that would be refused is that refusal. */
async function waiting(
  { driver, desired, options }: Sync,
  kind: 'drifted' | 'impact-not-allowed',
  { observation, differences }: Look,
): Promise<Outcome> {
  if (!driver.capabilities.has('plan')) return { kind, observation, differences, plan: undefined };
  const planned = await driver.plan(desired, options);
  switch (planned.kind) {
    case 'planned':
      return { kind, observation, differences, plan: planned.plan };
    case 'refused':
      return { ...planned, observation };
    case 'unreachable':
      return planned;
  }
}
