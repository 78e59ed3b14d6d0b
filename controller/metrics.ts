import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { Change, Outcome } from './policy/outcome.ts';
import type { Queue } from './runtime/queue.ts';
import { monotonicNow } from './runtime/clock.ts';
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
  /** After every outcome, interim ones too; `change`: what it changed on the host. */
  readonly reconciled: (outcome: Outcome['kind'], change: Change | undefined) => void;
  readonly deletionTimedOut: () => void;
}

/** What gauges read when they are scraped. */
export interface MetricsOptions {
  readonly queue: Queue;
  readonly nodes: Store<WireGuardNode>;
  readonly workers: number;
  readonly version: string;
  readonly objectMetrics: boolean;
}

/** Every family, with its series at 0 where rate() must see the first step. */
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
    help: 'Keys that wait for a worker; priority 1 are changes, 0 resyncs',
    labelNames: ['name', 'controller', 'priority'],
    registers,
    collect() {
      this.set({ ...queueLabels, priority: '1' }, queue.depth('change'));
      this.set({ ...queueLabels, priority: '0' }, queue.depth('resync'));
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

/** A family of its own for each call; prom-client's constructors with what is always the same. */
function families(registry: Registry): {
  readonly counter: (name: string, help: string, labelNames?: string[]) => Counter;
  readonly gauge: (name: string, help: string, labelNames?: string[]) => Gauge;
  readonly histogram: (name: string, help: string, labelNames: string[]) => Histogram;
} {
  const registers = [registry];
  return {
    counter: (name, help, labelNames = []) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, labelNames = []) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name, help, labelNames) => new Histogram({ name, help, labelNames, registers, buckets: SECONDS }),
  };
}

function createObserver(registry: Registry): WorkerObserver {
  const { counter, gauge, histogram } = families(registry);
  const own = { controller: CONTROLLER };
  const queueOwn = { name: CONTROLLER, controller: CONTROLLER };
  const labels = ['controller'];
  const queueLabels = ['name', 'controller'];
  const total = counter('controller_runtime_reconcile_total', 'Reconciles by result', ['controller', 'result']);
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) total.inc({ ...own, result }, 0);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed', labels);
  const active = gauge('controller_runtime_active_workers', 'Workers at work', labels);
  const time = histogram('controller_runtime_reconcile_time_seconds', 'Length of a reconcile', labels);
  const adds = counter('workqueue_adds_total', 'Keys handed to workers', queueLabels);
  const retries = counter('workqueue_retries_total', 'Keys that come again after a failure', queueLabels);
  const waited = histogram('workqueue_queue_duration_seconds', 'How long a key waits', queueLabels);
  const worked = histogram('workqueue_work_duration_seconds', 'How long a key is worked on', queueLabels);
  const startedAt = new Map<string, number>();
  // Present from the start, so that rate() sees the first one.
  errors.inc(own, 0);
  active.set(own, 0);
  for (const family of [adds, retries]) family.inc(queueOwn, 0);
  addRunning(registry, startedAt);
  return {
    started({ key, sinceMs }) {
      startedAt.set(key, Date.now());
      active.inc(own);
      adds.inc(queueOwn);
      waited.observe(queueOwn, (monotonicNow() - sinceMs) / 1000);
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
  const { counter, histogram } = families(registry);
  const kube = counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method', 'host']);
  const calls = counter(
    'wgnode_agent_requests_total',
    'Calls of agents; outcome is ok, not_found, refused or why it is unreachable',
    ['operation', 'outcome'],
  );
  const callTime = histogram('wgnode_agent_request_seconds', 'Length of a call of an agent', ['operation']);
  const outcomes = counter('wgnode_outcomes_total', 'How reconciles ended', ['outcome']);
  const applies = counter('wgnode_applies_total', 'Changes made on hosts and read back', ['cause', 'impact']);
  const drift = counter('wgnode_drift_corrected_total', 'Fields changed on a host and put right', ['path']);
  const timedOut = counter('wgnode_deletions_timed_out_total', 'Objects let go because their host was out of reach');
  return {
    kubeAnswered: (method, code, host) => {
      kube.inc({ method, code, host });
    },
    agentCalled: (operation, outcome, seconds) => {
      calls.inc({ operation, outcome });
      callTime.observe({ operation }, seconds);
    },
    reconciled: (outcome, change) => {
      outcomes.inc({ outcome });
      if (change === undefined) return;
      applies.inc({ cause: change.cause, impact: change.impact });
      for (const path of change.corrected) drift.inc({ path });
    },
    deletionTimedOut: () => {
      timedOut.inc();
    },
  };
}
