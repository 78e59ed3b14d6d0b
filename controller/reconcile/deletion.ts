import { FINALIZER } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { NodeEvent } from './events.ts';

/** Whether the object shall carry our finalizer: only while its deletion would do something on the host. */
export const wantsFinalizer = ({ spec }: WireGuardNode): boolean => spec.management.deletionPolicy !== 'Retain';

export const hasFinalizer = ({ metadata }: WireGuardNode): boolean => metadata.finalizers?.includes(FINALIZER) === true;

export type DeletionPlan =
  /** Let the object go; the host stays as it is. */
  | { readonly kind: 'release'; readonly event: NodeEvent | undefined; readonly timedOut: boolean }
  /** Act on the host first. */
  | { readonly kind: 'act'; readonly verb: 'disable' | 'remove' };

const retained = (note: string): DeletionPlan => ({
  kind: 'release',
  event: { type: 'Normal', reason: 'Retained', action: 'Delete', note: `The host is left as it is: ${note}` },
  timedOut: false,
});

/** What the deletion of an object that carries our finalizer does. */
export function deletionPlan(node: WireGuardNode, rivals: readonly WireGuardNode[], nowMs: number): DeletionPlan {
  const { deletionPolicy, deletionTimeoutSeconds, mode } = node.spec.management;
  if (deletionPolicy === 'Retain') return retained('deletionPolicy is Retain');
  if (mode === 'Observe') return retained('management.mode is Observe');
  if (node.spec.suspend) return retained('spec.suspend is set');
  if (node.status.applied === undefined) return retained('nothing was ever applied');
  if (rivals.length > 0) return retained('another object owns the interface now');
  const waitedMs = nowMs - Date.parse(node.metadata.deletionTimestamp ?? '');
  if (waitedMs > deletionTimeoutSeconds * 1000) {
    const note = `deletionPolicy ${deletionPolicy} could not be carried out within ${String(deletionTimeoutSeconds)} s; the host is left as it is`;
    return {
      kind: 'release',
      event: { type: 'Warning', reason: 'DeletionTimedOut', action: 'Delete', note },
      timedOut: true,
    };
  }
  return { kind: 'act', verb: deletionPolicy === 'Remove' ? 'remove' : 'disable' };
}
