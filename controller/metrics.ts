import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import { CONTROLLER_NAME } from './api/node.ts';
import { createObjectMetrics, type ObjectMetrics } from './object-metrics.ts';
import type { ReleaseReason } from './policy/deletion.ts';
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
  readonly reconciled: (node: WireGuardNode, outcome: Outcome, change: Change | undefined) => void;
  readonly deletionEnded: (reason: ReleaseReason) => void;
  /** A status that the API server does not take. */
  readonly statusRefused: () => void;
  /** Of the watch of this name. */
  readonly contact: (watch: string) => void;
  readonly leading: (isLeading: boolean) => void;
}

/** What gauges read when they are scraped. */
export interface MetricsOptions {
  readonly queue: Queue;
  readonly nodes: Store<WireGuardNode>;
  readonly workers: number;
  readonly version: string;
  readonly objectMetrics: boolean;
  /** How many hosts are away. */
  readonly hostsAway?: () => number;
}

/** Every family, with its series at 0 where rate() must see the first step. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges that are called totals: promtool warns of them, and nobody asks.
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);
  addGauges(registry, options);
  const objects = options.objectMetrics ? createObjectMetrics(registry, options.nodes) : undefined;
  return { registry, observer: createObserver(registry), ...createCounters(registry, objects) };
}

function addGauges(registry: Registry, { queue, nodes, workers, version, hostsAway }: MetricsOptions): void {
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
    name: 'wgnode_hosts_away',
    help: 'Hosts that did not answer when they were asked last',
    registers,
    collect() {
      this.set(hostsAway?.() ?? 0);
    },
  });
  new Gauge({
    name: 'wgnode_objects',
    help: 'WireGuardNode objects in the cache',
    registers,
    collect() {
      this.set(nodes.size());
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
  const active = gauge('controller_runtime_active_workers', 'Workers at work', labels);
  const left = gauge('wgnode_waiting_reconciles', 'Reconciles that wait for somebody, and hold no worker');
  const time = histogram('controller_runtime_reconcile_time_seconds', 'Length of a reconcile', labels);
  const adds = counter('workqueue_adds_total', 'Keys handed to workers', queueLabels);
  const retries = counter('workqueue_retries_total', 'Keys that come again after a failure', queueLabels);
  const waited = histogram('workqueue_queue_duration_seconds', 'How long a key waits', queueLabels);
  const worked = histogram('workqueue_work_duration_seconds', 'How long a key is worked on', queueLabels);
  const { failed, panicked } = errorCounters(registry);
  const startedAt = new Map<string, number>();
  // Present from the start, so that rate() sees the first one.
  active.set(own, 0);
  left.set(0);
  for (const family of [adds, retries]) family.inc(queueOwn, 0);
  addRunning(registry, startedAt);
  return {
    started({ key, sinceMs }) {
      startedAt.set(key, Date.now());
      active.inc(own);
      adds.inc(queueOwn);
      waited.observe(queueOwn, (monotonicNow() - sinceMs) / 1000);
    },
    left() {
      active.dec(own);
      left.inc();
    },
    ended({ key }, { result, durationMs, error, wasLeft }) {
      startedAt.delete(key);
      if (wasLeft) left.dec();
      else active.dec(own);
      total.inc({ ...own, result });
      if (result === 'error') {
        failed.inc(own);
        retries.inc(queueOwn);
        if (isBug(error)) panicked.inc(own);
      }
      time.observe(own, durationMs / 1000);
      worked.observe(queueOwn, durationMs / 1000);
    },
  };
}

/** What only a mistake of ours throws: what is expected to fail has a code. */
const isBug = (error: unknown): boolean => !(typeof error === 'object' && error !== null && 'code' in error);

interface ErrorCounters {
  readonly failed: Counter;
  readonly terminal: Counter;
  readonly timedOut: Counter;
  readonly panicked: Counter;
}

const errorCountersOf = new WeakMap<Registry, ErrorCounters>();

/** The families that everybody's alerts look at. */
function errorCounters(registry: Registry): ErrorCounters {
  const known = errorCountersOf.get(registry);
  if (known !== undefined) return known;
  const { counter } = families(registry);
  const name = (what: string): string => `controller_runtime_${what}_total`;
  const of = (what: string, help: string): Counter => counter(name(what), help, ['controller']);
  const made = {
    failed: of(
      'reconcile_errors',
      'Reconciles that failed: by an error of ours, or as the host could not be made as wanted',
    ),
    terminal: of('terminal_reconcile_errors', 'Reconciles that a person must mend'),
    timedOut: of('reconcile_timeouts', 'Reconciles that ended as a host did not answer in time'),
    panicked: of('reconcile_panics', 'Reconciles that ended by a mistake of the controller'),
  };
  for (const family of Object.values(made)) family.inc({ controller: CONTROLLER }, 0);
  errorCountersOf.set(registry, made);
  return made;
}

