import type { Condition, WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { nodeWith } from './node-builder.ts';
import { NOW_MS } from './observed-host.ts';

/** A condition that was judged a while ago, at generation 3. */
export const condition = (type: string, status: Condition['status'], reason: string, ageMs = 60_000): Condition => ({
  ...{ type, status, reason, message: 'as it was', observedGeneration: 3 },
  lastTransitionTime: new Date(NOW_MS - ageMs).toISOString(),
});

/** A node that was in sync a minute ago, at this generation; its own one is 3. */
export const inSyncAt = (observedGeneration: number): WireGuardNode =>
  nodeWith(({ status }) => {
    status.observedGeneration = observedGeneration;
    status.conditions = [
      condition('Ready', 'True', 'InSync'),
      condition('Reachable', 'True', 'Connected'),
      condition('Synced', 'True', 'InSync'),
    ].map((each) => ({ ...each, observedGeneration }));
  });

/** A node whose host was lost so long ago. */
export const lostFor = (ageMs: number): WireGuardNode =>
  nodeWith(({ status }) => {
    status.conditions = [condition('Reachable', 'False', 'ConnectionRefused', ageMs)];
  });
