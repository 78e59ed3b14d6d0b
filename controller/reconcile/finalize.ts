import { agentOrigin, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { conflictingNodes, load } from '../cluster/load.ts';
import type { Driver } from '../drivers/driver.ts';
import { checkAgent } from '../policy/checks.ts';
import { deadlineMsOf, deletionPlan, hasFinalizer, type Release, releaseAfter } from '../policy/deletion.ts';
import type { Input } from '../policy/input.ts';
import { beforeDeadline } from '../policy/retry.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import type { Dependencies } from './dependencies.ts';
import { askHost } from './hosts.ts';
import { leaveHost } from './leave-host.ts';
import type { LocalState } from './local-state.ts';
import { loadOptionsOf } from './load-options.ts';
import { report } from './report.ts';

/** Soon, for what the watch will bring anyway: this is the backstop. */
const SOON_MS = 1_000;
/** A call of the host has at least so long, however near the deadline is. */
const LEAST_CALL_MS = 1_000;
/** Who found a deadline long gone has waited for others at least so long before it lets go: the controller itself may have been away. */
const LEAST_PATIENCE_MS = 30_000;

const DELETION = 'deletion';

/** How an attempt on the host ended; `pending`: not this time, and why. `wasTried`: the host was asked. */
type Attempt =
  | { readonly kind: 'over'; readonly release: Release }
  | { readonly kind: 'gone' }
  | { readonly kind: 'pending'; readonly why: string; readonly wasTried: boolean };

/** Ends an object that carries our finalizer by its deletionPolicy; without it there is nothing to do. */
export async function finalize(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  if (!hasFinalizer(node)) return awaitChange;
  const { localStates, clock } = dependencies;
  const key = keyOf(node);
  const known = localStates.get(key, node.metadata.uid);
  const leaving =
    known.leaving?.what === DELETION ? known.leaving : { what: DELETION, sinceMs: clock.now(), isDone: false };
  const local: LocalState = { ...known, leaving };
  localStates.set(key, local);
  if (leaving.isDone) return letGo(dependencies, node);
  const leftMs = deadlineMsOf(node) - (clock.now() + dependencies.serverOffsetMs());
  const attempt = await attemptOn(dependencies, { node, local, leftMs });
  if (attempt.kind === 'gone') return awaitChange;
  if (attempt.kind === 'over') return release(dependencies, { node, local, release: attempt.release });
  const { why, wasTried } = attempt;
  const waitedMs = clock.now() - leaving.sinceMs;
  const wasPatient =
    wasTried || waitedMs >= Math.min(LEAST_PATIENCE_MS, node.spec.management.deletionTimeoutSeconds * 1000);
  if (leftMs <= 0 && wasPatient)
    return release(dependencies, { node, local, release: releaseAfter({ kind: 'timed-out', node, why }) });
  const retry = beforeDeadline(Math.max(leftMs, SOON_MS));
  return report(dependencies, node, { outcome: { kind: 'deleting', why, untilMs: deadlineMsOf(node), retry }, local });
}

interface Ended {
  readonly node: WireGuardNode;
  readonly local: LocalState;
  readonly release: Release;
}

/** Tells how it ended, while an event about the object is still allowed, and lets it go. Done is done, whatever the API server says. */
async function release(dependencies: Dependencies, { node, local, release: how }: Ended): Promise<Action> {
  const { localStates, events, log, metrics } = dependencies;
  const key = keyOf(node);
  if (local.leaving !== undefined) localStates.set(key, { ...local, leaving: { ...local.leaving, isDone: true } });
  events.record(node, how.event);
  log[how.isClean ? 'info' : 'warn']('deletion ends', { node: key, reason: how.reason, message: how.event.note });
  metrics.deletionEnded(how.reason);
  return letGo(dependencies, node);
}

async function letGo(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  const written = await dependencies.writer.writeFinalizer(node, false, dependencies.signal);
  if (written === undefined) return requeueAfter(SOON_MS);
  dependencies.takeWritten(written);
  return awaitChange;
}

interface Leave {
  readonly node: WireGuardNode;
  readonly local: LocalState;
  /** Until the deadline. */
  readonly leftMs: number;
}

/** Takes the interface down or away in this object's turn on the host, if nobody else owns it by now. */
async function attemptOn(dependencies: Dependencies, { node, local, leftMs }: Leave): Promise<Attempt> {
  const input = await load(node, loadOptionsOf(dependencies));
  const planned = deletionPlan(node, input.conflicting.accepted);
  if (planned.kind === 'release') return { kind: 'over', release: planned.release };
  const found = driverFor(dependencies, { node, local, input });
  if (found.kind === 'pending') return found;
  const [key, origin] = [keyOf(node), agentOrigin(node)];
  const pending = (why: string, wasTried: boolean): Attempt => ({ kind: 'pending', why, wasTried });
  if (!dependencies.hosts.turns.enter(origin, key)) return pending('another change of its host is under way', false);
  const stored = await dependencies.writer.read(key, dependencies.signal);
  if (stored?.metadata.uid !== node.metadata.uid || !hasFinalizer(stored)) return { kind: 'gone' };
  // Somebody may have come while this one waited.
  const again = deletionPlan(stored, conflictingNodes(node, loadOptionsOf(dependencies)));
  if (again.kind === 'release') return { kind: 'over', release: again.release };
  const longestMs = node.spec.agent.timeoutSeconds * 1000;
  const timeoutMs = leftMs <= 0 ? longestMs : Math.min(longestMs, Math.max(leftMs, LEAST_CALL_MS));
  const options = { timeoutMs, signal: dependencies.signal };
  const { verb } = again;
  const place = { origin, key, isUrgent: leftMs <= 0 };
  const end = await leaveHost(found.driver, {
    ...{ verb, options, uid: node.metadata.uid, mayChange: dependencies.mayChange },
    ask: (read) => askHost(dependencies.hosts, place, read),
  });
  switch (end.kind) {
    case 'left':
      return { kind: 'over', release: releaseAfter({ kind: 'done', node, verb }) };
    case 'not-ours':
      return { kind: 'over', release: releaseAfter({ kind: 'not-ours', node }) };
    case 'unreachable':
      return pending(end.message, true);
    case 'refused':
      return pending(end.refusal.message, true);
  }
}

type Found = { readonly kind: 'found'; readonly driver: Driver } | Extract<Attempt, { readonly kind: 'pending' }>;

/** With a namespace the Secret often goes before the object: then the driver of the last look serves. */
function driverFor(
  { drivers }: Dependencies,
  { node, local, input }: { readonly node: WireGuardNode; readonly local: LocalState; readonly input: Input },
): Found {
  if (input.agentSecret.kind === 'found') {
    const refused = checkAgent(input);
    if (refused !== undefined) return { kind: 'pending', why: refused.message, wasTried: true };
    return { kind: 'found', driver: drivers.open(node, input.agentSecret.data) };
  }
  if (local.driver !== undefined) return { kind: 'found', driver: local.driver };
  return { kind: 'pending', why: 'the Secret of the agent is gone, and with it the key to talk to it', wasTried: true };
}
