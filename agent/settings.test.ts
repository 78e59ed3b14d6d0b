import { describe, expect, test } from '@jest/globals';
import { type AgentSettings, parseSettings, SettingsError } from './settings.ts';

const SECRET = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const OTHER = '0123456789abcdef';
const FILE = `tls: {cert: /c, key: /k}\nsecrets: [${SECRET}]\n`;

type Environment = Readonly<Record<string, string>>;

/** The settings with their secrets revealed, so that they can be compared. */
function read(
  file: string | null,
  environment: Environment = {},
): Omit<AgentSettings, 'secrets'> & { secrets: string[] } {
  const settings = parseSettings(file, environment);
  return { ...settings, secrets: settings.secrets.map((secret) => secret.reveal()) };
}

/** What parsing fails with. */
function failure(file: string | null, environment: Environment = {}): unknown {
  try {
    return parseSettings(file, environment);
  } catch (error) {
    return error;
  }
}

test('a file with TLS and a secret is enough; hooks, key read-back and everything else are closed', () => {
  expect(read(FILE)).toEqual({
    host: '0.0.0.0',
    port: 8443,
    tls: { cert: '/c', key: '/k', clientCa: null },
    secrets: [SECRET],
    maxTimestampAgeSeconds: 300,
    hooks: { mode: 'grammar', allowed: [] },
    readBackKeys: false,
    interfaces: null,
    logLevel: 'info',
    metrics: null,
    dropIn: false,
  });
});

test('a file may say everything', () => {
  const file = `
listen: {host: '::1', port: 9443}
tls: {cert: /c, key: /k, clientCa: /ca}
secrets: [${SECRET}, ${OTHER}]
minSignature: v1
maxTimestampAge: 60
hooks: shell
allowCommands: [{path: /etc/wireguard/nat.sh, args: ['up|down', '%i']}, {path: /usr/bin/x}]
readBackKeys: true
interfaces: [wg0, wg1]
logLevel: debug
metrics: {host: 0.0.0.0, port: 9999, tokenFile: /etc/wgnode/token}
`;
  expect(read(file)).toEqual({
    host: '::1',
    port: 9443,
    tls: { cert: '/c', key: '/k', clientCa: '/ca' },
    secrets: [SECRET, OTHER],
    maxTimestampAgeSeconds: 60,
    hooks: {
      mode: 'shell',
      allowed: [
        { path: '/etc/wireguard/nat.sh', args: [/^(?:up|down)$/, /^(?:%i)$/] },
        { path: '/usr/bin/x', args: [] },
      ],
    },
    readBackKeys: true,
    interfaces: ['wg0', 'wg1'],
    logLevel: 'debug',
    metrics: { host: '0.0.0.0', port: 9999, tokenFile: '/etc/wgnode/token' },
    dropIn: false,
  });
});

describe('the environment', () => {
  test.each<{ name: string; file?: string | null; environment: Environment; expected: Partial<AgentSettings> }>([
    {
      name: 'wins over the file',
      file: `${FILE}hooks: off\n`,
      environment: { WGNODE_HOOKS: 'shell' },
      expected: { hooks: { mode: 'shell', allowed: [] } },
    },
    {
      name: 'takes numbers as text',
      environment: { WGNODE_MAX_TIMESTAMP_AGE: '10' },
      expected: { maxTimestampAgeSeconds: 10 },
    },
    { name: 'takes lists as YAML', environment: { WGNODE_INTERFACES: '[wg0]' }, expected: { interfaces: ['wg0'] } },
    { name: 'takes an empty list', environment: { WGNODE_INTERFACES: '[]' }, expected: { interfaces: [] } },
    {
      name: 'takes mappings as YAML',
      environment: { WGNODE_LISTEN: '{host: ::1, port: 1}' },
      expected: { host: '::1', port: 1 },
    },
    { name: 'turns TLS off', environment: { WGNODE_TLS: 'off' }, expected: { tls: null } },
    { name: 'gives keys back', environment: { WGNODE_READ_BACK_KEYS: 'true' }, expected: { readBackKeys: true } },
    {
      name: 'is enough without a file',
      file: null,
      environment: { WGNODE_SECRETS: SECRET, WGNODE_TLS: 'off' },
      expected: { tls: null, hooks: { mode: 'grammar', allowed: [] }, readBackKeys: false, dropIn: false, port: 8443 },
    },
    { name: 'may hold names of others', environment: { PATH: '/bin', WGNODE_OTHER: 'x' }, expected: { port: 8443 } },
  ])('$name', ({ file = FILE, environment, expected }) => {
    expect(read(file, environment)).toMatchObject(expected);
  });

  test('a secret of it replaces those of the file', () => {
    expect(read(FILE, { WGNODE_SECRETS: OTHER }).secrets).toEqual([OTHER]);
  });

  test('a secret that looks like a number or like YAML stays text', () => {
    expect(read(FILE, { WGNODE_SECRETS: '1234567890123456' }).secrets).toEqual(['1234567890123456']);
    expect(read(FILE, { WGNODE_SECRETS: '[a, b]: {c} # 0123' }).secrets).toEqual(['[a, b]: {c} # 0123']);
  });
});

