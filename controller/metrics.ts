import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { Verdict } from './reconcile/verdict.ts';
import type { Queue } from './runtime/queue.ts';
import type { Store } from './runtime/store.ts';
import type { WorkerObserver } from './runtime/workers.ts';

const CONTROLLER = 'wireguardnode';
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Everything that the controller counts. controller-runtime's names stand unchanged, because existing dashboards ask for them. */
export interface Metrics {
  readonly registry: Registry;
  readonly observer: WorkerObserver;
  /** For rest_client_requests_total. */
  readonly kubeAnswered: (method: string, code: string, host: string) => void;
  readonly agentCalled: (operation: string, outcome: string, seconds: number) => void;
  readonly judged: (verdict: Verdict) => void;
  readonly deletionTimedOut: () => void;
}

export interface MetricsOptions {
  readonly queue: Queue;
  readonly nodes: Store<WireGuardNode>;
  readonly workers: number;
  readonly version: string;
  readonly objectMetrics: boolean;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addGauges(registry, options);
  return { registry, observer: createObserver(registry), ...createCounters(registry) };
}

function addGauges(registry: Registry, { queue, nodes, workers, version, objectMetrics }: MetricsOptions): void {
  const registers = [registry];
  const queueLabels = { name: CONTROLLER, controller: CONTROLLER };
  new Gauge({
    name: 'workqueue_depth',
    help: 'Keys that wait for a worker; priority 1 are edits, 0 periodic checks',
    labelNames: ['name', 'controller', 'priority'],
    registers,
    collect() {
      this.set({ ...queueLabels, priority: '1' }, queue.depth('edit'));
      this.set({ ...queueLabels, priority: '0' }, queue.depth('check'));
    },
  });
  new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Workers',
    labelNames: ['controller'],
    registers,
  }).set({ controller: CONTROLLER }, workers);
  new Gauge({
    name: 'wgnode_build_info',
    help: 'Version of the controller; always 1',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  new Gauge({
    name: 'wgnode_objects',
    help: 'WireGuardNode objects in the cache',
    registers,
    collect() {
      this.set(nodes.size());
    },
  });
  if (!objectMetrics) return;
  new Gauge({
    name: 'wgnode_condition',
    help: 'Conditions of every object; 1 for the status that it has',
    labelNames: ['namespace', 'name', 'type', 'status'],
    registers,
    collect() {
      this.reset();
      for (const node of nodes.keys().flatMap((key) => nodes.get(key) ?? [])) {
        const { namespace, name } = node.metadata;
        for (const { type, status } of node.status.conditions) this.set({ namespace, name, type, status }, 1);
      }
    },
  });
}

function createObserver(registry: Registry): WorkerObserver {
  const registers = [registry];
  const own = { controller: CONTROLLER };
  const queueOwn = { name: CONTROLLER, controller: CONTROLLER };
  const queueLabels = ['name', 'controller'];
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result',
    labelNames: ['controller', 'result'],
    registers,
  });
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) total.inc({ ...own, result }, 0);
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed',
    labelNames: ['controller'],
    registers,
  });
  errors.inc(own, 0);
  const active = new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Workers at work',
    labelNames: ['controller'],
    registers,
  });
  active.set(own, 0);
  const time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Length of a reconcile',
    labelNames: ['controller'],
    buckets: SECONDS,
    registers,
  });
  const adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys handed to workers',
    labelNames: queueLabels,
    registers,
  });
  adds.inc(queueOwn, 0);
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys that come again after a failure',
    labelNames: queueLabels,
    registers,
  });
  retries.inc(queueOwn, 0);
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waits',
    labelNames: queueLabels,
    buckets: SECONDS,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long a key is worked on',
    labelNames: queueLabels,
    buckets: SECONDS,
    registers,
  });
  const startedAt = new Map<string, number>();
  addRunning(registry, startedAt);
  return {
    started({ key, sinceMs }) {
      startedAt.set(key, Date.now());
      active.inc(own);
      adds.inc(queueOwn);
      waited.observe(queueOwn, (Date.now() - sinceMs) / 1000);
    },
    ended({ key }, result, durationMs) {
      startedAt.delete(key);
      active.dec(own);
      total.inc({ ...own, result });
      if (result === 'error') {
        errors.inc(own);
        retries.inc(queueOwn);
      }
      time.observe(own, durationMs / 1000);
      worked.observe(queueOwn, durationMs / 1000);
    },
  };
}

function addRunning(registry: Registry, startedAt: ReadonlyMap<string, number>): void {
  const registers = [registry];
  const own = { name: CONTROLLER, controller: CONTROLLER };
  const labelNames = ['name', 'controller'];
  const ages = (): number[] => [...startedAt.values()].map((since) => (Date.now() - since) / 1000);
  new Gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: 'Work under way, summed',
    labelNames,
    registers,
    collect() {
      this.set(
        own,
        ages().reduce((sum, age) => sum + age, 0),
      );
    },
  });
  new Gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: 'The longest work under way',
    labelNames,
    registers,
    collect() {
      this.set(own, Math.max(0, ...ages()));
    },
  });
}

function createCounters(registry: Registry): Omit<Metrics, 'registry' | 'observer'> {
  const registers = [registry];
  const kube = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  const calls = new Counter({
    name: 'wgnode_agent_requests_total',
    help: 'Calls of agents; outcome is ok, a rung or the code of the agent',
    labelNames: ['operation', 'outcome'],
    registers,
  });
  const callTime = new Histogram({
    name: 'wgnode_agent_request_seconds',
    help: 'Length of a call of an agent',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers,
  });
  const verdicts = new Counter({
    name: 'wgnode_verdicts_total',
    help: 'How reconciles ended',
    labelNames: ['verdict'],
    registers,
  });
  const applies = new Counter({
    name: 'wgnode_applies_total',
    help: 'Changes made on hosts and read back',
    labelNames: ['cause', 'impact'],
    registers,
  });
  const drift = new Counter({
    name: 'wgnode_drift_corrected_total',
    help: 'Fields that were changed on a host and put right',
    labelNames: ['path'],
    registers,
  });
  const timedOut = new Counter({
    name: 'wgnode_deletions_timed_out_total',
    help: 'Objects let go because their host could not be reached',
    registers,
  });
  return {
    kubeAnswered: (method, code, host) => {
      kube.inc({ method, code, host });
    },
    agentCalled: (operation, outcome, seconds) => {
      calls.inc({ operation, outcome });
      callTime.observe({ operation }, seconds);
    },
    judged: (verdict) => {
      verdicts.inc({ verdict: verdict.kind });
      if (verdict.kind === 'in-sync' && verdict.change !== undefined)
        applies.inc({ cause: verdict.change.cause, impact: verdict.change.impact });
      for (const path of verdict.kind === 'in-sync' ? (verdict.change?.corrected ?? []) : []) drift.inc({ path });
    },
    deletionTimedOut: () => {
      timedOut.inc();
    },
  };
}
