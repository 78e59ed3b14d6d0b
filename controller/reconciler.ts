import { keyOf } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import { load, conflictingNodes } from './cluster/load.ts';
import { finalize } from './finalize.ts';
import { judge, Superseded } from './judge.ts';
import type { Memory } from './memory.ts';
import { hasFinalizer, wantsFinalizer } from './reconcile/deletion.ts';
import type { ReconcilerParts } from './reconciler-parts.ts';
import { eventsOf } from './reconcile/events.ts';
import { nextAttemptMs } from './reconcile/next-attempt.ts';
import { openRequest } from './reconcile/plan.ts';
import { statusOf } from './reconcile/status.ts';
import type { Outcome } from './reconcile/outcome.ts';
import { type Action, awaitChange, requeueAfter } from './runtime/action.ts';
import { delayAfter } from './runtime/backoff.ts';

/** Soon, for what is on its way anyway: the watch will bring the object, this is the backstop. */
const SOON_MS = 250;
/** So often in a row is no coincidence any more. */
const MANY = 5;

/** The whole controller in one page: load, judge, report. Level-triggered: the key is all that it is given. */
export const createReconciler =
  (parts: ReconcilerParts) =>
  async (key: string): Promise<Action> => {
    const node = parts.nodes.get(key);
    if (node === undefined) {
      parts.memories.forget(key);
      return awaitChange;
    }
    if (node.metadata.deletionTimestamp !== undefined) return finalize(parts, node);
    if (hasFinalizer(node) !== wantsFinalizer(node)) {
      const written = await parts.writer.writeFinalizer(node, wantsFinalizer(node), parts.signal);
      if (written === undefined) return requeueAfter(SOON_MS);
      parts.takeWritten(written);
      return reconcileNode(parts, written);
    }
    return reconcileNode(parts, node);
  };

async function reconcileNode(parts: ReconcilerParts, node: WireGuardNode): Promise<Action> {
  const key = keyOf(node);
  const memory = parts.memories.of(key, node.metadata.uid);
  const input = await load(node, parts);
  let applying: Promise<unknown> = Promise.resolve();
  const slow = (): void => {
    applying = report(parts, node, memory, { kind: 'applying' }).catch((error: unknown) => {
      parts.log.warn('cannot write that a change is under way', { node: key, error: String(error) });
    });
  };
  try {
    const isCurrent = (): boolean =>
      isSame(parts.nodes.get(key), node) && conflictingNodes(node, parts.nodes).length === input.conflicting.length;
    const outcome = await judge(input, memory, { ...parts, slow, isCurrent });
    await applying;
    return await report(parts, node, memory, outcome);
  } catch (error) {
    await applying;
    if (!(error instanceof Superseded)) throw error;
    parts.log.info('compared anew', { node: key, why: error.message });
    // Counted as what it becomes in the end, so that the pauses go on growing after that, and status is not written each time.
    const failures = countFailures(memory, 'apply-failed', node.metadata.generation);
    const seen = memory.lastRead?.seen;
    if (failures < MANY || seen === undefined) return soon(parts, failures);
    const message = `Cannot apply the configuration: ${error.message}, again and again`;
    return report(parts, node, memory, { kind: 'apply-failed', seen, message });
  }
}

const soon = ({ random }: ReconcilerParts, failures: number): Action =>
  requeueAfter(delayAfter(failures, { baseMs: SOON_MS, capMs: 10_000, random }));

/** Whether a decision about `judged` still holds for the object as it is known now. */
const isSame = (now: WireGuardNode | undefined, judged: WireGuardNode): boolean =>
  now?.metadata.uid === judged.metadata.uid &&
  now.metadata.generation === judged.metadata.generation &&
  now.metadata.deletionTimestamp === undefined;

/** Writes an outcome down, if it says anything new, and decides when the object is looked at again. */
async function report(parts: ReconcilerParts, read: WireGuardNode, memory: Memory, outcome: Outcome): Promise<Action> {
  const { clock, random, writer, nodes, metrics } = parts;
  const key = keyOf(read);
  // The generation and spec are those that were judged; the status to compare with is the latest that we know of.
  const latest = nodes.get(key);
  const node = latest?.metadata.uid === read.metadata.uid ? { ...read, status: latest.status } : read;
  const nowMs = clock.now();
  const failures = outcome.kind === 'applying' ? 0 : countFailures(memory, outcome.kind, node.metadata.generation);
  const delayMs = nextAttemptMs({ node, outcome, failures, nowMs, random });
  const attempt = { failures, nextMs: failures === 0 || delayMs === undefined ? undefined : nowMs + delayMs };
  const status = statusOf({ node, outcome, nowMs, request: openRequest(node), attempt });
  const written = await writer.writeStatus(node, status, parts.signal);
  if (written === undefined) return soon(parts, countFailures(memory, 'superseded', node.metadata.generation));
  if (written !== node) parts.takeWritten(written);
  metrics.judged(outcome);
  log(parts, key, outcome, written !== node);
  for (const event of eventsOf(node, outcome, status)) await parts.events.record(node, event);
  return delayMs === undefined ? awaitChange : requeueAfter(delayMs);
}

const FAILURES: readonly string[] = ['unreachable', 'apply-failed', 'not-restored', 'superseded'];

/** Counted by kind and generation, so that a new spec starts fresh. */
function countFailures(memory: Memory, outcome: string, generation: number): number {
  if (!FAILURES.includes(outcome)) {
    memory.failures = { kind: '', count: 0 };
    return 0;
  }
  const kind = `${outcome} ${String(generation)}`;
  memory.failures = { kind, count: memory.failures.kind === kind ? memory.failures.count + 1 : 1 };
  return memory.failures.count;
}

function log({ log: logger }: ReconcilerParts, key: string, outcome: Outcome, written: boolean): void {
  switch (outcome.kind) {
    case 'in-sync':
      if (outcome.change !== undefined)
        logger.info('applied', { node: key, ...outcome.change, corrected: outcome.change.corrected.join(' ') });
      else logger.debug('in sync', { node: key });
      return;
    case 'unreachable':
      logger[written ? 'warn' : 'debug']('agent unreachable', {
        node: key,
        rung: outcome.rung,
        message: outcome.message,
      });
      return;
    case 'refused':
      logger[written ? 'warn' : 'debug']('refused', {
        node: key,
        reason: outcome.refusal.reason,
        message: outcome.refusal.message,
      });
      return;
    case 'not-restored':
      logger.error('apply failed and could not be undone', { node: key, message: outcome.message });
      return;
    case 'apply-failed':
      logger.warn('apply failed', { node: key, message: outcome.message });
      return;
    default:
      logger[written ? 'info' : 'debug'](outcome.kind, { node: key });
  }
}
