import type { ClientPool } from './agents/client-pool.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { EventRecorder } from './cluster/events.ts';
import type { KubeClient } from './cluster/kube-client.ts';
import type { NodeWriter } from './cluster/node-writer.ts';
import type { Logger } from './log.ts';
import type { Memories } from './memory.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './reconcile/input.ts';
import type { Clock } from './runtime/clock.ts';
import type { KeyLock } from './runtime/key-lock.ts';
import type { Store } from './runtime/store.ts';

/** Everything that a reconcile works with, put together in main.ts. */
export interface ReconcilerParts {
  readonly client: KubeClient;
  readonly nodes: Store<WireGuardNode>;
  /** Takes the answers to our own writes into the cache, and wakes the object if they hold more than we wrote. */
  readonly takeWritten: (node: WireGuardNode) => void;
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
