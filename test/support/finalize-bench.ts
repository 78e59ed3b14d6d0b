import { ManualClock } from './manual-clock.ts';
import { POLICY } from './check-input.ts';
import { MemoryDriver } from './memory-driver.ts';
import { ModelApi } from './model-api.ts';
import { nodeWith } from './node-builder.ts';
import { WIREGUARD_NODE } from '../../controller/api/kinds.ts';
import { agentOrigin, FINALIZER, keyOf } from '../../controller/api/node.ts';
import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { createNodeWriter } from '../../controller/cluster/node-writer.ts';
import { createSecretReader } from '../../controller/cluster/secrets.ts';
import type { ReleaseReason } from '../../controller/policy/deletion.ts';
import type { Hosts } from '../../controller/reconcile/hosts.ts';
import { finalize } from '../../controller/reconcile/finalize.ts';
import { createReconciler } from '../../controller/reconcile/reconciler.ts';
import { createNodeStore, objectHandler } from '../../controller/reconcile/informers.ts';
import { createLocalStates, type LocalState, newLocalState } from '../../controller/reconcile/local-state.ts';
import { createMetrics } from '../../controller/metrics.ts';
import type { Dependencies } from '../../controller/reconcile/dependencies.ts';
import type { Action } from '../../controller/runtime/action.ts';
import { createCircuits } from '../../controller/runtime/circuits.ts';
import { createQueue } from '../../controller/runtime/queue.ts';
import { createTurns } from '../../controller/runtime/turns.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');
const ignored = (): undefined => undefined;

export type Edit = (node: WireGuardNode) => void;

/** A node that was applied, carries our finalizer and is being deleted. */
export const deletedNode = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { deletionTimestamp: '2026-02-01T00:00:00Z', finalizers: [FINALIZER] });
    node.spec.management.deletionPolicy = 'Remove';
    node.status.applied = { generation: 3, url: node.spec.agent.url };
    edit(node);
  });

export const ORIGIN = agentOrigin(nodeWith());

/** Another object that was applied to the same interface. */
export const another = nodeWith((node) => {
  Object.assign(node.metadata, { name: 'another', uid: 'ffffffff-0000-4000-8000-000000000000' });
  node.status.applied = { generation: 3, url: node.spec.agent.url };
});

export class FinalizeBench {
  readonly api = new ModelApi();
  readonly host = new MemoryDriver();
  /** Credentials that a driver was opened with. */
  readonly credentials: (string | undefined)[] = [];
  /** Origins of the agents for which that was. */
  readonly opened: string[] = [];
  /** `type reason` of the events. */
  readonly told: string[] = [];
  readonly clock = new ManualClock(DELETED_MS + 1_000);
  readonly nodes = createNodeStore();
  readonly localStates = createLocalStates();
  readonly #queue = createQueue(this.clock);
  readonly hosts: Hosts = {
    turns: createTurns({ wake: ignored, nowMs: this.clock.now }),
    circuits: createCircuits({ ...{ wake: ignored, nowMs: this.clock.now }, random: () => 0, baseMs: 1, capMs: 1 }),
  };
  readonly #metrics = createMetrics({
    ...{ queue: this.#queue, nodes: this.nodes, workers: 2, version: '0', objectMetrics: false },
  });
  readonly #handler = objectHandler({
    ...{ kind: WIREGUARD_NODE, objects: this.nodes, queue: this.#queue },
    failed: () => undefined,
  });

  /** Deletes this object, which the cache and the API server hold alike. */
  async run(node: WireGuardNode): Promise<Action> {
    this.api.object ??= node;
    this.nodes.put(node);
    try {
      return await finalize(this.#dependencies(), node);
    } finally {
      this.hosts.turns.leave(keyOf(node));
    }
  }

  /** Reconciles the object that the cache and the API server hold alike, as the workers do. */
  reconcile(node: WireGuardNode): Promise<Action> {
    this.api.object ??= node;
    this.nodes.put(this.api.object);
    return createReconciler(this.#dependencies())(keyOf(node));
  }

  /** An object with this UID was looked at before. */
  remember(uid: string, parts: Partial<LocalState> = {}): void {
    this.localStates.set(keyOf(deletedNode()), { ...newLocalState(uid), driver: this.host, ...parts });
  }

  /** How many objects were let go for this reason. */
  async released(reason: ReleaseReason): Promise<number | undefined> {
    const metric = await this.#metrics.registry.getSingleMetric('wgnode_deletions_total')?.get();
    return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value;
  }

  /** `status/reason` of the condition Ready as the API server has it. */
  get ready(): string {
    const ready = this.api.object?.status.conditions.find(({ type }) => type === 'Ready');
    return `${ready?.status ?? ''}/${ready?.reason ?? ''}`;
  }

  #dependencies(): Dependencies {
    const log = { error: ignored, warn: ignored, info: ignored, debug: ignored } as unknown as Dependencies['log'];
    const { signal } = new AbortController();
    return {
      ...{ nodes: this.nodes, clock: this.clock, localStates: this.localStates, log, hosts: this.hosts },
      secrets: createSecretReader({ client: this.api, versionOf: () => undefined, signal }),
      writer: createNodeWriter({ client: this.api }),
      ...{ takeWritten: this.#handler.takeWritten, metrics: this.#metrics },
      events: {
        record: (_node, { type, reason }) => {
          this.told.push(`${type} ${reason}`);
        },
        flush: () => Promise.resolve(),
      },
      drivers: {
        open: (node, credentials) => {
          this.opened.push(agentOrigin(node));
          this.credentials.push(credentials.get('hmac-key')?.reveal());
          return this.host;
        },
        close: () => Promise.resolve(),
      },
      policy: POLICY,
      serverOffsetMs: () => 0,
      mayChange: () => true,
      ...{ random: () => 0, signal },
    };
  }
}
