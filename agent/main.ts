import type { FastifyInstance } from 'fastify';
import './node-version.ts';
import packageFile from '../package.json' with { type: 'json' };
import { createInterfaces } from './apply/managed-interface.ts';
import { bringUpDesired, recoverAll } from './apply/start-up.ts';
import { createNativeBackends } from './backend/native/native-backend.ts';
import { createCommandRunner } from './host/command-runner.ts';
import { createHost } from './host/host.ts';
import { keepMemoryLow } from './host/idle-memory.ts';
import type { InterfaceLock } from './host/interface-lock.ts';
import { openStateFolder } from './host/state-folder.ts';
import { runCommand } from './cli/commands.ts';
import { openAuditLog } from './host/audit-log.ts';
import { serveMetrics } from './http/metrics-server.ts';
import { createServer } from './http/server.ts';
import { createLogger, type Logger } from './log.ts';
import { ConfigCache } from './operations/config-cache.ts';
import { getConfig } from './operations/get-config.ts';
import { hostMetrics } from './operations/host-metrics.ts';
import { forgetReads } from './backend/native/last-read.ts';
import { endWithOutput } from './output-errors.ts';
import { failureText } from './protocol/failure-text.ts';
import { forgetDocuments } from './protocol/wgquick/document.ts';
import { type AgentSettings, CONFIG_PATH, parseSettings, readConfigFile, SettingsError } from './settings.ts';

const STATE_FOLDER = '/var/lib/wgnode';
const CONFIG_FOLDER = '/etc/wireguard';

async function main(): Promise<void> {
  process.umask(0o077);
  if (process.getuid?.() !== 0) throw new SettingsError('wgnode-agent must run as root: it sets up network interfaces');
  const settings = parseSettings(await readConfigFile(CONFIG_PATH), process.env);
  const log = createLogger(settings.logLevel);
  warnOf(settings, log);
  const host = createHost({
    runner: createCommandRunner(),
    state: await openStateFolder(STATE_FOLDER),
    log,
    audit: openAuditLog(STATE_FOLDER, { log, nowMs: Date.now }),
    limits: { hookTimeoutMs: 30_000 },
    hooks: settings.hooks,
    configFolder: CONFIG_FOLDER,
    nowMs: Date.now,
  });
  const backends = createNativeBackends(host);
  const interfaces = createInterfaces(host, backends);
  await recoverAll(host, interfaces);
  const reading = { host, backends, interfaces, settings, version: packageFile.version };
  const configs = new ConfigCache({
    read: (target) => getConfig(reading, target),
    ...host.events,
    onMutation: (listener) => {
      host.lock.onEnd(listener);
    },
    nowMs: () => performance.now(),
  });
  const app = createServer({ ...reading, configs });
  await listen(app, settings);
  await serveMetrics({ settings, log, read: () => hostMetrics(reading) });
  log.info('ready', {
    host: settings.host,
    port: settings.port,
    version: packageFile.version,
    hooks: settings.hooks.mode,
  });
  onSignal((signal) => {
    log.info('stopping; a change under way is finished first, and running tunnels stay up', { signal });
    configs.stop();
    void stop(app, host.lock).then(() => process.exit(0));
  });
  const memory = keepMemoryLow(() => {
    forgetDocuments();
    forgetReads();
  });
  host.lock.onEnd(memory.changed);
  // It serves by now: what goes wrong here ends no agent.
  await bringUpDesired(host, interfaces).catch(errorOf(log));
}

const errorOf =
  (log: Logger) =>
  (error: unknown): void => {
    log.error('the interfaces that are wanted up cannot be looked through', { error: String(error) });
  };

function warnOf({ tls, dropIn }: AgentSettings, log: Logger): void {
  if (tls === null) log.warn('no TLS: keys travel in clear and the peer is not proven; use it behind a TLS proxy only');
  if (dropIn) log.warn('drop-in mode: plain HTTP, replayable signatures (v1), shell hooks, open metrics');
}

const listen = (app: FastifyInstance, settings: AgentSettings): Promise<string> =>
  app.listen({ host: settings.host, port: settings.port }).catch((error: unknown) => {
    throw cannotListen(error, settings);
  });

function cannotListen(error: unknown, { host, port }: AgentSettings): unknown {
  const place = `${host}:${String(port)}`;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new SettingsError(
        `Something listens at ${place} already: see ss -ltnp 'sport = :${String(port)}', or set listen.port`,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new SettingsError(`No address is known for listen.host ${host}: set one of this host, 0.0.0.0 or '::'`);
    case 'EADDRNOTAVAIL':
      return new SettingsError(`This host has no address ${host}: see listen.host`);
    default:
      return error;
  }
}

function onSignal(stopFor: (signal: NodeJS.Signals) => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stopFor);
}

/** Takes no more, lets what was taken end and be answered, and closes. Clients keep their connections open for the next request. */
async function stop(app: FastifyInstance, lock: InterfaceLock): Promise<void> {
  const closed = app.close();
  await lock.drain();
  const closeIdle = setInterval(() => {
    app.server.closeIdleConnections();
  }, 20);
  const closeAll = setTimeout(() => {
    app.server.closeAllConnections();
  }, 1_000);
  await closed;
  clearInterval(closeIdle);
  clearTimeout(closeAll);
}

function fail(error: unknown): void {
  process.stderr.write(`wgnode-agent: ${failureText(error)}\n`);
  process.exitCode = 1;
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined)
  main().catch((error: unknown) => {
    fail(error);
    // What listens already would keep a process alive that does not do its work.
    process.exit();
  });
else {
  endWithOutput('wgnode-agent');
  runCommand([command, ...args], {
    configPath: CONFIG_PATH,
    configFolder: CONFIG_FOLDER,
    stateFolder: STATE_FOLDER,
  }).catch(fail);
}