/** What an outcome counts as where alerts look. */
function countErrors({ failed, terminal, timedOut }: ErrorCounters, outcome: Outcome): void {
  const own = { controller: CONTROLLER };
  if (outcome.kind === 'unreachable' && outcome.reason === 'ConnectionTimeout') timedOut.inc(own);
  if (['unreachable', 'apply-failed', 'not-restored', 'deleting', 'moving'].includes(outcome.kind)) failed.inc(own);
  if (['refused', 'contended', 'impact-not-allowed'].includes(outcome.kind)) terminal.inc(own);
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

/** Outcomes that a host was looked at for. */
const isLook = ({ kind }: Outcome): boolean =>
  ['in-sync', 'unmoved', 'drifted', 'impact-not-allowed', 'contended', 'apply-failed', 'not-restored'].includes(kind);

const RELEASES: readonly ReleaseReason[] = ['carried_out', 'retained', 'timed_out'];

type Counters = Omit<Metrics, 'registry' | 'observer'>;

function createCounters(registry: Registry, objects: ObjectMetrics | undefined): Counters {
  return { ...callCounters(registry), ...outcomeCounters(registry, objects), ...stateGauges(registry) };
}

function callCounters(registry: Registry): Pick<Counters, 'kubeAnswered' | 'agentCalled'> {
  const { counter, histogram } = families(registry);
  const kube = counter('rest_client_requests_total', 'Requests to the API server', ['code', 'method', 'host']);
  const calls = counter(
    'wgnode_agent_requests_total',
    'Calls of agents; outcome is ok, not_found, refused or why it is unreachable',
    ['operation', 'outcome'],
  );
  const callTime = histogram('wgnode_agent_request_seconds', 'Length of a call of an agent', ['operation']);
  return {
    kubeAnswered: (method, code, host) => {
      kube.inc({ method, code, host });
    },
    agentCalled: (operation, outcome, seconds) => {
      calls.inc({ operation, outcome });
      callTime.observe({ operation }, seconds);
    },
  };
}

function outcomeCounters(
  registry: Registry,
  objects: ObjectMetrics | undefined,
): Pick<Counters, 'reconciled' | 'deletionEnded' | 'statusRefused'> {
  const { counter } = families(registry);
  const errors = errorCounters(registry);
  const outcomes = counter('wgnode_outcomes_total', 'How reconciles ended', ['outcome']);
  const applies = counter('wgnode_applies_total', 'Changes made on hosts and read back', ['cause', 'impact']);
  const drift = counter('wgnode_drift_corrected_total', 'Fields changed on a host and put right', ['path']);
  const deletions = counter('wgnode_deletions_total', 'Objects that were let go, by what became of the host', [
    'reason',
  ]);
  const refused = counter('wgnode_status_writes_refused_total', 'Statuses that the API server did not take');
  for (const reason of RELEASES) deletions.inc({ reason }, 0);
  refused.inc(0);
  return {
    reconciled: (node, outcome, change) => {
      outcomes.inc({ outcome: outcome.kind });
      countErrors(errors, outcome);
      if (isLook(outcome)) objects?.looked(node, Date.now());
      if (change === undefined) return;
      applies.inc({ cause: change.cause, impact: change.impact });
      for (const path of change.corrected) drift.inc({ path });
      if (change.corrected.length > 0) objects?.corrected(node, change.corrected.length);
    },
    deletionEnded: (reason) => {
      deletions.inc({ reason });
    },
    statusRefused: () => {
      refused.inc();
    },
  };
}

function stateGauges(registry: Registry): Pick<Counters, 'contact' | 'leading'> {
  const { gauge } = families(registry);
  const contacts = gauge('wgnode_watch_last_contact_timestamp_seconds', 'Last answer or event of a watch', ['watch']);
  const leader = gauge('leader_election_master_status', 'Whether this controller leads', ['name']);
  leader.set({ name: CONTROLLER_NAME }, 0);
  return {
    contact: (watch) => {
      contacts.set({ watch }, Date.now() / 1000);
    },
    leading: (isLeading) => {
      leader.set({ name: CONTROLLER_NAME }, isLeading ? 1 : 0);
    },
  };
}
