import { conditionOf } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { isAwayError } from '../cluster/kube-client.ts';
import { readNode } from './cluster.ts';
import { argumentOf, cureOf } from './ladder.ts';
import type { Session } from './session.ts';
import { titleOf } from './views.ts';

/** What is waited for. */
export interface Wanted {
  /** As it was when it was changed. */
  readonly node: WireGuardNode;
  /** Of the request that must be answered; undefined = only the generation counts. */
  readonly token: string | undefined;
  /** Whether the object is as it was asked for, once the controller has answered. */
  readonly isReached: (node: WireGuardNode) => boolean;
  readonly timeoutMs: number;
}

/** How far it is. `rests`: the controller has answered, and goes on by itself no more, or tries what did not work. */
export interface Progress {
  readonly kind: 'waits' | 'reached' | 'rests';
  /** In words. */
  readonly text: string;
}

const LOOK_MS = 500;

const isTrue = ({ status }: WireGuardNode, type: Parameters<typeof conditionOf>[1]): boolean =>
  conditionOf(status.conditions, type)?.status === 'True';

/** Ready at the present generation. */
export const isReady = (node: WireGuardNode): boolean => isTrue(node, 'Ready') && !isSuspended(node);
/** Ready, and the host is as the spec says. */
export const isSynced = (node: WireGuardNode): boolean => isReady(node) && isTrue(node, 'Synced');
/** The controller has seen that it shall be left alone. */
export const isSuspended = (node: WireGuardNode): boolean => node.spec.suspend && isTrue(node, 'Suspended');

/** How far an object is on the way to what was asked for. */
export function progressOf(
  node: WireGuardNode,
  { node: before, token, isReached }: Omit<Wanted, 'timeoutMs'>,
): Progress {
  const { status } = node;
  const ready = conditionOf(status.conditions, 'Ready');
  const text = `${ready?.reason ?? 'Pending'}: ${ready?.message ?? 'waiting for the controller'}`;
  if (status.observedGeneration < before.metadata.generation)
    return { kind: 'waits', text: 'waiting for the controller to look at it' };
  // A suspended object answers no request.
  if (isSuspended(node))
    return { kind: isReached(node) ? 'reached' : 'rests', text: 'Suspended: nothing is sent to the host' };
  if (token !== undefined && status.lastHandledReconcileRequest !== token)
    return { kind: 'waits', text: 'waiting for the answer to this request' };
  if (isReached(node)) return { kind: 'reached', text };
  if (isTrue(node, 'Stalled') || ready?.status === 'True') return { kind: 'rests', text };
  const isUnderWay = ['Applying', 'Pending', 'Queued'].includes(ready?.reason ?? '');
  // Who asked for a look has had it; who asked for a state waits while the controller still tries.
  return { kind: token !== undefined && !isUnderWay ? 'rests' : 'waits', text };
}

/** Waits until the controller has answered, saying what for; 0 = it is as wanted then. */
export async function untilReached(session: Session, wanted: Wanted): Promise<number> {
  const { cluster, terminal, signal } = session;
  const { name } = wanted.node.metadata;
  const endMs = terminal.nowMs() + wanted.timeoutMs;
  let told = '';
  for (;;) {
    const now = await readNode(cluster, name).catch((error: unknown) => {
      if (isAwayError(error) && !signal.aborted) return undefined;
      throw error;
    });
    const { kind, text } = now === undefined ? AWAY : progressOf(now, wanted);
    if (text !== told && kind !== 'reached') terminal.remark(`  ${titleOf(wanted.node)}: ${text}\n`);
    told = text;
    if (now !== undefined && kind !== 'waits') return ended(session, now, kind === 'reached');
    if (signal.aborted) return 130;
    if (terminal.nowMs() > endMs) {
      terminal.remark(
        `✘ ${titleOf(wanted.node)}: not in time; next: kubectl wgnode status ${argumentOf(wanted.node)}\n`,
      );
      return 1;
    }
    await terminal.pause(LOOK_MS, signal);
  }
}

const AWAY: Progress = { kind: 'waits', text: 'the API server is away' };

function ended({ terminal }: Session, node: WireGuardNode, isReached: boolean): number {
  const reason = isSuspended(node) ? 'Suspended' : (conditionOf(node.status.conditions, 'Ready')?.reason ?? 'Pending');
  if (isReached) {
    terminal.remark(`✔ ${titleOf(node)} is ${reason}\n`);
    return 0;
  }
  const cure = cureOf(reason, node);
  terminal.remark(`✘ ${titleOf(node)} is ${reason}${cure === '' ? '' : `. What to do: ${cure}`}\n`);
  terminal.remark(`  next: kubectl wgnode status ${argumentOf(node)}\n`);
  return 1;
}
