import { parseArgs } from 'node:util';
import { parseCidr } from '../agent/protocol/address.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a server listens. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Everything that the operator can set, judged once at start. */
export interface Settings {
  /** Undefined = KUBECONFIG, ~/.kube/config or the pod's service account, in this order. */
  readonly kubeconfig: string | undefined;
  /** Empty = all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** As kubectl's `-l`; empty = every object. */
  readonly selector: string;
  /** False = Secrets are read one by one only, at every look. */
  readonly watchSecrets: boolean;
  readonly metrics: Listen;
  readonly health: Listen;
  readonly workers: number;
  readonly allowHttpAgents: boolean;
  readonly allowAgentCidrs: readonly string[];
  readonly denyAgentCidrs: readonly string[];
  readonly objectMetrics: boolean;
  readonly showOtherNamespaces: boolean;
  /** Undefined = this controller is the only one. */
  readonly election: ElectionSettings | undefined;
  readonly logLevel: LogLevel;
}

/** How several controllers agree on who acts. */
export interface ElectionSettings {
  readonly name: string;
  readonly namespace: string;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly retryMs: number;
}

/** A setting that the controller cannot start with. */
export class SettingsError extends Error {
  readonly code = 'settings';
}

const fail = (message: string): never => {
  throw new SettingsError(message);
};

interface Flag {
  readonly type: 'string' | 'boolean';
  readonly fallback: string;
  readonly many?: boolean;
  readonly help: string;
}

/** Every flag can also be set by environment: `--log-level` as WGNODE_LOG_LEVEL, lists separated by commas. */
const FLAGS = {
  kubeconfig: {
    type: 'string',
    fallback: '',
    help: 'kubeconfig file (default: KUBECONFIG, ~/.kube/config, or in-cluster)',
  },
  'watch-namespaces': {
    type: 'string',
    fallback: '',
    many: true,
    help: 'watch these namespaces only (default: all)',
  },
  selector: { type: 'string', fallback: '', help: 'take objects with these labels only, as kubectl -l does' },
  'watch-secrets': {
    type: 'boolean',
    fallback: 'true',
    help: '--no-watch-secrets needs no list and watch of Secrets: a change is seen at the next look',
  },
  'metrics-address': { type: 'string', fallback: '0.0.0.0:8080', help: 'where /metrics is served' },
  'health-address': { type: 'string', fallback: '0.0.0.0:8081', help: 'where /healthz and /readyz are served' },
  workers: { type: 'string', fallback: '128', help: 'reconciles at the same time; a quarter is kept for edits' },
  'allow-http-agents': {
    type: 'boolean',
    fallback: 'false',
    help: 'let objects name http:// agents: keys travel in clear',
  },
  'allow-agent-cidr': {
    type: 'string',
    fallback: '',
    many: true,
    help: 'connect to agents in these networks only (repeatable)',
  },
  'deny-agent-cidr': { type: 'string', fallback: '', many: true, help: 'never connect to these networks (repeatable)' },
  'object-metrics': {
    type: 'boolean',
    fallback: 'true',
    help: 'one gauge set per object; --no-object-metrics turns it off',
  },
  'show-other-namespaces': {
    type: 'boolean',
    fallback: 'false',
    help: 'let a Conflict name the object of another namespace',
  },
  'leader-elect': { type: 'boolean', fallback: 'false', help: 'act only while this controller holds the Lease' },
  'leader-elect-lease-duration': { type: 'string', fallback: '15', help: 'seconds that others wait for a leader' },
  'leader-elect-renew-deadline': { type: 'string', fallback: '10', help: 'seconds after which a leader gives up' },
  'leader-elect-retry-period': { type: 'string', fallback: '2', help: 'seconds between two tries' },
  'leader-elect-name': { type: 'string', fallback: 'wgnode-controller', help: 'name of the Lease' },
  'leader-elect-namespace': { type: 'string', fallback: '', help: "namespace of the Lease (default: the pod's)" },
  'log-level': { type: 'string', fallback: 'info', help: `one of ${LOG_LEVELS.join(', ')}` },
} as const satisfies Record<string, Flag>;
type FlagName = keyof typeof FLAGS;

const variableOf = (flag: string): string => `WGNODE_${flag.replaceAll('-', '_').toUpperCase()}`;

/** The text of --help, made from the flags. */
export const HELP = `wgnode-controller: keeps the WireGuard interfaces of hosts outside the cluster equal to their WireGuardNode objects

Usage: wgnode-controller [flags]

${Object.entries(FLAGS)
  .map(
    ([name, flag]: [string, Flag]) =>
      `  ${`--${name}`.padEnd(29)} ${flag.help}${flag.fallback === '' ? '' : ` (default ${flag.fallback})`}`,
  )
  .join('\n')}

Every flag can be set by environment: --log-level as WGNODE_LOG_LEVEL, lists separated by commas.

Example, outside the cluster:
  wgnode-controller --kubeconfig ~/.kube/config --allow-agent-cidr 203.0.113.0/24 --log-level debug
`;

