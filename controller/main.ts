import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import packageFile from '../package.json' with { type: 'json' };
import { WIREGUARD_NODE } from './api/kinds.ts';
import { createEventRecorder } from './cluster/events.ts';
import { createKubeClient, type KubeClient } from './cluster/kube-client.ts';
import { createNodeWriter } from './cluster/node-writer.ts';
import { createUrlGuard } from './drivers/wgnode/url-guard.ts';
import { createWgnodeDrivers } from './drivers/wgnode/wgnode-drivers.ts';
import { type Page, servePages, textPage } from './http-server.ts';
import { createLogger, type Logger } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createNodeStore, startInformers } from './reconcile/informers.ts';
import { createLocalStates } from './reconcile/local-state.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { createBackoff } from './runtime/backoff.ts';
import { monotonicNow, systemClock } from './runtime/clock.ts';
import { createKeyLock } from './runtime/key-lock.ts';
import { createQueue } from './runtime/queue.ts';
import { runWorkers } from './runtime/workers.ts';
import { HELP, parseSettings, type Settings, SettingsError } from './settings.ts';

const { version } = packageFile;
const GRACE_MS = 10_000;

function loadKubeConfig({ kubeconfig }: Settings): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new SettingsError(`Cannot read the kubeconfig: ${error instanceof Error ? error.message : String(error)}`);
  }
  return config;
}

async function run(settings: Settings, log: Logger): Promise<void> {
  const clock = systemClock;
  const { random } = Math;
  const stopping = new AbortController();
  const abandoned = new AbortController();
  // Delays must not jump with the wall clock.
  const queue = createQueue({ ...clock, now: monotonicNow });
  const nodes = createNodeStore();
  const { workers: count, objectMetrics } = settings;
  const metrics = createMetrics({ queue, nodes, version, workers: count, objectMetrics });
  const client = await createKubeClient({ config: loadKubeConfig(settings), answered: metrics.kubeAnswered });
  const guard = createUrlGuard({
    allow: settings.allowAgentCidrs,
    deny: [...settings.denyAgentCidrs, ...ownServices()],
  });
  const drivers = createWgnodeDrivers({ guard, now: clock.now, called: metrics.agentCalled });
  const { namespace } = settings;
  const informers = startInformers({ client, nodes, queue, clock, random, log, namespace, signal: stopping.signal });
  await serve(settings, metrics, informers.synced);
  log.info('started', { version, metrics: settings.metrics.port, health: settings.health.port });

  const policy = { allowHttpAgents: settings.allowHttpAgents, minSignature: settings.minSignature };
  const { takeWritten } = informers;
  const shared = { client, nodes, takeWritten, drivers, metrics, log, clock, random, policy, signal: abandoned.signal };
  const own = {
    writer: createNodeWriter(client),
    events: recorder(client, log, abandoned.signal),
    hostLocks: createKeyLock(),
    localStates: createLocalStates(),
  };
  const backoff = createBackoff({ baseMs: 250, capMs: 5 * 60_000, random });
  const reserved = Math.max(1, Math.floor(count / 4));
  const reconcile = createReconciler({ ...shared, ...own });
  const workers = runWorkers({ queue, clock, reconcile, backoff, count, reserved, observer: withLog(metrics, log) });

  await stopSignal(log);
  stopping.abort();
  queue.shutDown();
  const abandon = setTimeout(() => {
    abandoned.abort();
  }, GRACE_MS);
  await Promise.all([workers, informers.ended]);
  clearTimeout(abandon);
  await Promise.all([drivers.close(), client.close()]);
  log.info('stopped');
}

/** In a pod, the API server itself: no object may make us talk to it as an agent. */
function ownServices(): string[] {
  const host = process.env['KUBERNETES_SERVICE_HOST'] ?? '';
  return isIP(host) === 0 ? [] : [host];
}

const recorder = (client: KubeClient, log: Logger, signal: AbortSignal): ReturnType<typeof createEventRecorder> =>
  createEventRecorder({
    client,
    kind: WIREGUARD_NODE,
    signal,
    instance: hostname(),
    nowMs: Date.now,
    failed: (error) => {
      log.warn('cannot write an event', { error: error instanceof Error ? error.message : String(error) });
    },
  });

const withLog = ({ observer }: Metrics, log: Logger): Metrics['observer'] => ({
  started: observer.started,
  ended: (item, result, durationMs, error) => {
    observer.ended(item, result, durationMs, error);
    if (result !== 'error') return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('reconcile failed; trying again', { node: item.key, error: text });
  },
});

async function serve(settings: Settings, { registry }: Metrics, isSynced: () => boolean): Promise<void> {
  const scrape = async (): Promise<Page> => ({
    status: 200,
    type: registry.contentType,
    body: await registry.metrics(),
  });
  await servePages(settings.metrics, { '/metrics': scrape });
  await servePages(settings.health, {
    '/healthz': () => textPage(200, 'ok'),
    '/readyz': () => (isSynced() ? textPage(200, 'ok') : textPage(503, 'the cache is not filled yet')),
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

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  if (args.includes('--version')) {
    process.stdout.write(`${version}\n`);
    return;
  }
  const settings = parseSettings(args, process.env);
  await run(settings, createLogger(settings.logLevel));
  process.exit(0);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const text =
    error instanceof SettingsError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`wgnode-controller: ${text}\n`);
  process.exit(1);
});
