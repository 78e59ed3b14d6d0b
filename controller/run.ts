import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import { expositionOf } from '../agent/protocol/exposition.ts';
import { reasonOf } from '../agent/protocol/failure-text.ts';
import { WIREGUARD_NODE } from './api/kinds.ts';
import { createEventRecorder } from './cluster/events.ts';
import { gated, isApiAway, minding } from './cluster/gated-client.ts';
import { createKubeClient, type KubeClient } from './cluster/kube-client.ts';
import { createLeaseStore } from './cluster/lease.ts';
import { createNodeWriter } from './cluster/node-writer.ts';
import { readClusterId } from './cluster/read-cluster-id.ts';
import { createSecretReader } from './cluster/secrets.ts';
import { createUrlGuard } from './drivers/http/url-guard.ts';
import { createDrivers } from './drivers/drivers.ts';
import { createHealth, type Health } from './health.ts';
import { type Asked, type Page, servePages, textPage } from './http-server.ts';
import type { Logger } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { Dependencies } from './reconcile/dependencies.ts';
import { createHosts, groupsByHost } from './reconcile/hosts.ts';
import { createNodeStore, type Informers, startInformers } from './reconcile/informers.ts';
import { createLocalStates } from './reconcile/local-state.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { createBackoff } from './runtime/backoff.ts';
import { targetsPage } from './agent-targets.ts';
import { type Clock, monotonicNow, pause, systemClock } from './runtime/clock.ts';
import { createGate, type Gate } from './runtime/gate.ts';
import { keepMemoryLow } from './runtime/idle-memory.ts';
import { awaitLeadership, type Term } from './runtime/leader.ts';
import { createQueue, type Queue } from './runtime/queue.ts';
import { runWorkers, type WorkerObserver } from './runtime/workers.ts';
import { type Settings, SettingsError } from './settings.ts';

const GRACE_MS = 10_000;
/** Delays and deadlines must not jump with the wall clock. */
const steadyClock: Clock = { ...systemClock, now: monotonicNow };
const { random } = Math;

/** What main.ts gives. */
export interface RunOptions {
  readonly log: Logger;
  readonly version: string;
}

/** Runs until a signal, or until the Lease is lost; the exit code. */
export async function run(settings: Settings, { log, version }: RunOptions): Promise<number> {
  const stopping = new AbortController();
  const abandoned = new AbortController();
  const nodes = createNodeStore();
  const queue = createQueue(steadyClock, groupsByHost(nodes));
  const hosts = createHosts(queue, random);
  const { workers: count, objectMetrics } = settings;
  const metrics = createMetrics({
    ...{ queue, nodes, version, objectMetrics },
    workers: count,
    hostsAway: hosts.circuits.open,
  });
  keepMemoryLow({ queue, clock: steadyClock, signal: stopping.signal });
  const client = await createKubeClient({ loadConfig: () => loadKubeConfig(settings), answered: metrics.kubeAnswered });
  const gate = createGate({ nowMs: monotonicNow, random, baseMs: 250, capMs: 2_000 });
  const informers = watch(settings, { client, nodes, queue, log, metrics, gate, signal: stopping.signal });
  await serve(settings, { registry: metrics.registry, nodes, health: informers.health, log });
  log.info('started', { version, metrics: settings.metrics.port, health: settings.health.port });

  const stopped = stopSignal(log).then(() => {
    stopping.abort();
  });
  const term = await lead(settings, { client, log, signal: stopping.signal });
  if (term === undefined) {
    await Promise.all([informers.ended, client.close()]);
    return 0;
  }
  metrics.leading(true);
  const parts = { client, nodes, hosts, metrics, log, informers, gate, term, signal: abandoned.signal };
  const dependencies = await compose(settings, parts);
  const workers = work({ queue, gate, count, observer: withLog(metrics, log) }, dependencies);
  const isLost = await isLeaseLost(stopped, { term, log });
  metrics.leading(false);
  stopping.abort();
  queue.shutDown();
  const grace = setTimeout(
    () => {
      abandoned.abort();
    },
    isLost ? 0 : GRACE_MS,
  );
  await Promise.all([workers, informers.ended]);
  await dependencies.events.flush();
  clearTimeout(grace);
  if (!isLost) await term.release().catch(() => undefined);
  await Promise.all([dependencies.drivers.close(), client.close()]);
  log.info('stopped');
  return isLost ? 1 : 0;
}

