import { conditionOf } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { isAwayError } from '../cluster/kube-client.ts';
import { readNode } from './cluster.ts';
import type { Session } from './session.ts';
import { argumentOf, cureOf } from './ladder.ts';
import { titleOf } from './views.ts';

/** What is waited for. */
export interface Wanted {
  /** As it was when it was changed. */
  readonly node: WireGuardNode;
  /** Of the request that must be answered; undefined = only the generation counts. */
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

const LOOK_MS = 250;
/** Reasons with which an object rests, Ready or not. */
const RESTING: ReadonlySet<string> = new Set(['Suspended', 'Conflict', 'Contended']);

/** Waits until the controller has answered, saying what for; 0 = it is as wanted then. */
export async function untilReconciled(session: Session, { node, token, timeoutMs }: Wanted): Promise<number> {
  const { cluster, terminal, signal } = session;
  const { name, generation } = node.metadata;
  const endMs = terminal.nowMs() + timeoutMs;
  let told = '';
  for (;;) {
    const now = await readNode(cluster, name).catch((error: unknown) => {
      if (isAwayError(error)) return undefined;
      throw error;
    });
    const answer =
      now === undefined ? { done: false, text: 'the API server is away' } : answerOf(now, { generation, token });
    if (answer.text !== told) terminal.remark(`  ${titleOf(node)}: ${answer.text}\n`);
    told = answer.text;
    if (answer.done && now !== undefined) return ended(session, now);
    if (signal.aborted) return 130;
    if (terminal.nowMs() > endMs) {
      terminal.remark(`✘ ${titleOf(node)}: no answer in time; next: kubectl wgnode status ${argumentOf(node)}\n`);
      return 1;
    }
    await terminal.pause(LOOK_MS, signal);
  }
}

function answerOf(
  { status }: WireGuardNode,
  { generation, token }: { readonly generation: number; readonly token: string | undefined },
): { readonly done: boolean; readonly text: string } {
  const ready = conditionOf(status.conditions, 'Ready');
  const reconciling = conditionOf(status.conditions, 'Reconciling')?.status === 'True';
  const text = `${ready?.reason ?? 'Pending'}: ${ready?.message ?? 'waiting for the controller'}`;
  if (status.observedGeneration < generation) return { done: false, text: 'waiting for the controller to look at it' };
  if (token !== undefined && status.lastHandledReconcileRequest !== token)
    return { done: false, text: 'waiting for the answer to this request' };
  const isSettled = ready?.status !== 'Unknown' && !reconciling;
  return { done: isSettled, text };
}

function ended({ terminal }: Session, node: WireGuardNode): number {
  const ready = conditionOf(node.status.conditions, 'Ready');
  const isSuspended = node.spec.suspend && conditionOf(node.status.conditions, 'Suspended')?.status === 'True';
  if (ready?.status === 'True' || isSuspended) {
    terminal.remark(`✔ ${titleOf(node)} is ${isSuspended ? 'Suspended' : (ready?.reason ?? '')}\n`);
    return 0;
  }
  const reason = ready?.reason ?? '';
  const cure = RESTING.has(reason) ? '' : ` what to do: ${cureOf(reason, node)}`;
  terminal.remark(`✘ ${titleOf(node)} is ${reason}.${cure} next: kubectl wgnode status ${argumentOf(node)}\n`);
  return 1;
}
