import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { normalize } from 'node:path';
import { load } from 'js-yaml';
import type { AllowedCommand, HookPolicy } from './protocol/hooks/hook.ts';
import { isInterfaceName } from './protocol/interface-name.ts';
import { Secret } from './protocol/secret.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { isPlaceholder } from './placeholder-secret.ts';

/** The host's own policy; root, 0600. */
export const CONFIG_PATH = '/etc/wgnode/agent.yaml';
const MIN_SECRET_BYTES = 16;

/** Paths of PEM files. `clientCa` null = clients need no certificate. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** CA that client certificates must come from; null = none are asked for. */
  readonly clientCa: string | null;
}

/** The host's own policy: what no caller can change. */
export interface AgentSettings {
  readonly host: string;
  readonly port: number;
  /** Null = plain HTTP: only in drop-in mode or when asked for by `tls: off`. */
  readonly tls: TlsFiles | null;
  readonly secrets: readonly Secret[];
  readonly maxTimestampAgeSeconds: number;
  readonly hooks: HookPolicy;
  readonly readBackKeys: boolean;
  /** Names that may be managed; null = any. */
  readonly interfaces: readonly string[] | null;
  readonly logLevel: LogLevel;
  /** Where Prometheus reads /metrics; null = nowhere. */
  readonly metrics: MetricsSettings | null;
  /** Started by the old agent's variables alone: plain HTTP, port 8080, open metrics. */
  readonly dropIn: boolean;
}

/** The listener for Prometheus. */
export interface MetricsSettings {
  readonly host: string;
  readonly port: number;
  /** Of the bearer token that a scrape must show; null = none, on loopback only. */
  readonly tokenFile: string | null;
}

/** A setting that the agent cannot start with; the message tells the operator what to change. */
export class SettingsError extends Error {
  readonly code = 'settings';
}

const fail = (message: string): never => {
  throw new SettingsError(message);
};

type Environment = Readonly<Record<string, string | undefined>>;
type Raw = Readonly<Record<string, unknown>>;

const KEYS = [
  'listen',
  'tls',
  'secrets',
  'minSignature',
  'maxTimestampAge',
  'hooks',
  'allowCommands',
  'readBackKeys',
  'interfaces',
  'logLevel',
  'metrics',
] as const;
type Key = (typeof KEYS)[number];

/** Written as YAML in a variable of the environment. */
const STRUCTURED: ReadonlySet<Key> = new Set(['listen', 'tls', 'interfaces', 'allowCommands', 'metrics']);

const OLD_NAMES = {
  WG_AGENT_SECRET: 'secrets',
  WG_AGENT_HOST: 'listen',
  WG_AGENT_PORT: 'listen',
  WG_AGENT_LOG_LEVEL: 'logLevel',
  MAX_TIMESTAMP_AGE: 'maxTimestampAge',
} as const;

/** `minSignature` -> `WGNODE_MIN_SIGNATURE`. */
const variableOf = (key: string): string => `WGNODE_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

/** Reads the configuration file, if there is one, as text; it must belong to root and be closed to everybody else. */
export async function readConfigFile(path: string): Promise<string | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      return fail(`Cannot read ${path}: ${code === 'ELOOP' ? 'it must not be a symbolic link' : String(code)}`);
    },
  );
  if (handle === null) return null;
  try {
    const { mode, uid } = await handle.stat();
    if (uid !== 0 || (mode & 0o077) !== 0) {
      fail(
        `${path} must belong to root with mode 0600, because it holds secrets: run \`chown root ${path} && chmod 600 ${path}\``,
      );
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Variables without which nothing but a file can say how the agent is reached. */
const WAYS = ['WGNODE_TLS', 'WGNODE_SECRETS', 'WG_AGENT_SECRET'];