/** Resolves when the work is over: true = the Lease is lost, false = a signal came. */
async function isLeaseLost(stopped: Promise<void>, { term, log }: Pick<Parts, 'term' | 'log'>): Promise<boolean> {
  const isLost = await Promise.race([stopped.then(() => false), term.ended]);
  if (isLost) log.error('the Lease is lost: somebody else may lead by now, so nothing is done any more');
  return isLost;
}

function loadKubeConfig({ kubeconfig }: Settings): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new SettingsError(
      `Cannot read the kubeconfig ${kubeconfig ?? process.env['KUBECONFIG'] ?? '~/.kube/config'}: ${reasonOf(error)}`,
    );
  }
  return config;
}

interface Watching {
  readonly client: KubeClient;
  readonly nodes: ReturnType<typeof createNodeStore>;
  readonly queue: Queue;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

/** The watches, which run whether we lead or not, and what they say of our health. */
function watch(settings: Settings, { metrics, gate, ...watching }: Watching): Informers & { readonly health: Health } {
  const parts: { informers?: Informers } = {};
  const health = createHealth({
    clock: steadyClock,
    missing: () => parts.informers?.missing() ?? [WIREGUARD_NODE.plural],
  });
  const informers = startInformers({
    ...watching,
    namespaces: settings.watchNamespaces,
    selector: settings.selector,
    watchSecrets: settings.watchSecrets,
    clock: steadyClock,
    random,
    contact: (name, isGood) => {
      health.contact(name, isGood);
      if (!isGood) return;
      metrics.contact(name);
      // Who hears from it first tells all who wait.
      gate.answered();
    },
  });
  parts.informers = informers;
  return { ...informers, health };
}

/** Without an election whoever runs leads, for ever. */
const ALONE: Term = {
  number: 0,
  isSafe: () => true,
  ended: new Promise(() => undefined),
  release: () => Promise.resolve(),
};

async function lead(
  { election }: Settings,
  { client, log, signal }: Pick<Watching, 'client' | 'log' | 'signal'>,
): Promise<Term | undefined> {
  if (election === undefined) return ALONE;
  const { name, namespace, ...times } = election;
  const identity = `${hostname()}_${randomUUID()}`;
  log.info('waits for the Lease', { name, namespace, identity });
  const term = await awaitLeadership({
    ...times,
    ...{ identity, random, signal, clock: steadyClock, wallNowMs: Date.now },
    store: createLeaseStore(client, { namespace, name }),
    failed: (error) => {
      log.warn('cannot read or renew the Lease; trying again', { error: textOf(error) });
    },
  });
  if (term !== undefined) log.info('leads', { term: term.number });
  return term;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Parts extends Omit<Watching, 'queue'> {
  readonly hosts: Dependencies['hosts'];
  readonly informers: Informers;
  readonly term: Term;
}

/** Everything that a reconcile works with. */
async function compose(settings: Settings, parts: Parts): Promise<Dependencies> {
  const { client, nodes, hosts, metrics, log, informers, gate, term, signal } = parts;
  const api = gated(client, gate);
  const guard = createUrlGuard({
    allow: settings.allowAgentCidrs,
    deny: [...settings.denyAgentCidrs, ...ownServices()],
  });
  const { allowHttpAgents, showOtherNamespaces, election } = settings;
  const failedEvent = (error: unknown): void => {
    log.warn('cannot write an event', { error: textOf(error) });
  };
  return {
    ...{ nodes, hosts, metrics, log, signal, random, clock: systemClock },
    secrets: createSecretReader({ client: api, versionOf: informers.secretVersionOf, signal }),
    takeWritten: informers.takeWritten,
    writer: createNodeWriter({
      client: api,
      expect: informers.expect,
      refused: (key, { fields }) => {
        metrics.statusRefused();
        log.error('the API server does not take the status', { node: key, fields });
      },
    }),
    events: createEventRecorder({
      ...{ client: minding(client, gate), kind: WIREGUARD_NODE, signal, instance: hostname(), nowMs: Date.now },
      failed: failedEvent,
    }),
    drivers: createDrivers({ guard, now: Date.now, called: metrics.agentCalled }),
    localStates: createLocalStates(),
    policy: {
      ...{ allowHttpAgents, showOtherNamespaces },
      cluster: await untilKnown(() => readClusterId(client, signal), log),
      term: election === undefined ? undefined : term.number,
    },
    serverOffsetMs: client.clockOffsetMs,
    mayChange: term.isSafe,
  };
}

/** The API server may be away while we start. */
async function untilKnown<T>(read: () => Promise<T>, log: Logger): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isApiAway(error)) throw error;
      log.warn('the API server is away; trying again', { error: textOf(error) });
      await pause(steadyClock, 1_000, new AbortController().signal);
    }
  }
}