describe('drop-in: the variables of the old agent alone', () => {
  test('give what the old agent did', () => {
    expect(read(null, { WG_AGENT_SECRET: SECRET })).toEqual({
      host: '0.0.0.0',
      port: 8080,
      tls: null,
      secrets: [SECRET],
      maxTimestampAgeSeconds: 300,
      hooks: { mode: 'shell', allowed: [] },
      readBackKeys: true,
      interfaces: null,
      logLevel: 'info',
      metrics: null,
      dropIn: true,
    });
  });

  test.each<{ name: string; environment: Environment; expected: Partial<AgentSettings> }>([
    {
      name: 'host and port',
      environment: { WG_AGENT_HOST: '127.0.0.1', WG_AGENT_PORT: '9' },
      expected: { host: '127.0.0.1', port: 9 },
    },
    {
      name: 'the age of a timestamp',
      environment: { MAX_TIMESTAMP_AGE: '5' },
      expected: { maxTimestampAgeSeconds: 5 },
    },
    { name: 'a level', environment: { WG_AGENT_LOG_LEVEL: 'DEBUG' }, expected: { logLevel: 'debug' } },
    { name: "Python's warning", environment: { WG_AGENT_LOG_LEVEL: 'WARNING' }, expected: { logLevel: 'warn' } },
    { name: "Python's critical", environment: { WG_AGENT_LOG_LEVEL: 'CRITICAL' }, expected: { logLevel: 'error' } },
  ])('take $name', ({ environment, expected }) => {
    expect(read(null, { WG_AGENT_SECRET: SECRET, ...environment })).toMatchObject(expected);
  });

  test.each<{ name: string; file: string | null; environment: Environment }>([
    { name: 'a file', file: FILE, environment: { WG_AGENT_PORT: '9' } },
    { name: 'a new variable', file: null, environment: { WG_AGENT_SECRET: SECRET, WGNODE_TLS: 'off' } },
  ])('$name beside them closes everything', ({ file, environment }) => {
    expect(read(file, environment)).toMatchObject({ dropIn: false, hooks: { mode: 'grammar' }, readBackKeys: false });
  });

  test('and a new variable beside them asks for TLS', () => {
    expect(failure(null, { WG_AGENT_SECRET: SECRET, WGNODE_HOOKS: 'off' })).toBeInstanceOf(SettingsError);
  });
});

