import { agentOrigin, isSameAgent, keyOf, nodeAt } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { refusedWrite } from '../cluster/kube-client.ts';
import { conflictingNodes, load } from '../cluster/load.ts';
import type { Driver } from '../drivers/driver.ts';
import { checkAgent } from '../policy/checks.ts';
import {
  deadlineMsOf,
  type DeletionPlan,
  deletionPlan,
  hasFinalizer,
  type Place,
  placesOf,
  type Release,
  releaseAfter,
} from '../policy/deletion.ts';
import type { Input } from '../policy/input.ts';
import { beforeDeadline } from '../policy/retry.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import type { Dependencies } from './dependencies.ts';
import { askHost } from './hosts.ts';
import { leaveHost } from './leave-host.ts';
import { type LocalState, mayArrive, previousDriverAt } from './local-state.ts';
import { loadOptionsOf } from './load-options.ts';
import { report } from './report.ts';

/** Soon, for what the watch will bring anyway: this is the backstop. */
const SOON_MS = 1_000;
/** A call of the host has at least so long, however near the deadline is. */
const LEAST_CALL_MS = 1_000;
/** Who found a deadline long gone has waited for others at least so long before it lets go: the controller itself may have been away. */
const LEAST_PATIENCE_MS = 30_000;

const DELETION = 'deletion';
const OTHERS = 'finalizers of others';
/** How long these may take without a word. */
const OTHERS_MS = 5_000;

/** How an attempt on the host ended; `pending`: not this time, and why. `wasTried`: the host was asked. */
type Attempt =
  | { readonly kind: 'over'; readonly release: Release }
  | { readonly kind: 'gone' }
  | { readonly kind: 'pending'; readonly why: string; readonly wasTried: boolean };

