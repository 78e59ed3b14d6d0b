import { conditionOf } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { argumentOf } from './ladder.ts';

/** What is known of whether the host is as the spec says. */
export interface Comparison {
  readonly kind: 'same' | 'different' | 'unknown';
  /** In words. */
  readonly text: string;
}

/** What the controller's last comparison says; where it could not compare, or shall not, nothing is known. */
export function comparisonOf(node: WireGuardNode): Comparison {
  const { status, metadata, spec } = node;
  const next = `see kubectl wgnode status ${argumentOf(node)}`;
  if (status.observedGeneration !== metadata.generation)
    return {
      kind: 'unknown',
      text: `The host was not compared with generation ${String(metadata.generation)} yet: ${next}`,
    };
  if (spec.suspend || metadata.deletionTimestamp !== undefined)
    return {
      kind: 'unknown',
      text: `The host is not compared ${spec.suspend ? 'while spec.suspend is set' : 'any more'}: ${next}`,
    };
  const synced = conditionOf(status.conditions, 'Synced');
  const isOfNow = synced?.observedGeneration === undefined || synced.observedGeneration === metadata.generation;
  if ((status.drift ?? []).length > 0 && synced?.status === 'False') return { kind: 'different', text: synced.message };
  if (synced?.status === 'True' && isOfNow)
    return { kind: 'same', text: `${spec.interface.name} is as wanted, in file and kernel` };
  const why = conditionOf(status.conditions, 'Ready')?.message ?? 'nobody has looked';
  return { kind: 'unknown', text: `It is not known whether the host differs: ${why}; ${next}` };
}