describe('the agent does not start', () => {
  test.each<{ name: string; file: string | null; environment?: Environment }>([
    { name: 'metrics for others without a token', file: `${FILE}metrics: {host: 0.0.0.0}\n` },
    {
      name: 'metrics for others without TLS',
      file: `secrets: [${SECRET}]\ntls: off\nmetrics: {host: 10.0.0.1, tokenFile: /t}\n`,
    },
    { name: 'a token file by a relative path', file: `${FILE}metrics: {tokenFile: token}\n` },
    { name: 'a port for metrics that is none', file: `${FILE}metrics: {port: 0}\n` },
    { name: 'a key of metrics that nobody knows', file: `${FILE}metrics: {path: /x}\n` },
    { name: 'with nothing', file: null },
    { name: 'with an empty file', file: '' },
    { name: 'N3: without a secret', file: 'tls: off\n' },
    { name: 'N3: with an empty list of secrets', file: 'tls: off\nsecrets: []\n' },
    { name: 'N3: with an empty secret', file: 'tls: off\nsecrets: [""]\n' },
    { name: 'N3: with a secret of 15 bytes', file: `tls: off\nsecrets: [${OTHER.slice(1)}]\n` },
    { name: 'N3: with a second secret that is short', file: `tls: off\nsecrets: [${SECRET}, short]\n` },
    { name: 'N3: with a secret that is a number', file: 'tls: off\nsecrets: [1234567890123456789]\n' },
    {
      name: 'N3: with the default secret of the old agent',
      file: null,
      environment: { WG_AGENT_SECRET: 'change-me-in-production' },
    },
    {
      name: 'N3: with that default secret among others',
      file: `tls: off\nsecrets: [${SECRET}, change-me-in-production]\n`,
    },
    { name: 'N3: with an empty secret of old', file: null, environment: { WG_AGENT_SECRET: '' } },
    { name: 'N4: without TLS', file: `secrets: [${SECRET}]\n` },
    { name: 'N4: with TLS that says nothing', file: `secrets: [${SECRET}]\ntls:\n` },
    { name: 'N4: with TLS that is true', file: `secrets: [${SECRET}]\ntls: true\n` },
    { name: 'with TLS without a key', file: `secrets: [${SECRET}]\ntls: {cert: /c}\n` },
    { name: 'with TLS with an unknown key', file: `secrets: [${SECRET}]\ntls: {cert: /c, key: /k, ca: /x}\n` },
    { name: 'with an unknown key', file: `${FILE}hook: shell\n` },
    { name: 'with an unknown key of listen', file: `${FILE}listen: {address: 0.0.0.0}\n` },
    { name: 'with listen as text', file: `${FILE}listen: 0.0.0.0:1\n` },
    { name: 'with port 0', file: `${FILE}listen: {port: 0}\n` },
    { name: 'with a port that is too high', file: `${FILE}listen: {port: 65536}\n` },
    {
      name: 'with a port of old that is none',
      file: null,
      environment: { WG_AGENT_SECRET: SECRET, WG_AGENT_PORT: '8080x' },
    },
    { name: 'with unknown hooks', file: `${FILE}hooks: on\n` },
    { name: 'with allowed commands that are no list', file: `${FILE}allowCommands: /bin/x\n` },
    { name: 'with an allowed command without a path', file: `${FILE}allowCommands: [{path: x.sh}]\n` },
    { name: 'with an allowed command that climbs', file: `${FILE}allowCommands: [{path: /etc/../tmp/x.sh}]\n` },
    { name: 'with a pattern that is none', file: `${FILE}allowCommands: [{path: /bin/x, args: ['(']}]\n` },
    { name: 'with a pattern that is no text', file: `${FILE}allowCommands: [{path: /bin/x, args: [1]}]\n` },
    { name: 'with an unknown key of an allowed command', file: `${FILE}allowCommands: [{path: /bin/x, arg: [a]}]\n` },
    { name: 'with readBackKeys that is neither', file: `${FILE}readBackKeys: yes please\n` },
    { name: 'with one interface as text', file: `${FILE}interfaces: wg0\n` },
    { name: 'N7: with a bad interface name', file: `${FILE}interfaces: [all]\n` },
    { name: 'with an unknown level', file: `${FILE}logLevel: trace\n` },
    { name: 'with an age of 0', file: `${FILE}maxTimestampAge: 0\n` },
    { name: 'with an age above an hour', file: `${FILE}maxTimestampAge: 3601\n` },
    { name: 'with an age with a fraction', file: `${FILE}maxTimestampAge: 1.5\n` },
    { name: 'with a signature scheme that is not built', file: `${FILE}minSignature: v2\n` },
    { name: 'with a list', file: '- a\n' },
    { name: 'with bad YAML in a variable', file: FILE, environment: { WGNODE_LISTEN: '{host: [' } },
  ])('$name', ({ file, environment }) => {
    expect(failure(file, environment)).toBeInstanceOf(SettingsError);
  });
});

describe('where neither file nor environment says how the agent is reached', () => {
  test.each([
    ['no file', null, /^There is no .*agent\.yaml: run wgnode-agent init$/],
    ['an empty file', '', /agent\.yaml says nothing: take it away and run wgnode-agent init/],
    ['a file of comments', '# listen: {port: 1}\n', /says nothing/],
  ])('%s: init is what helps', (_, text, message) => {
    for (const environment of [{}, { WGNODE_LOG_LEVEL: 'debug' }])
      expect(() => parseSettings(text, environment)).toThrow(message);
  });

  test('the environment may say all of it, whatever the file', () => {
    for (const text of [null, ''])
      expect(read(text, { WGNODE_TLS: 'off', WGNODE_SECRETS: SECRET })).toMatchObject({ secrets: [SECRET] });
  });
});

describe('N8: no failure repeats what may be a secret', () => {
  test.each<{ name: string; file: string | null; environment?: Environment }>([
    { name: 'bad YAML', file: `secrets: [${SECRET}\ntls: off\n` },
    { name: 'a quote that is left open', file: `tls: off\nsecrets: ["${SECRET}]\n` },
    { name: 'a tab before it', file: `secrets:\n\t- ${SECRET}\n` },
    { name: 'a key twice', file: `secrets: [a]\nsecrets: [${SECRET}]\n` },
    { name: 'a file that is the secret alone', file: SECRET },
    { name: 'a short secret', file: `tls: off\nsecrets: [${SECRET}, ${SECRET.slice(0, 8)}]\n` },
    { name: 'a secret in a mapping', file: `tls: off\nsecrets: {first: ${SECRET}}\n` },
    { name: 'a secret in the wrong place', file: `tls: off\nsecrets: [${SECRET}]\nhooks: ${SECRET}\n` },
    { name: 'bad YAML in a variable', file: FILE, environment: { WGNODE_TLS: `{key: "${SECRET}` } },
  ])('$name', ({ file, environment }) => {
    const error = failure(file, environment);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain(SECRET.slice(0, 8));
  });
});