function parseFlags(args: readonly string[]): Partial<Record<string, string | boolean | (string | boolean)[]>> {
  const options = Object.fromEntries(
    Object.entries(FLAGS).map(([name, flag]: [string, Flag]) => [
      name,
      { type: flag.type, multiple: flag.many === true },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true, allowNegative: true, allowPositionals: false }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}; see wgnode-controller --help`);
  }
}

/** Judges flags and environment; flags win. Throws SettingsError with what is allowed. */
export function parseSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const flags = parseFlags(args);
  const list = (name: FlagName): string[] => {
    const given = flags[name];
    const parts =
      given === undefined ? [environment[variableOf(name)] ?? FLAGS[name].fallback] : [given].flat().map(String);
    return parts
      .flatMap((part) => part.split(','))
      .map((part) => part.trim())
      .filter(Boolean);
  };
  const text = (name: FlagName): string => list(name).join(',');
  const isOn = (name: FlagName): boolean => oneOf(name, text(name), ['true', 'false']) === 'true';
  return Object.freeze({
    kubeconfig: text('kubeconfig') || undefined,
    watchNamespaces: namesOf('watch-namespaces', list('watch-namespaces')),
    selector: text('selector'),
    watchSecrets: isOn('watch-secrets'),
    metrics: listenOf('metrics-address', text('metrics-address')),
    health: listenOf('health-address', text('health-address')),
    workers: wholeOf('workers', text('workers'), 2, 4096),
    allowHttpAgents: isOn('allow-http-agents'),
    allowAgentCidrs: cidrsOf('allow-agent-cidr', list('allow-agent-cidr')),
    denyAgentCidrs: cidrsOf('deny-agent-cidr', list('deny-agent-cidr')),
    objectMetrics: isOn('object-metrics'),
    showOtherNamespaces: isOn('show-other-namespaces'),
    election: isOn('leader-elect') ? electionOf(text, environment) : undefined,
    logLevel: oneOf('log-level', text('log-level'), LOG_LEVELS),
  });
}

/** A lease must outlast the renewal, and the renewal a few tries; the factors are those of client-go. */
function electionOf(
  text: (name: FlagName) => string,
  environment: Readonly<Record<string, string | undefined>>,
): ElectionSettings {
  const ms = (name: FlagName): number => 1000 * wholeOf(name, text(name), 1, 3600);
  const [leaseMs, renewMs, retryMs] = [
    ms('leader-elect-lease-duration'),
    ms('leader-elect-renew-deadline'),
    ms('leader-elect-retry-period'),
  ];
  if (leaseMs <= renewMs) fail('--leader-elect-lease-duration must be greater than --leader-elect-renew-deadline');
  if (renewMs <= 1.2 * retryMs)
    fail('--leader-elect-renew-deadline must be greater than 1.2 times --leader-elect-retry-period');
  const namespace = text('leader-elect-namespace') || (environment['POD_NAMESPACE'] ?? 'wgnode-system');
  namesOf('leader-elect-namespace', [namespace]);
  return { name: text('leader-elect-name'), namespace, leaseMs, renewMs, retryMs };
}

function namesOf(name: string, values: readonly string[]): readonly string[] {
  const bad = values.find((value) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value));
  return bad === undefined ? values : fail(`--${name} must hold names of namespaces: ${JSON.stringify(bad)} is none`);
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  return (
    allowed.find((word) => word === value) ??
    fail(`--${name} must be one of ${allowed.join(', ')}: it is ${JSON.stringify(value)}`)
  );
}

function wholeOf(name: string, value: string, low: number, high: number): number {
  const number = /^[0-9]{1,6}$/.test(value) ? Number(value) : Number.NaN;
  return number >= low && number <= high
    ? number
    : fail(`--${name} must be a whole number from ${String(low)} to ${String(high)}: it is ${JSON.stringify(value)}`);
}

function cidrsOf(name: string, cidrs: readonly string[]): readonly string[] {
  const bad = cidrs.find((cidr) => parseCidr(cidr) === undefined);
  return bad === undefined
    ? cidrs
    : fail(`--${name} must hold networks such as 10.0.0.0/8: ${JSON.stringify(bad)} is none`);
}

function listenOf(name: string, value: string): Listen {
  const match = /^(.*):([0-9]{1,5})$/.exec(value);
  const port = Number(match?.[2] ?? Number.NaN);
  if (match === null || port > 65_535) return fail(`--${name} must be host:port: it is ${JSON.stringify(value)}`);
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, '') || '0.0.0.0', port };
}