/** Ends an object that carries our finalizer by its deletionPolicy. */
export async function finalize(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  if (!hasFinalizer(node)) return keptByOthers(dependencies, node);
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

/** Most finalizers of others are gone in a moment: only of one that stays the status tells, that nobody takes the object for looked after. */
async function keptByOthers(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  const { localStates, clock } = dependencies;
  const { finalizers = [] } = node.metadata;
  if (finalizers.length === 0) return awaitChange;
  const key = keyOf(node);
  const known = localStates.get(key, node.metadata.uid);
  const sinceMs = known.leaving?.what === OTHERS ? known.leaving.sinceMs : clock.now();
  const local: LocalState = { ...known, leaving: { what: OTHERS, sinceMs, isDone: true } };
  localStates.set(key, local);
  const leftMs = sinceMs + OTHERS_MS - clock.now();
  return leftMs > 0
    ? requeueAfter(leftMs)
    : report(dependencies, node, { outcome: { kind: 'let-go', finalizers }, local });
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
  let written: WireGuardNode | undefined;
  try {
    written = await dependencies.writer.writeFinalizer(node, false, dependencies.signal);
  } catch (error) {
    const refused = refusedWrite(error);
    if (refused === undefined) throw error;
    const local = dependencies.localStates.get(keyOf(node), node.metadata.uid);
    return report(dependencies, node, { outcome: { kind: 'not-let-go', message: refused }, local });
  }
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

/** Leaves every host that may have an interface of the object: one that is away keeps none of the others. */
async function attemptOn(dependencies: Dependencies, leave: Leave): Promise<Attempt> {
  const [first, ...others] = placesOf(leave.node, leave.local.sentTo);
  let attempt = await attemptAt(dependencies, { ...leave, place: first });
  for (const place of others) {
    if (attempt.kind === 'gone') return attempt;
    const next = await attemptAt(dependencies, { ...leave, place });
    attempt = attempt.kind === 'pending' && next.kind === 'over' ? attempt : next;
  }
  return attempt;
}

/** Takes the interface down or away in this object's turn on the host, if nobody else owns it by now. */
async function attemptAt(
  dependencies: Dependencies,
  { node, local, leftMs, place }: Leave & { readonly place: Place | undefined },
): Promise<Attempt> {
  const options = loadOptionsOf(dependencies);
  const { url } = node.spec.agent;
  const there = place === undefined || isSameAgent(place.url, url) ? node : nodeAt(node, place.url);
  const input = await load(there, options);
  const planned = deletionPlan(there, place, input.conflicting.accepted);
  if (planned.kind === 'release') return { kind: 'over', release: planned.release };
  const found = driverFor(dependencies, { node: there, local, input, isMoved: there !== node });
  if (found.kind === 'pending') return found;
  const [key, origin] = [keyOf(node), agentOrigin(there)];
  const pending = (why: string, wasTried: boolean): Attempt => ({ kind: 'pending', why, wasTried });
  if (!dependencies.hosts.turns.enter(origin, key)) return pending('another change of its host is under way', false);
  const stored = await dependencies.writer.read(key, dependencies.signal);
  if (stored?.metadata.uid !== node.metadata.uid || !hasFinalizer(stored)) return { kind: 'gone' };
  // Somebody may have come, or the policy may have been changed, while this one waited.
  const planOf = (latest: WireGuardNode): DeletionPlan =>
    deletionPlan(nodeAt(latest, there.spec.agent.url), place, conflictingNodes(there, options));
  const again = planOf(stored);
  if (again.kind === 'release') return { kind: 'over', release: again.release };
  const { verb } = again;
  const isCurrent = (): boolean => {
    const latest = dependencies.nodes.get(key);
    if (!dependencies.mayChange() || latest?.metadata.uid !== node.metadata.uid) return false;
    const plan = planOf(latest.metadata.generation < stored.metadata.generation ? stored : latest);
    return plan.kind === 'act' && plan.verb === verb;
  };
  const end = await leaveHost(found.driver, {
    ...{ verb, uid: node.metadata.uid, isProven: place?.isProven === true, isCurrent },
    mayArrive: mayArrive(local, place?.url, dependencies.clock.now()),
    options: { timeoutMs: timeoutMsOf(node, leftMs), signal: dependencies.signal },
    ask: (read) => askHost(dependencies.hosts, { origin, key, isUrgent: leftMs <= 0 }, read),
  });
  switch (end.kind) {
    case 'left':
      return { kind: 'over', release: releaseAfter({ kind: 'done', node, verb }) };
    case 'not-ours':
      return { kind: 'over', release: releaseAfter({ kind: 'not-ours', node }) };
    case 'unsettled':
      return pending('a change that was sent there may still come to its end', true);
    case 'superseded':
      return pending('what is wanted changed while its host was read', false);
    case 'unreachable':
      return pending(end.message, true);
    case 'refused':
      return pending(end.refusal.message, true);
  }
}

function timeoutMsOf({ spec }: WireGuardNode, leftMs: number): number {
  const longestMs = spec.agent.timeoutSeconds * 1000;
  return leftMs <= 0 ? longestMs : Math.min(longestMs, Math.max(leftMs, LEAST_CALL_MS));
}

type Found = { readonly kind: 'found'; readonly driver: Driver } | Extract<Attempt, { readonly kind: 'pending' }>;

/** With a namespace the Secret often goes before the object: then the driver of the last look serves. */
function driverFor(
  { drivers }: Dependencies,
  { node, local, input, isMoved }: Pick<Leave, 'node' | 'local'> & { readonly input: Input; readonly isMoved: boolean },
): Found {
  const known = isMoved ? previousDriverAt(local, agentOrigin(node)) : local.driver;
  // Of a host that the object names no more the Secret has the credentials perhaps, the driver of before surely.
  if (isMoved && known !== undefined) return { kind: 'found', driver: known };
  if (input.agentSecret.kind === 'found') {
    const refused = checkAgent(input);
    if (refused !== undefined) return { kind: 'pending', why: refused.message, wasTried: true };
    return { kind: 'found', driver: drivers.open(node, input.agentSecret.data) };
  }
  if (known !== undefined) return { kind: 'found', driver: known };
  return { kind: 'pending', why: 'the Secret of the agent is gone, and with it the key to talk to it', wasTried: true };
}
