import type { ClientPool } from './agents/client-pool.ts';
import { agentOrigin, keyOf } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { EventRecorder } from './cluster/events.ts';
import type { KubeClient } from './cluster/kube-client.ts';
import { load, rivalsOf } from './cluster/load.ts';
import type { NodeWriter } from './cluster/node-writer.ts';
import { HostMoved, judge } from './judge.ts';
import type { Logger } from './log.ts';
import type { Memories, Memory } from './memory.ts';
import type { Metrics } from './metrics.ts';
import { deletionPlan, hasFinalizer, wantsFinalizer } from './reconcile/deletion.ts';
import { eventsOf } from './reconcile/events.ts';
import type { Policy } from './reconcile/input.ts';
import { nextAttemptMs } from './reconcile/next-attempt.ts';
import { openRequest } from './reconcile/plan.ts';
import { statusOf } from './reconcile/status.ts';
import type { Verdict } from './reconcile/verdict.ts';
import { type Action, awaitChange, requeueAfter } from './runtime/action.ts';
import type { Clock } from './runtime/clock.ts';
import type { KeyLock } from './runtime/key-lock.ts';
import type { Store } from './runtime/store.ts';

export interface ReconcilerParts {
  readonly client: KubeClient;
  readonly nodes: Store<WireGuardNode>;
  readonly writer: NodeWriter;
  readonly events: EventRecorder;
  readonly pool: ClientPool;
  readonly hosts: KeyLock;
  readonly memories: Memories;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Soon, for what is on its way anyway: the watch will bring the object, this is the backstop. */
const SOON_MS = 250;
const RETRY_DELETION_MS = 5_000;

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
      parts.nodes.apply(written);
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
    const verdict = await judge(input, memory, { ...parts, slow });
    await applying;
    return await report(parts, node, memory, verdict);
  } catch (error) {
    await applying;
    if (!(error instanceof HostMoved)) throw error;
    parts.log.info('the host changed while it was compared; comparing again', { node: key });
    return requeueAfter(SOON_MS);
  }
}

/** Writes a verdict down, if it says anything new, and decides when the object is looked at again. */
async function report(parts: ReconcilerParts, read: WireGuardNode, memory: Memory, verdict: Verdict): Promise<Action> {
  const { clock, random, writer, nodes, metrics } = parts;
  const key = keyOf(read);
  // The generation and spec are those that were judged; the status to compare with is the latest that we know of.
  const latest = nodes.get(key);
  const node = latest?.metadata.uid === read.metadata.uid ? { ...read, status: latest.status } : read;
  const nowMs = clock.now();
  const failures = countFailures(memory, verdict, node.metadata.generation);
  const delayMs = nextAttemptMs({ node, verdict, failures, nowMs, random });
  const attempt = { failures, nextMs: failures === 0 || delayMs === undefined ? undefined : nowMs + delayMs };
  const status = statusOf({ node, verdict, nowMs, request: openRequest(node), attempt });
  const written = await writer.writeStatus(node, status, parts.signal);
  if (written === undefined) return requeueAfter(SOON_MS);
  if (written !== node) nodes.apply(written);
  metrics.judged(verdict);
  log(parts, key, verdict, written !== node);
  for (const event of eventsOf(node, verdict, status)) await parts.events.record(node, event);
  return delayMs === undefined ? awaitChange : requeueAfter(delayMs);
}

const FAILURES: readonly Verdict['kind'][] = ['unreachable', 'apply-failed'];

/** Counted by kind and generation, so that a new spec starts fresh. */
function countFailures(memory: Memory, verdict: Verdict, generation: number): number {
  if (verdict.kind === 'applying') return 0;
  if (!FAILURES.includes(verdict.kind)) {
    memory.failures = { kind: '', count: 0 };
    return 0;
  }
  const kind = `${verdict.kind} ${String(generation)}`;
  memory.failures = { kind, count: memory.failures.kind === kind ? memory.failures.count + 1 : 1 };
  return memory.failures.count;
}

function log({ log: logger }: ReconcilerParts, key: string, verdict: Verdict, written: boolean): void {
  switch (verdict.kind) {
    case 'in-sync':
      if (verdict.change !== undefined)
        logger.info('applied', { node: key, ...verdict.change, corrected: verdict.change.corrected.join(' ') });
      else logger.debug('in sync', { node: key });
      return;
    case 'unreachable':
      logger[written ? 'warn' : 'debug']('agent unreachable', {
        node: key,
        rung: verdict.rung,
        message: verdict.message,
      });
      return;
    case 'refused':
      logger[written ? 'warn' : 'debug']('refused', {
        node: key,
        reason: verdict.refusal.reason,
        message: verdict.refusal.message,
      });
      return;
    case 'apply-failed':
      logger.warn('apply failed', { node: key, message: verdict.message });
      return;
    default:
      logger[written ? 'info' : 'debug'](verdict.kind, { node: key });
  }
}

/** Ends an object that carries our finalizer by its deletionPolicy; without it there is nothing to do. */
async function finalize(parts: ReconcilerParts, node: WireGuardNode): Promise<Action> {
  if (!hasFinalizer(node)) return awaitChange;
  const planned = deletionPlan(node, rivalsOf(node, parts.nodes), parts.clock.now());
  if (planned.kind === 'act') {
    const done = await actOnDeletion(parts, node, planned.verb);
    if (!done) return requeueAfter(RETRY_DELETION_MS);
  } else {
    if (planned.event !== undefined) await parts.events.record(node, planned.event);
    if (planned.timedOut) parts.metrics.deletionTimedOut();
  }
  const written = await parts.writer.writeFinalizer(node, false, parts.signal);
  if (written === undefined) return requeueAfter(SOON_MS);
  parts.nodes.apply(written);
  return awaitChange;
}

async function actOnDeletion(
  parts: ReconcilerParts,
  node: WireGuardNode,
  verb: 'disable' | 'remove',
): Promise<boolean> {
  const key = keyOf(node);
  const { agentSecret } = await load(node, parts);
  const { name } = node.spec.interface;
  try {
    if (agentSecret.kind !== 'found' || !agentSecret.data.has('hmac-key'))
      throw new Error('the Secret of the agent cannot be read');
    const agent = parts.pool.get(node, agentSecret.data);
    const options = { timeoutMs: node.spec.agent.timeoutSeconds * 1000, signal: parts.signal };
    await parts.hosts.run(agentOrigin(node), () =>
      verb === 'remove' ? agent.remove(name, options) : agent.setState(name, 'disable', options),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parts.log.warn('cannot carry out the deletion policy yet', { node: key, verb, message });
    const note = `deletionPolicy ${node.spec.management.deletionPolicy} cannot be carried out yet: ${message}`;
    await parts.events.record(node, { type: 'Warning', reason: 'DeletionPending', action: 'Delete', note });
    return false;
  }
  const note =
    verb === 'remove' ? `${name} was taken down and its file removed` : `${name} was taken down; its file stays`;
  await parts.events.record(node, { type: 'Normal', reason: 'Deleted', action: 'Delete', note });
  return true;
}