/** In a pod, the API server itself: no object may make us talk to it as an agent. */
function ownServices(): string[] {
  const host = process.env['KUBERNETES_SERVICE_HOST'] ?? '';
  return isIP(host) === 0 ? [] : [host];
}

interface Work {
  readonly queue: Queue;
  readonly gate: Gate;
  readonly count: number;
  readonly observer: WorkerObserver;
}

function work({ queue, gate, count, observer }: Work, dependencies: Dependencies): Promise<void> {
  const backoff = createBackoff({ baseMs: 250, capMs: 5 * 60_000, random });
  const reserved = Math.max(1, Math.floor(count / 4));
  const reconcile = createReconciler(dependencies);
  return runWorkers({
    ...{ queue, clock: steadyClock, reconcile, backoff, count, reserved, observer, gate },
    isOutage: isApiAway,
  });
}

const withLog = ({ observer }: Metrics, log: Logger): WorkerObserver => ({
  ...observer,
  ended: (item, end) => {
    observer.ended(item, end);
    const { result, error } = end;
    if (result !== 'error') return;
    if (isApiAway(error)) {
      log.warn('the API server is away; trying again', { node: item.key, error: textOf(error) });
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('reconcile failed; trying again', { node: item.key, error: text });
  },
});

interface Served {
  readonly registry: Metrics['registry'];
  readonly nodes: Dependencies['nodes'];
  readonly health: Health;
  readonly log: Logger;
}

async function serve(settings: Settings, { registry, nodes, health, log }: Served): Promise<void> {
  const scrape = async ({ accept }: Asked): Promise<Page> => ({
    status: 200,
    ...expositionOf(await registry.metrics(), accept),
  });
  const pageOf = (problems: readonly string[]): Page =>
    problems.length === 0 ? textPage(200, 'ok') : textPage(503, problems.join('\n'));
  const failed = (path: string, error: unknown): void => {
    log.error('a page cannot be made', { path, error: textOf(error) });
  };
  const targets = ({ query }: Asked): Page => targetsPage(nodes, query.get('port'));
  await servePages(
    settings.metrics,
    {
      '/metrics': scrape,
      // It names hosts, as the metrics of objects do.
      ...(settings.objectMetrics ? { '/sd/agents': targets } : {}),
    },
    failed,
  );
  await servePages(settings.health, {
    '/healthz': () => pageOf(health.stuck()),
    '/readyz': () => pageOf(health.notReady()),
  });
}

const stopSignal = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info('stopping', { signal });
        resolve();
      });
    }
  });
