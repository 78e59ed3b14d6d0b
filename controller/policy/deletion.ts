import { FINALIZER, isSameAgent } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { isClaiming, wasApplied } from './claims.ts';
import type { NodeEvent } from './events.ts';

/** Whether the object shall carry our finalizer: only while its deletion would do something on the host. */
export const wantsFinalizer = ({ spec }: WireGuardNode): boolean => spec.management.deletionPolicy !== 'Retain';

/** Whether the object carries our finalizer. */
export const hasFinalizer = ({ metadata }: WireGuardNode): boolean => metadata.finalizers?.includes(FINALIZER) === true;

/** Why an object is let go; a word for metrics. */
export type ReleaseReason = 'carried_out' | 'retained' | 'timed_out';

/** That an object is let go, and how that is told. */
export interface Release {
  readonly reason: ReleaseReason;
  /** Nobody has to look after the host. */
  readonly isClean: boolean;
  readonly event: NodeEvent;
}

/** A host that may have an interface of the object. `isProven`: it was applied there; else a change was sent, and no answer came. */
export interface Place {
  readonly url: string;
  readonly isProven: boolean;
}

/** The hosts that the object has to leave, in order. */
export function placesOf({ status: { applied } }: WireGuardNode, sentTo: string | undefined): Place[] {
  const proven = applied?.url === undefined ? [] : [{ url: applied.url, isProven: true }];
  const isAlsoSent = sentTo !== undefined && !isSameAgent(applied?.url, sentTo);
  return isAlsoSent ? [{ url: sentTo, isProven: false }, ...proven] : proven;
}

/** What the deletion of an object does. */
export type DeletionPlan =
  /** Let the object go; the host stays as it is. */
  | { readonly kind: 'release'; readonly release: Release }
  /** Act on the host first. */
  | { readonly kind: 'act'; readonly verb: 'disable' | 'remove' };

const retained = (note: string): Release => ({
  reason: 'retained',
  isClean: true,
  event: { type: 'Normal', reason: 'Retained', action: 'Delete', note: `The host is left as it is: ${note}` },
});

/**
 * What the deletion of an object that carries our finalizer does: only to a host on which this object itself was applied. `place`: the
 * host that is left, undefined = there is none; `conflicting`: who else names the interface there.
 */
export function deletionPlan(
  node: WireGuardNode,
  place: Place | undefined,
  conflicting: readonly WireGuardNode[],
): DeletionPlan {
  const { deletionPolicy, mode } = node.spec.management;
  const release = (note: string): DeletionPlan => ({ kind: 'release', release: retained(note) });
  if (deletionPolicy === 'Retain') return release('deletionPolicy is Retain');
  if (mode === 'Observe') return release('management.mode is Observe');
  if (node.spec.suspend) return release('spec.suspend is set');
  if (place === undefined) return release('nothing was ever applied');
  if (conflicting.some((other) => isClaiming(other) && wasApplied(other))) return release(ANOTHER_OWNS_IT);
  return { kind: 'act', verb: deletionPolicy === 'Remove' ? 'remove' : 'disable' };
}

const ANOTHER_OWNS_IT = 'another object owns the interface now';

/** Until when the host is waited for, Unix ms by the clock of the API server. */
export const deadlineMsOf = ({ metadata, spec }: WireGuardNode): number =>
  Date.parse(metadata.deletionTimestamp ?? '') + spec.management.deletionTimeoutSeconds * 1000;

/** How the attempts on a host ended. */
export type LeaveResult =
  | { readonly kind: 'done'; readonly node: WireGuardNode; readonly verb: 'disable' | 'remove' }
  | { readonly kind: 'not-ours'; readonly node: WireGuardNode }
  | { readonly kind: 'timed-out'; readonly node: WireGuardNode; readonly why: string };

/** How an object is let go after its host was asked. */
export function releaseAfter(result: LeaveResult): Release {
  const { spec } = result.node;
  const { name } = spec.interface;
  switch (result.kind) {
    case 'done': {
      const note = result.verb === 'remove' ? `${name} and its file are removed` : `${name} is down`;
      const event: NodeEvent = { type: 'Normal', reason: 'Deleted', action: 'Delete', note };
      return { reason: 'carried_out', isClean: true, event };
    }
    case 'not-ours':
      return retained(ANOTHER_OWNS_IT);
    case 'timed-out': {
      const { deletionPolicy, deletionTimeoutSeconds } = spec.management;
      const note = `deletionPolicy ${deletionPolicy} could not be carried out within ${String(deletionTimeoutSeconds)} s, the host is left as it is: ${result.why}`;
      const event: NodeEvent = { type: 'Warning', reason: 'DeletionTimedOut', action: 'Delete', note };
      return { reason: 'timed_out', isClean: false, event };
    }
  }
}
