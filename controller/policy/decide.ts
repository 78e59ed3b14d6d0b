import { conditionOf } from '../api/conditions.ts';
import { isSameAgent, RECONCILE_REQUEST, tokenOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { type Correction, contendedPath } from './contention.ts';
import type { Desired } from './desired.ts';
import type { Difference } from './differences.ts';

/** Why a change is made; goes into `status.applied.cause`. */
export type Cause = 'Created' | 'SpecChanged' | 'SecretChanged' | 'DriftCorrected';

/** What to do about the differences. */
export type Decision =
  | { readonly kind: 'nothing' }
  /** Send the whole wanted interface; without a difference it only tells the host whose the interface is. */
  | { readonly kind: 'apply'; readonly cause: Cause }
  /** Ask the agent what it would do; change nothing. */
  | { readonly kind: 'report' }
  /** Somebody else keeps changing this field back. */
  | { readonly kind: 'contended'; readonly path: string };

/** What a decision is made from. */
export interface DecisionInput {
  readonly node: WireGuardNode;
  readonly desired: Desired;
  readonly corrections: readonly Correction[];
  /** The host knows that the interface is this object's, or cannot remember such a thing. */
  readonly isRecorded: boolean;
  readonly nowMs: number;
}

/** Why the wanted state is not the one of the last apply; DriftCorrected when it is. */
export function causeOf({ spec, status }: WireGuardNode, desired: Desired): Cause {
  const { applied } = status;
  if (applied?.specHash === undefined || !isSameAgent(applied.url, spec.agent.url)) return 'Created';
  if (applied.specHash !== desired.specHash) return 'SpecChanged';
  return applied.publicKey === desired.publicKey ? 'DriftCorrected' : 'SecretChanged';
}

/** The token of a reconcile request that was not handled yet, or undefined. */
export function openRequest({ metadata, status }: WireGuardNode): string | undefined {
  const token = tokenOf(metadata.annotations?.[RECONCILE_REQUEST]);
  return token === undefined || token === status.lastHandledReconcileRequest ? undefined : token;
}

/** What to do about the differences between what is desired and what was observed. */
export function decide(
  { node, desired, corrections, nowMs, isRecorded }: DecisionInput,
  differences: readonly Difference[],
): Decision {
  const isObserving = node.spec.management.mode === 'Observe';
  const cause = causeOf(node, desired);
  if (differences.length === 0) return isObserving || isRecorded ? { kind: 'nothing' } : { kind: 'apply', cause };
  if (isObserving) return { kind: 'report' };
  if (cause !== 'DriftCorrected' || openRequest(node) !== undefined) return { kind: 'apply', cause };
  const paths = differences.map(({ path }) => path);
  const path = contendedBefore(node, paths) ?? contendedPath(corrections, paths, nowMs);
  return path === undefined ? { kind: 'apply', cause } : { kind: 'contended', path };
}

/** The field over which an earlier reconcile of this generation gave up; status remembers it over a restart. */
function contendedBefore({ metadata, status }: WireGuardNode, paths: readonly string[]): string | undefined {
  const contended = conditionOf(status.conditions, 'Contended');
  if (contended?.observedGeneration !== metadata.generation) return undefined;
  return paths.find((path) => contended.message.startsWith(`${path} `)) ?? paths[0];
}