/** Merges file and environment (which wins) into settings. Throws SettingsError; nothing is guessed. */
export function parseSettings(fileText: string | null, environment: Environment): AgentSettings {
  const file = parseFile(fileText);
  if (Object.keys(file).length === 0 && WAYS.every((name) => environment[name] === undefined))
    fail(
      fileText === null
        ? `There is no ${CONFIG_PATH}: run wgnode-agent init`
        : `${CONFIG_PATH} says nothing: take it away and run wgnode-agent init, which makes a new one`,
    );
  const raw: Raw = { ...file, ...fromEnvironment(environment) };
  const hasOldName = Object.keys(OLD_NAMES).some((name) => environment[name] !== undefined);
  const dropIn = fileText === null && hasOldName && !KEYS.some((key) => environment[variableOf(key)] !== undefined);
  const { host, port } = listenOf(raw['listen'], environment, dropIn);
  if (raw['minSignature'] !== undefined && raw['minSignature'] !== 'v1') {
    fail('minSignature must be v1, the only scheme that there is, or be left out');
  }
  const tls = tlsOf(raw['tls'], dropIn);
  return {
    host,
    port,
    tls,
    secrets: secretsOf(raw['secrets'], environment),
    maxTimestampAgeSeconds: wholeOf(
      'maxTimestampAge',
      raw['maxTimestampAge'] ?? environment['MAX_TIMESTAMP_AGE'] ?? 300,
      1,
      3600,
    ),
    hooks: {
      mode: oneOf('hooks', raw['hooks'] ?? (dropIn ? 'shell' : 'grammar'), ['off', 'grammar', 'shell']),
      allowed: allowedOf(raw['allowCommands']),
    },
    readBackKeys: booleanOf('readBackKeys', raw['readBackKeys'] ?? dropIn),
    interfaces: interfacesOf(raw['interfaces']),
    logLevel: oneOf('logLevel', raw['logLevel'] ?? oldLogLevel(environment) ?? 'info', LOG_LEVELS),
    metrics: metricsOf(raw['metrics'], tls),
    dropIn,
  };
}

/** The parser's own message shows the line, and the line may hold a secret: it is not passed on. */
function parseYaml(text: string, where: string): unknown {
  try {
    return load(text);
  } catch (error) {
    const { mark } = error as { readonly mark?: { readonly line?: number } };
    const line = mark?.line === undefined ? '' : `: see line ${String(mark.line + 1)}`;
    return fail(`${where} is not valid YAML${line}`);
  }
}

