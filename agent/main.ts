import { parseArgs } from 'node:util';
import type { FastifyInstance } from 'fastify';
import packageFile from '../package.json' with { type: 'json' };
import { createInterfaces } from './apply/managed-interface.ts';
import { bringUpDesired, recoverAll } from './apply/start-up.ts';
import { createNativeBackends } from './backend/native/native-backend.ts';
import { createCommandRunner } from './host/command-runner.ts';
import { createHost } from './host/host.ts';
import { keepMemoryLow } from './host/idle-memory.ts';
import type { InterfaceLock } from './host/interface-lock.ts';
import { openStateFolder } from './host/state-folder.ts';
import { checkHooks } from './check-hooks.ts';
import { auditReport, verifyAudit, sinceMs } from './audit-report.ts';
import { openAuditLog } from './host/audit-log.ts';
import { createServer } from './http/server.ts';
import { createLogger } from './log.ts';
import { ConfigCache } from './operations/config-cache.ts';
import { getConfig } from './operations/get-config.ts';
import { forgetReads } from './backend/native/last-read.ts';
import { forgetDocuments } from './protocol/wgquick/document.ts';
import { CONFIG_PATH, parseSettings, readConfigFile, SettingsError } from './settings.ts';

const STATE_FOLDER = '/var/lib/wgnode';
const CONFIG_FOLDER = '/etc/wireguard';

const HELP = `wgnode-agent ${packageFile.version}: manages the WireGuard interfaces of this host for a wgnode controller

Usage: wgnode-agent [--help | --version]
       wgnode-agent check-hooks FILE|-
       wgnode-agent audit [--interface NAME] [--since 2h|7d|DATE] [-o table|json]
       wgnode-agent audit verify

It must run as root. It reads ${CONFIG_PATH} (root, 0600) and the environment, where every key of the file can be set as WGNODE_ and
its name in capitals. An example of the file:

  listen: {host: 0.0.0.0, port: 8443}
  tls: {cert: /etc/wgnode/tls.crt, key: /etc/wgnode/tls.key}
  secrets: ["<output of openssl rand -hex 32>"]
  hooks: grammar          # the default: PreUp, PostUp, PreDown, PostDown of known programs; off takes no new ones, shell any bash line
  allowCommands:          # programs of this host that hooks may run beside iptables, ip, nft, sysctl, ...
    - {path: /etc/wireguard/scripts/nat.sh, args: ["up|down", "%i"]}
  interfaces: [wg0]       # left out: any

check-hooks says of each hook of a wg-quick file, or of each line of a text, whether \`hooks: grammar\` takes it, and why not; exit 0 = all, 1 =
not all:
  wgnode-agent check-hooks /etc/wireguard/wg0.conf
  echo 'iptables -A FORWARD -i %i -j ACCEPT' | wgnode-agent check-hooks -

audit shows who changed what, and every command that a hook ran; audit verify checks that no line of ${STATE_FOLDER}/audit.log was changed or
taken out; exit 0 = it is whole, 1 = not:
  wgnode-agent audit --interface wg0 --since 2h

Drop-in for the WGDashboard node agent, plain HTTP on port 8080:
  WG_AGENT_SECRET=... wgnode-agent
`;

async function main(): Promise<void> {
  process.umask(0o077);
  if (process.getuid?.() !== 0) throw new SettingsError('wgnode-agent must run as root: it sets up network interfaces');
  const settings = parseSettings(await readConfigFile(CONFIG_PATH), process.env);
  const log = createLogger(settings.logLevel);
  if (settings.tls === null)
    log.warn('no TLS: keys travel in clear and the peer is not proven; use it behind a TLS proxy only');
  if (settings.dropIn) log.warn('drop-in mode: plain HTTP, replayable signatures (v1), shell hooks, open metrics');
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
  await app.listen({ host: settings.host, port: settings.port });
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
  await bringUpDesired(host, interfaces);
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
  const known = error instanceof SettingsError;
  process.stderr.write(
    `wgnode-agent: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}

/** The host's own programs count where its policy can be read: anybody may ask. */
async function check(path: string | undefined): Promise<void> {
  if (path === undefined) throw new SettingsError('check-hooks needs a file, or - for the standard input');
  const policy = await readConfigFile(CONFIG_PATH).catch(() => null);
  const allowed = policy === null ? [] : parseSettings(policy, {}).hooks.allowed;
  try {
    const { text, exitCode } = checkHooks(path, allowed);
    process.stdout.write(text);
    process.exitCode = exitCode;
  } catch (error) {
    throw new SettingsError(`Cannot read ${path}: ${String((error as NodeJS.ErrnoException).code)}`);
  }
}

function audit(args: string[]): void {
  const options = {
    interface: { type: 'string' },
    since: { type: 'string' },
    output: { type: 'string', short: 'o' },
  } as const;
  const { values, positionals } = parsedArgs(() => parseArgs({ args, options, allowPositionals: true }));
  const [verb, ...more] = positionals;
  if (more.length > 0 || (verb !== undefined && verb !== 'verify'))
    throw new SettingsError('audit takes options, or verify');
  const since = values.since === undefined ? 0 : sinceMs(values.since, Date.now());
  if (since === null) throw new SettingsError('--since takes 30m, 2h, 7d or a date as 2026-11-29T12:00:00Z');
  const { output = 'table' } = values;
  if (output !== 'table' && output !== 'json') throw new SettingsError('-o takes table or json');
  const report =
    verb === 'verify'
      ? verifyAudit(STATE_FOLDER)
      : auditReport(STATE_FOLDER, { interface: values.interface ?? null, sinceMs: since }, output);
  process.stdout.write(report.text);
  process.exitCode = report.exitCode;
}

function parsedArgs<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}; see wgnode-agent --help`);
  }
}

const [argument, operand] = process.argv.slice(2);
if (argument === '--help' || argument === '-h') process.stdout.write(HELP);
else if (argument === '--version') process.stdout.write(`${packageFile.version}\n`);
else if (argument === 'check-hooks') check(operand).catch(fail);
else if (argument === 'audit') {
  try {
    audit(process.argv.slice(3));
  } catch (error) {
    fail(error);
  }
} else if (argument !== undefined) fail(new SettingsError(`unknown argument ${argument}; see wgnode-agent --help`));
else main().catch(fail);
