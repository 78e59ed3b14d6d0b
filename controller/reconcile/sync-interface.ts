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
import type { Outcome } from '../policy/outcome.ts';
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
): AsyncGenerator<Outcome, Synced> {
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
  // Whatever failed, the next look starts anew: behind a broken connection may be another agent.
  if (seen.kind !== 'look') return { outcome: seen, local: { ...local, driver, observation: undefined } };
  return yield* act(sync, { ...local, driver, observation: seen.observation }, seen);
}

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

async function look({ driver, desired, options }: Sync, previous: Observation | undefined): Promise<Look | Failure> {
  const observed = await driver.observe(previous, options);
  if (observed.kind !== 'observed') return observed;
  const { observation } = observed;
  return { kind: 'look', observation, differences: differencesOf(desired, observation) };
}

async function* act(sync: Sync, local: LocalState, seen: Look): AsyncGenerator<Outcome, Synced> {
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

async function* apply(sync: Sync, local: LocalState, { seen, cause }: Motive): AsyncGenerator<Outcome, Synced> {
  const { node, desired, driver, options, dependencies } = sync;
  const { observation } = seen;
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
      if (after.kind === 'unreachable') return { outcome: after, local: { ...local, observation: undefined } };
      const now = after.kind === 'look' ? after : seen;
      return { outcome: failureOf(applied, now), local: { ...local, observation: now.observation } };
    }
    case 'applied': {
      const after = await look(sync, observation);
      if (after.kind !== 'look') return { outcome: after, local: { ...local, observation: undefined } };
      const proven = { ...local, observation: after.observation };
      if (after.differences.length > 0) {
        const message = notProven(after.differences);
        return { outcome: { kind: 'apply-failed', observation: after.observation, message }, local: proven };
      }
      const { impact, outageMs } = applied;
      const corrected = cause === 'DriftCorrected' ? seen.differences.map(({ path }) => path) : [];
      const change = { cause, impact, outageMs, corrected };
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
async function* sayingWhenSlow<T>(change: Promise<T>, clock: Clock): AsyncGenerator<Outcome, T> {
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