function parseFile(text: string | null): Raw {
  // The parser fails on a text without any value.
  if (text === null || !/^\s*[^\s#]/m.test(text)) return {};
  const parsed = parseYaml(text, 'The configuration file');
  if (parsed === undefined || parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return fail('The configuration file must be a YAML mapping');
  const unknown = Object.keys(parsed).filter((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown.length > 0)
    fail(`Unknown key in the configuration file: ${unknown.join(', ')}; known are ${KEYS.join(', ')}`);
  return parsed as Raw;
}

/** WGNODE_ variables; lists and mappings are written as YAML. */
function fromEnvironment(environment: Environment): Partial<Record<Key, unknown>> {
  const raw: Partial<Record<Key, unknown>> = {};
  for (const key of KEYS) {
    const text = environment[variableOf(key)];
    if (text === undefined) continue;
    raw[key] = STRUCTURED.has(key) ? parseYaml(text, variableOf(key)) : text;
  }
  return raw;
}

function listenOf(raw: unknown, environment: Environment, dropIn: boolean): { host: string; port: number } {
  const listen = raw === undefined ? {} : mappingOf('listen', raw, ['host', 'port']);
  const host = listen['host'] ?? environment['WG_AGENT_HOST'] ?? '0.0.0.0';
  const port = listen['port'] ?? environment['WG_AGENT_PORT'] ?? (dropIn ? 8080 : 8443);
  return {
    host: typeof host === 'string' ? host : fail('listen.host must be an address'),
    port: wholeOf('listen.port', port, 1, 65_535),
  };
}

function tlsOf(raw: unknown, dropIn: boolean): TlsFiles | null {
  if (raw === undefined && dropIn) return null;
  if (raw === 'off' || raw === false) return null;
  if (raw === undefined) {
    return fail(
      'tls must be set: {cert: /etc/wgnode/tls.crt, key: /etc/wgnode/tls.key}, or off behind a proxy that does TLS; keys travel in clear without it',
    );
  }
  const tls = mappingOf('tls', raw, ['cert', 'key', 'clientCa']);
  const path = (key: string): string =>
    typeof tls[key] === 'string' ? tls[key] : fail(`tls.${key} must be the path of a file`);
  return { cert: path('cert'), key: path('key'), clientCa: tls['clientCa'] === undefined ? null : path('clientCa') };
}

/** Whether only this machine reaches it. */
export const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host);

/** The port of prometheus_wireguard_exporter, whose dashboards ask for it. */
const METRICS_PORT = 9586;

function metricsOf(raw: unknown, tls: TlsFiles | null): MetricsSettings | null {
  if (raw === undefined || raw === 'off' || raw === false) return null;
  const metrics = mappingOf('metrics', raw, ['host', 'port', 'tokenFile']);
  const { host = '127.0.0.1', port = METRICS_PORT, tokenFile = null } = metrics;
  if (typeof host !== 'string') return fail('metrics.host must be an address');
  if (tokenFile !== null && (typeof tokenFile !== 'string' || !tokenFile.startsWith('/')))
    return fail('metrics.tokenFile must be the absolute path of a file');
  if (!isLoopback(host) && (tokenFile === null || tls === null))
    return fail(
      `metrics.host ${host} is reached from elsewhere: that needs tls and metrics.tokenFile, a file with the bearer token; or leave it at 127.0.0.1`,
    );
  return { host, port: wholeOf('metrics.port', port, 1, 65_535), tokenFile };
}

function secretsOf(raw: unknown, environment: Environment): Secret[] {
  const given: unknown = raw ?? environment['WG_AGENT_SECRET'];
  const list: readonly unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (list.length === 0) fail('secrets must hold at least one HMAC key; make one with `openssl rand -hex 32`');
  return list.map((secret) => {
    if (typeof secret !== 'string' || Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
      return fail(
        `Every one of secrets must be text of at least ${String(MIN_SECRET_BYTES)} bytes; make one with \`openssl rand -hex 32\``,
      );
    }
    if (isPlaceholder(secret))
      fail(
        'secrets holds a placeholder, which everybody guesses; make a key with `openssl rand -hex 32`, or all of it with `wgnode-agent init`',
      );
    return new Secret(secret);
  });
}

/** `{path: /etc/wireguard/nat.sh, args: ["(up|down)", "%i"]}`: each argument is a pattern that fits the whole of it. */
function allowedOf(raw: unknown): AllowedCommand[] {
  if (raw === undefined) return [];
  const list: readonly unknown[] = Array.isArray(raw) ? raw : fail('allowCommands must be a list of {path, args}');
  return list.map((entry, index) => {
    const name = `allowCommands[${String(index)}]`;
    const { path, args = [] } = mappingOf(name, entry, ['path', 'args']);
    if (typeof path !== 'string' || !path.startsWith('/') || normalize(path) !== path)
      return fail(`${name}.path must be the absolute path of a program, without . and ..`);
    const patterns: readonly unknown[] = Array.isArray(args) ? args : fail(`${name}.args must be a list of patterns`);
    return { path, args: patterns.map((pattern, at) => patternOf(`${name}.args[${String(at)}]`, pattern)) };
  });
}

function patternOf(name: string, raw: unknown): RegExp {
  if (typeof raw !== 'string') return fail(`${name} must be a regular expression in quotes`);
  try {
    return new RegExp(`^(?:${raw})$`);
  } catch {
    return fail(`${name} is no regular expression`);
  }
}

function interfacesOf(raw: unknown): string[] | null {
  if (raw === undefined) return null;
  const names: readonly unknown[] = Array.isArray(raw) ? raw : fail('interfaces must be a list of names');
  return names.map((name) =>
    typeof name === 'string' && isInterfaceName(name) ? name : fail('interfaces must hold interface names such as wg0'),
  );
}

/** The old agent takes Python's level names. */
const oldLogLevel = (environment: Environment): string | undefined => {
  const level = environment['WG_AGENT_LOG_LEVEL']?.toLowerCase();
  return level === 'warning' ? 'warn' : level === 'critical' ? 'error' : level;
};

function mappingOf(name: string, raw: unknown, keys: readonly string[]): Raw {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return fail(`${name} must be a mapping with ${keys.join(', ')}`);
  const unknown = Object.keys(raw).find((key) => !keys.includes(key));
  return unknown === undefined ? (raw as Raw) : fail(`Unknown key ${name}.${unknown}; known are ${keys.join(', ')}`);
}

function wholeOf(name: string, raw: unknown, low: number, high: number): number {
  const value = typeof raw === 'string' && /^[0-9]+$/.test(raw) ? Number(raw) : raw;
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  return fail(`${name} must be a whole number from ${String(low)} to ${String(high)}`);
}

function booleanOf(name: string, raw: unknown): boolean {
  if (raw === true || raw === 'true') return true;
  return raw === false || raw === 'false' ? false : fail(`${name} must be true or false`);
}

// js-yaml 5 reads YAML 1.2, where `off` is text; a quoted and a bare `off` are the same.
function oneOf<T extends string>(name: string, raw: unknown, allowed: readonly T[]): T {
  const match = allowed.find((value) => value === raw);
  return match ?? fail(`${name} must be one of ${allowed.join(', ')}`);
}
