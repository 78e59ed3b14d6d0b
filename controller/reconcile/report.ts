import { keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { openRequest } from '../policy/decide.ts';
import { eventsOf } from '../policy/events.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { LogLine } from '../policy/outcome-row.ts';
import { consequencesOf, inTheEnd, retryOf } from '../policy/outcome-table.ts';
import { countFailure, NO_FAILURE, SOON } from '../policy/retry.ts';
import { isPartOf, sameStatus, statusOf } from '../policy/status.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import { delayOf } from './delay-of.ts';
import type { Dependencies } from './dependencies.ts';
import { isPruned, type LocalState } from './local-state.ts';
import type { Synced } from './sync-interface.ts';

/** Writes an outcome down, if it says anything new, and decides when the object is looked at again. */
export async function report(dependencies: Dependencies, judged: WireGuardNode, synced: Synced): Promise<Action> {
  const { clock, nodes, localStates } = dependencies;
  const key = keyOf(judged);
  const latest = nodes.get(key);
  const stored = latest?.metadata.uid === judged.metadata.uid ? { ...judged, status: latest.status } : judged;
  // The generation and spec are those that were judged; the status to go on from is what we wrote last, whatever others made of it.
  const node = { ...judged, status: synced.local.written ?? stored.status };
  const { outcome, local } = counted(node, synced);
  const { status: says, failure } = consequencesOf(outcome);
  // A look spares the next one its work only once its outcome is written: a write may fail.
  if (says !== 'interim') localStates.set(key, says === 'never' ? local : { ...local, seen: undefined });
  const nowMs = clock.now();
  const failures = local.failures.count;
  const retry = retryOf(outcome, { node, nowMs, failures });
  const delayMs = delayOf(retry, failures, dependencies.random);
  for (const event of synced.events ?? []) dependencies.events.record(node, event);
  if (says === 'never') {
    tell(dependencies, node, { outcome, isNew: true });
    return actionOf(delayMs);
  }
  const attempt = { failures, nextMs: failures === 0 || delayMs === undefined ? undefined : nowMs + delayMs };
  const status = statusOf({ node, outcome, nowMs, request: openRequest(node), attempt });
  const written = isPruned(local, stored, status)
    ? stored
    : await dependencies.writer.writeStatus(stored, status, dependencies.signal);
  if (written === undefined) return again(dependencies, node, synced.local);
  const isNew = written !== stored;
  if (isNew) dependencies.takeWritten(written);
  const kept = says === 'interim' ? localStates.get(key, node.metadata.uid) : local;
  const isHeld = failure === 'apply' && local.hold !== undefined && delayMs !== undefined;
  const hold = isHeld ? { wish: local.hold.wish, untilMs: nowMs + delayMs } : kept.hold;
  // What others wrote at the same moment adds to it, or changes it: that is put right by the next look.
  const isLess = !sameStatus(written.status, status) && isPartOf(written.status, status);
  const own = isLess ? { written: status, pruned: written.status } : { written: written.status, pruned: undefined };
  localStates.set(key, { ...kept, hold, ...own });
  tell(dependencies, node, { outcome, isNew });
  for (const event of eventsOf(node, outcome, status)) dependencies.events.record(node, event);
  return actionOf(delayMs);
}

/** The failure counted; what happened too often in a row is what its row says that it is in the end. */
function counted({ metadata }: WireGuardNode, { outcome, local }: Synced): Synced {
  const { failure, status } = consequencesOf(outcome);
  if (status === 'interim') return { outcome, local: { ...local, failures: NO_FAILURE } };
  if (failure === 'kept') return { outcome, local };
  const failures = countFailure(local.failures, failure, metadata.generation);
  return { outcome: inTheEnd(outcome, failures.count), local: { ...local, failures } };
}

/** The object went, or changed, while its status was written: the watch tells how. */
function again({ localStates, random }: Dependencies, node: WireGuardNode, local: LocalState): Action {
  const failures = countFailure(local.failures, 'write', node.metadata.generation);
  localStates.set(keyOf(node), { ...local, failures, seen: undefined });
  return actionOf(delayOf(SOON, failures.count, random));
}

const actionOf = (delayMs: number | undefined): Action => (delayMs === undefined ? awaitChange : requeueAfter(delayMs));

interface Told {
  readonly outcome: Outcome;
  /** Whether it brought a new status. */
  readonly isNew: boolean;
}

function tell({ metrics, log }: Dependencies, node: WireGuardNode, { outcome, isNew }: Told): void {
  const { log: line, change } = consequencesOf(outcome);
  metrics.reconciled(node, outcome, change);
  log[levelOf(line, isNew)](line.message, { node: keyOf(node), ...line.fields });
}

const levelOf = ({ whenNew, whenSame }: LogLine, isNew: boolean): LogLine['whenNew'] => (isNew ? whenNew : whenSame);
