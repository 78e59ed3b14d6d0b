import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Pool } from 'undici';
import { createInterfaces } from '../../../agent/apply/managed-interface.ts';
import { createNativeBackends } from '../../../agent/backend/native/native-backend.ts';
import { createCommandRunner } from '../../../agent/host/command-runner.ts';
import { openAuditLog } from '../../../agent/host/audit-log.ts';
import { createHost, type Host } from '../../../agent/host/host.ts';
import { openStateFolder } from '../../../agent/host/state-folder.ts';
import type { AgentContext } from '../../../agent/operations/context.ts';
import { ConfigCache } from '../../../agent/operations/config-cache.ts';
import { getConfig } from '../../../agent/operations/get-config.ts';
import { createServer } from '../../../agent/http/server.ts';
import type { HookPolicy } from '../../../agent/protocol/hooks/hook.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { signV1 } from '../../../agent/protocol/signature-v1.ts';
import type { AgentSettings } from '../../../agent/settings.ts';
import { newSecretText } from '../../support/canary.ts';
import type { LeakWatch } from './leak-watch.ts';

export const VERSION = '9.8.7';

export interface AgentRequest {
  readonly method: string;
  readonly path: string;
  /** Text and bytes go as they are, anything else as JSON. */
  readonly body?: string | Uint8Array | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the agent's first. */
  readonly secret?: Secret;
  /** Default: a second that no call before had, so that no two calls are repeats of each other. */
  readonly timestamp?: string;
  /** The answer holds keys by the host's policy and is no leak. */
  readonly holdsKeys?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** The real agent on a port of 127.0.0.1, with its files in temporary folders. Its clock stands still between calls. */
export interface TestAgent {
  readonly app: FastifyInstance;
  readonly host: Host;
  readonly context: AgentContext;
  readonly settings: AgentSettings;
  readonly port: number;
  readonly origin: string;
  readonly secrets: readonly [Secret, Secret];
  readonly stateFolder: string;
  /** Unix seconds of a new call. */
  nextSecond(): number;
  /** A signed call. */
  call(request: AgentRequest): Promise<Reply>;
  /** A call with these headers and no other. */
  callUnsigned(request: AgentRequest): Promise<Reply>;
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
  /** Everything of the configuration folder that a write would change: names, inodes, times, modes, hashes of the contents. */
  fingerprint(): Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

export interface TestAgentOptions {
  readonly leaks: LeakWatch;
  readonly settings?: Partial<AgentSettings>;
  /** Default: a clock that goes one second ahead at each call. */
  readonly nowMs?: () => number;
}

/** A name that no device of this machine has. */
export const newName = (): string => `ct${randomBytes(4).toString('hex')}`;

export async function startAgent({ leaks, settings: policy = {}, nowMs }: TestAgentOptions): Promise<TestAgent> {
  const root = await mkdtemp(join(tmpdir(), 'wgnode-contract-'));
  const [configFolder, stateFolder] = [join(root, 'wireguard'), join(root, 'state')];
  await mkdir(configFolder);
  let seconds = 1_700_000_000;
  const host = createHost({
    runner: createCommandRunner(),
    state: await openStateFolder(stateFolder),
    log: leaks.log,
    audit: openAuditLog(stateFolder, { log: leaks.log, nowMs: Date.now }),
    limits: { hookTimeoutMs: 60_000 },
    hooks: policy.hooks ?? ANY_HOOK,
    configFolder,
    nowMs: nowMs ?? (() => seconds * 1000),
  });
  const secrets = [new Secret(newSecretText()), new Secret(newSecretText())] as const;
  const settings = { ...settingsWith(secrets), ...policy };
  const backends = createNativeBackends(host);
  const reading = { host, backends, interfaces: createInterfaces(host, backends), settings, version: VERSION };
  const configs = new ConfigCache({
    read: (target) => getConfig(reading, target),
    ...host.events,
    onMutation: (listener) => {
      host.lock.onEnd(listener);
    },
    nowMs: () => performance.now(),
  });
  const context = { ...reading, configs };
  const app = createServer(context);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const origin = `${settings.tls === null ? 'http' : 'https'}://127.0.0.1:${String(port)}`;
  const pool = new Pool(origin);
  const nextSecond = (): number => (seconds += 1);
  return {
    ...{ app, host, context, settings, port, origin, secrets, stateFolder, nextSecond },
    callUnsigned: (request) => send(pool, leaks, request),
    call: (request) => send(pool, leaks, signed(request, secrets[0], nextSecond)),
    write: (name, text) => writeFile(host.configPath(name), text, { mode: 0o600 }),
    read: (name) => readFile(host.configPath(name), 'utf8'),
    fingerprint: () => fingerprintOf(configFolder),
    close: async () => {
      configs.stop();
      await pool.destroy();
      await app.close();
      await rm(root, { recursive: true });
    },
  };
}

function signed(request: AgentRequest, ownSecret: Secret, nextSecond: () => number): AgentRequest {
  const { method, path, body, secret = ownSecret, timestamp = String(nextSecond()) } = request;
  const signature = signV1({ method, target: path, body: bytesOf(body), timestamp }, secret);
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'x-timestamp': timestamp,
    'x-signature': signature,
    ...request.headers,
  };
  return { ...request, headers };
}

async function send(pool: Pool, leaks: LeakWatch, request: AgentRequest): Promise<Reply> {
  const { method, path, body, headers = {}, holdsKeys } = request;
  const bytes = bytesOf(body);
  const response = await pool.request({ method, path, headers, body: bytes.length === 0 ? null : bytes });
  const text = await response.body.text();
  if (holdsKeys !== true) leaks.add(`${method} ${path}`, `${JSON.stringify(response.headers)} ${text}`);
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text) as Record<string, unknown>;
    },
  };
}

/** As the old agent. */
const ANY_HOOK: HookPolicy = { mode: 'shell', allowed: [] };

const settingsWith = (secrets: readonly Secret[]): AgentSettings => ({
  host: '127.0.0.1',
  port: 0,
  tls: null,
  secrets,
  maxTimestampAgeSeconds: 300,
  hooks: ANY_HOOK,
  readBackKeys: false,
  interfaces: null,
  logLevel: 'debug',
  metrics: null,
  dropIn: false,
});

const bytesOf = (body: string | Uint8Array | object | undefined): Buffer => {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
};

async function fingerprintOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const [{ ino, mtimeNs, mode }, bytes] = await Promise.all([stat(path, { bigint: true }), readFile(path)]);
      const hash = createHash('sha256').update(bytes).digest('hex');
      return `${name} ${String(ino)} ${String(mtimeNs)} ${mode.toString(8)} ${hash}`;
    }),
  );
}
