import { describe, expect, test } from '@jest/globals';
import { HELP, parseSettings, type Settings, SettingsError } from './settings.ts';

const DEFAULTS: Settings = {
  kubeconfig: undefined,
  watchNamespaces: [],
  selector: '',
  watchSecrets: true,
  metrics: { host: '0.0.0.0', port: 8080 },
  health: { host: '0.0.0.0', port: 8081 },
  workers: 128,
  allowHttpAgents: false,
  allowAgentCidrs: [],
  denyAgentCidrs: [],
  objectMetrics: true,
  showOtherNamespaces: false,
  election: undefined,
  logLevel: 'info',
};

test('without flags and environment the defaults count', () => {
  expect(parseSettings([], {})).toMatchObject(DEFAULTS);
});

test('settings cannot be changed', () => {
  expect(Object.isFrozen(parseSettings([], {}))).toBe(true);
});

describe('flags and environment', () => {
  test.each<{ name: string; args?: string[]; environment?: Record<string, string>; expected: Partial<Settings> }>([
    { name: 'a flag', args: ['--log-level', 'debug'], expected: { logLevel: 'debug' } },
    { name: 'a flag with =', args: ['--log-level=debug'], expected: { logLevel: 'debug' } },
    { name: 'a variable', environment: { WGNODE_LOG_LEVEL: 'warn' }, expected: { logLevel: 'warn' } },
    {
      name: 'a flag that wins over its variable',
      args: ['--log-level', 'debug'],
      environment: { WGNODE_LOG_LEVEL: 'warn' },
      expected: { logLevel: 'debug' },
    },
    { name: 'a variable of somebody else', environment: { LOG_LEVEL: 'warn' }, expected: { logLevel: 'info' } },
    { name: 'a kubeconfig', args: ['--kubeconfig', '/tmp/k'], expected: { kubeconfig: '/tmp/k' } },
    { name: 'a namespace', environment: { WGNODE_WATCH_NAMESPACES: 'edge' }, expected: { watchNamespaces: ['edge'] } },
    { name: 'an empty namespace', environment: { WGNODE_WATCH_NAMESPACES: '' }, expected: { watchNamespaces: [] } },
    {
      name: 'several namespaces',
      args: ['--watch-namespaces', 'edge,core', '--watch-namespaces=lab'],
      expected: { watchNamespaces: ['edge', 'core', 'lab'] },
    },
    {
      name: 'a selector with its commas',
      args: ['--selector', 'tier in (edge,core),!old'],
      expected: { selector: 'tier in (edge,core),!old' },
    },
    { name: 'names of other namespaces', args: ['--show-other-namespaces'], expected: { showOtherNamespaces: true } },
    {
      name: 'an election',
      args: ['--leader-elect'],
      expected: {
        election: {
          ...{ name: 'wgnode-controller', namespace: 'wgnode-system' },
          ...{ leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 },
        },
      },
    },
    {
      name: 'an election in the namespace of the pod',
      args: ['--leader-elect'],
      environment: { POD_NAMESPACE: 'system' },
      expected: { election: expect.objectContaining({ namespace: 'system' }) as never },
    },
    {
      name: 'an election of one’s own',
      args: [
        '--leader-elect',
        '--leader-elect-namespace=mine',
        '--leader-elect-name=me',
        '--leader-elect-lease-duration=60',
      ],
      environment: { POD_NAMESPACE: 'system', WGNODE_LEADER_ELECT_RENEW_DEADLINE: '40' },
      expected: { election: { name: 'me', namespace: 'mine', leaseMs: 60_000, renewMs: 40_000, retryMs: 2_000 } },
    },
    {
      name: 'times of an election that is not held',
      args: ['--leader-elect-lease-duration=1'],
      expected: { election: undefined },
    },
    { name: 'a boolean flag', args: ['--allow-http-agents'], expected: { allowHttpAgents: true } },
    {
      name: 'a boolean variable',
      environment: { WGNODE_ALLOW_HTTP_AGENTS: 'true' },
      expected: { allowHttpAgents: true },
    },
    { name: 'a flag turned off', args: ['--no-object-metrics'], expected: { objectMetrics: false } },
    {
      name: 'a variable turned off',
      environment: { WGNODE_OBJECT_METRICS: 'false' },
      expected: { objectMetrics: false },
    },
    {
      name: 'a flag turned off against its variable',
      args: ['--no-object-metrics'],
      environment: { WGNODE_OBJECT_METRICS: 'true' },
      expected: { objectMetrics: false },
    },
    {
      name: 'a repeated flag',
      args: ['--allow-agent-cidr', '10.0.0.0/8', '--allow-agent-cidr', 'fd00::/8'],
      expected: { allowAgentCidrs: ['10.0.0.0/8', 'fd00::/8'] },
    },
    {
      name: 'a list with commas',
      args: ['--deny-agent-cidr', '10.0.0.0/8, 192.0.2.0/24,', '--deny-agent-cidr=fd00::/8'],
      expected: { denyAgentCidrs: ['10.0.0.0/8', '192.0.2.0/24', 'fd00::/8'] },
    },
    {
      name: 'a list in a variable',
      environment: { WGNODE_ALLOW_AGENT_CIDR: '10.0.0.0/8,fd00::/8' },
      expected: { allowAgentCidrs: ['10.0.0.0/8', 'fd00::/8'] },
    },
    { name: 'the least number of workers', args: ['--workers', '2'], expected: { workers: 2 } },
    { name: 'the greatest number of workers', args: ['--workers', '4096'], expected: { workers: 4096 } },
    {
      name: 'an address',
      args: ['--metrics-address', '127.0.0.1:9090'],
      expected: { metrics: { host: '127.0.0.1', port: 9090 } },
    },
    { name: 'an IPv6 address', args: ['--health-address', '[::1]:0'], expected: { health: { host: '::1', port: 0 } } },
    {
      name: 'a port alone',
      args: ['--metrics-address', ':9090'],
      expected: { metrics: { host: '0.0.0.0', port: 9090 } },
    },
  ])('$name', ({ args = [], environment = {}, expected }) => {
    expect(parseSettings(args, environment)).toMatchObject({ ...DEFAULTS, ...expected });
  });
});

