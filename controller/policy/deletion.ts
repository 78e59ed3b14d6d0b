import { FINALIZER } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { NodeEvent } from './events.ts';

/** Whether the object shall carry our finalizer: only while its deletion would do something on the host. */
export const wantsFinalizer = ({ spec }: WireGuardNode): boolean => spec.management.deletionPolicy !== 'Retain';

/** Whether the object carries our finalizer. */
export const hasFinalizer = ({ metadata }: WireGuardNode): boolean => metadata.finalizers?.includes(FINALIZER) === true;

/** What the deletion of an object does. */
export type DeletionPlan =
  /** Let the object go; the host stays as it is. */
  | { readonly kind: 'release'; readonly event: NodeEvent }
  /** Act on the host first. */
  | { readonly kind: 'act'; readonly verb: 'disable' | 'remove' };

const retained = (note: string): DeletionPlan => ({
  kind: 'release',
  event: { type: 'Normal', reason: 'Retained', action: 'Delete', note: `The host is left as it is: ${note}` },
});

/** What the deletion of an object that carries our finalizer does: only to a host on which this object itself was applied. */
export function deletionPlan(node: WireGuardNode, conflicting: readonly WireGuardNode[]): DeletionPlan {
  const { deletionPolicy, mode } = node.spec.management;
  const { applied } = node.status;
  if (deletionPolicy === 'Retain') return retained('deletionPolicy is Retain');
  if (mode === 'Observe') return retained('management.mode is Observe');
  if (node.spec.suspend) return retained('spec.suspend is set');
  if (applied === undefined) return retained('nothing was ever applied');
  if (applied.url !== node.spec.agent.url)
    return retained(`spec.agent.url was changed, and nothing was applied to ${node.spec.agent.url}`);
  if (conflicting.length > 0) return retained('another object owns the interface now');
  return { kind: 'act', verb: deletionPolicy === 'Remove' ? 'remove' : 'disable' };
}

/** What is said of a deletion that did not work this time, and whether the host was waited for long enough. */
export function deletionTimedOut(
  node: WireGuardNode,
  nowMs: number,
  why: string,
): { isOver: boolean; event: NodeEvent } {
  const { deletionPolicy, deletionTimeoutSeconds } = node.spec.management;
  const isOver = nowMs - Date.parse(node.metadata.deletionTimestamp ?? '') >= deletionTimeoutSeconds * 1000;
  const note = isOver
    ? `deletionPolicy ${deletionPolicy} could not be carried out within ${String(deletionTimeoutSeconds)} s, the host is left as it is: ${why}`
    : `deletionPolicy ${deletionPolicy} cannot be carried out yet: ${why}`;
  return {
    isOver,
    event: { type: 'Warning', reason: isOver ? 'DeletionTimedOut' : 'DeletionPending', action: 'Delete', note },
  };
}