describe('a bad value is a SettingsError that says what is allowed', () => {
  test.each<{ name: string; args?: string[]; environment?: Record<string, string>; allowed: string[] }>([
    { name: 'a log level', args: ['--log-level', 'loud'], allowed: ['error', 'warn', 'info', 'debug'] },
    {
      name: 'a log level in a variable',
      environment: { WGNODE_LOG_LEVEL: 'loud' },
      allowed: ['log-level', 'error', 'warn', 'info', 'debug'],
    },
    { name: 'a boolean', environment: { WGNODE_OBJECT_METRICS: 'yes' }, allowed: ['true', 'false'] },
    { name: 'too few workers', args: ['--workers', '1'], allowed: ['2', '4096'] },
    { name: 'too many workers', args: ['--workers', '4097'], allowed: ['2', '4096'] },
    { name: 'workers that are no number', args: ['--workers', '4x'], allowed: ['2', '4096'] },
    { name: 'workers that are no whole number', args: ['--workers', '2.5'], allowed: ['2', '4096'] },
    { name: 'an address without port', args: ['--metrics-address', 'localhost'], allowed: ['host:port'] },
    { name: 'an address with a port too high', args: ['--health-address', ':65536'], allowed: ['host:port'] },
    {
      name: 'a namespace that is none',
      args: ['--watch-namespaces', 'edge,No/Name'],
      allowed: ['watch-namespaces', 'No/Name'],
    },
    {
      name: 'a lease that ends before its renewal is given up',
      args: ['--leader-elect', '--leader-elect-lease-duration=10'],
      allowed: ['leader-elect-lease-duration', 'leader-elect-renew-deadline'],
    },
    {
      name: 'a renewal with time for one try only',
      args: ['--leader-elect', '--leader-elect-renew-deadline=12', '--leader-elect-retry-period=10'],
      allowed: ['leader-elect-renew-deadline', 'leader-elect-retry-period'],
    },
    {
      name: 'a lease without an end',
      args: ['--leader-elect', '--leader-elect-lease-duration=0'],
      allowed: ['1', '3600'],
    },
    {
      name: 'an election in a namespace that is none',
      args: ['--leader-elect', '--leader-elect-namespace=No/Name'],
      allowed: ['leader-elect-namespace'],
    },
    { name: 'a flag that nobody knows', args: ['--wrokers', '4'], allowed: ['--wrokers', '--help'] },
    { name: 'a flag without its value', args: ['--workers'], allowed: ['--workers', '--help'] },
    { name: 'a word too many', args: ['start'], allowed: ['start', '--help'] },
  ])('$name', ({ args = [], environment = {}, allowed }) => {
    const parse = (): Settings => parseSettings(args, environment);
    expect(parse).toThrow(SettingsError);
    for (const word of allowed) expect(parse).toThrow(word);
  });

  test.each(['--allow-agent-cidr', '--deny-agent-cidr'])('a network that is none: %s', (flag) => {
    expect(() => parseSettings([flag, '10.0.0.0/33'], {})).toThrow(SettingsError);
  });
});

test('the help names every flag', () => {
  for (const flag of ['kubeconfig', 'workers', 'allow-agent-cidr', 'log-level', 'leader-elect', 'selector'])
    expect(HELP).toContain(`--${flag}`);
});
