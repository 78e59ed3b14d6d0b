import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../../test/fixtures/cidr.ts';
import fc from 'fast-check';
import { parseCidr } from '../../../agent/protocol/address.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import { publicKeyOf } from '../../../agent/protocol/key.ts';
import type { ConfigResponse, WireLive } from '../../../agent/protocol/messages.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../../../agent/protocol/wgquick/document.ts';
import { render } from '../../../agent/protocol/wgquick/render.ts';
import { configFromPut, putFromConfig, specFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import { validate } from '../../../agent/protocol/validate.ts';
import type { InterfaceSpec } from '../../api/wireguardnode.generated.ts';
import { configOf, type Desired } from '../../policy/desired.ts';
import { differencesOf } from '../../policy/differences.ts';
import type { Observation } from '../../policy/observation.ts';
import { observationOf } from './observation.ts';
import { RUNS } from '../../../test/fixtures/arbitraries.ts';

const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
const PUBLIC_KEY = publicKeyOf(KEY);
const OTHER_KEY = publicKeyOf(new Secret(Buffer.alloc(32, 9).toString('base64')));

const desiredWith = (config: Partial<InterfaceConfig> = {}, state: Desired['state'] = 'up'): Desired => ({
  config: { ...EMPTY_CONFIG, privateKey: InterfaceKey.fromPrivate(KEY), ...config },
  name: 'wg0',
  publicKey: PUBLIC_KEY,
  state,
  specHash: '',
});

/** What an agent answers whose host has exactly `config`, file and kernel; what the file leaves open the kernel has chosen. */
function responseOf(config: InterfaceConfig, state: 'up' | 'down' = 'up'): ConfigResponse {
  const live: WireLive = {
    listen_port: config.listenPort ?? 34_567,
    fw_mark: config.fwMark,
    address: [...config.addresses].reverse(),
    mtu: config.mtu ?? 1_420,
    link_up: true,
    peer_count: 3,
  };
  return {
    interface: 'wg0',
    config: {
      private_key: null,
      listen_port: null,
      address: null,
      post_up: null,
      pre_down: null,
      mtu: null,
      dns: null,
      table: null,
      raw_config: '',
    },
    spec: specFromConfig(config, false),
    live: state === 'up' ? live : null,
    state,
    public_key: PUBLIC_KEY,
    live_public_key: state === 'up' ? PUBLIC_KEY : null,
    unmanaged: [],
    drift: [],
    digest: 'digest',
  };
}

const HEALTH = { status: 'ok', timestamp: 0, uptime: 1, version: '0.1.0' } as const;
const ABSENT = observationOf(HEALTH, { kind: 'absent' });
const present = (response: ConfigResponse): Observation =>
  observationOf(HEALTH, { kind: 'present', response, etag: '' });
const withLive = (response: ConfigResponse, over: Partial<WireLive>): ConfigResponse => ({
  ...response,
  live: response.live === null ? null : { ...response.live, ...over },
});
const pathsOf = (desired: Desired, response: ConfigResponse): string[] =>
  differencesOf(desired, present(response)).map(({ path }) => path);

describe('each field that differs in the file is one difference; what a change does is for the plan to say', () => {
  test.each<{
    name: keyof InterfaceConfig;
    wanted: Partial<InterfaceConfig>;
    had: Partial<InterfaceConfig>;
  }>([
    { name: 'listenPort', wanted: { listenPort: 51_820 }, had: { listenPort: 51_821 } },
    { name: 'listenPort', wanted: {}, had: { listenPort: 51_821 } },
    { name: 'fwMark', wanted: { fwMark: 1 }, had: {} },
    {
      name: 'addresses',
      wanted: { addresses: [cidr('10.0.0.1/24')] },
      had: { addresses: [cidr('10.0.0.2/24')] },
    },
    { name: 'addresses', wanted: {}, had: { addresses: [cidr('10.0.0.2/24')] } },
    { name: 'mtu', wanted: { mtu: 1_400 }, had: { mtu: 1_420 } },
    { name: 'mtu', wanted: {}, had: { mtu: 1_420 } },
    {
      name: 'dns',
      wanted: { dns: ['10.0.0.53', '10.0.0.54'] },
      had: { dns: ['10.0.0.54', '10.0.0.53'] },
    },
    { name: 'table', wanted: { table: 'off' }, had: {} },
    { name: 'preUp', wanted: { preUp: ['a'] }, had: {} },
    { name: 'postUp', wanted: { postUp: ['a', 'b'] }, had: { postUp: ['b', 'a'] } },
    { name: 'preDown', wanted: {}, had: { preDown: ['a'] } },
    { name: 'postDown', wanted: { postDown: ['a'] }, had: { postDown: ['b'] } },
  ])('$name: $wanted instead of $had', ({ name, wanted, had }) => {
    const response = responseOf({ ...EMPTY_CONFIG, ...had });
    expect(differencesOf(desiredWith(wanted), present(response))).toMatchObject([{ path: `spec.interface.${name}` }]);
  });

  test('privateKey: shown as public keys', () => {
    const response = { ...responseOf(EMPTY_CONFIG), public_key: OTHER_KEY, live_public_key: OTHER_KEY };
    expect(differencesOf(desiredWith(), present(response))).toEqual([
      {
        path: 'spec.interface.privateKeySecretRef',
        desired: PUBLIC_KEY,
        file: OTHER_KEY,
        live: OTHER_KEY,
      },
    ]);
  });

  test('the values are told as text', () => {
    const response = withLive(responseOf({ ...EMPTY_CONFIG, mtu: 1_420 }), { mtu: 1_300 });
    expect(differencesOf(desiredWith({ mtu: 1_400 }), present(response))).toEqual([
      { path: 'spec.interface.mtu', desired: '1400', file: '1420', live: '1300' },
    ]);
  });
});

describe('the state', () => {
  test('an interface that is neither in file nor in kernel is one difference', () => {
    expect(differencesOf(desiredWith(), ABSENT)).toEqual([
      { path: 'spec.interface.name', desired: 'present', file: 'absent', live: 'absent' },
    ]);
  });

  test.each([
    { name: 'down instead of up can come up without harm', wanted: 'up', is: 'down' },
    { name: 'up instead of down has to be taken down', wanted: 'down', is: 'up' },
  ] as const)('$name', ({ wanted, is }) => {
    expect(differencesOf(desiredWith({}, wanted), present(responseOf(EMPTY_CONFIG, is)))).toMatchObject([
      { path: 'spec.interface.state' },
    ]);
  });

  test('an interface that is wanted down and is down is in sync', () => {
    expect(differencesOf(desiredWith({}, 'down'), present(responseOf(EMPTY_CONFIG, 'down')))).toEqual([]);
  });
});

const FULL: InterfaceConfig = {
  ...EMPTY_CONFIG,
  privateKey: InterfaceKey.fromPrivate(KEY),
  listenPort: 51_820,
  fwMark: 7,
  addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64')],
  mtu: 1_420,
};

describe('a kernel that differs from a file that is right', () => {
  test.each<{ name: string; over: Partial<WireLive>; path: string }>([
    { name: 'another port', over: { listen_port: 1 }, path: 'listenPort' },
    { name: 'another mark', over: { fw_mark: null }, path: 'fwMark' },
    { name: 'another MTU', over: { mtu: 1_280 }, path: 'mtu' },
    { name: 'a missing address', over: { address: [cidr('10.0.0.1/24')] }, path: 'addresses' },
  ])('$name is drift', ({ over, path }) => {
    expect(pathsOf(desiredWith(FULL), withLive(responseOf(FULL), over))).toEqual([`spec.interface.${path}`]);
  });

  test('another key is drift', () => {
    const response = { ...responseOf(FULL), live_public_key: OTHER_KEY };
    expect(pathsOf(desiredWith(FULL), response)).toEqual(['spec.interface.privateKeySecretRef']);
  });

  test.each<{ name: string; over: Partial<WireLive> }>([
    { name: 'an address more', over: { address: [cidr('10.0.0.1/24'), cidr('192.0.2.1/32'), cidr('fd00::1/64')] } },
    { name: 'T3: another number of peers', over: { peer_count: 99 } },
  ])('$name is no drift', ({ over }) => {
    expect(pathsOf(desiredWith(FULL), withLive(responseOf(FULL), over))).toEqual([]);
  });

  test.each<{ name: string; over: Partial<WireLive> }>([
    { name: 'a port', over: { listen_port: 40_000 } },
    { name: 'an MTU', over: { mtu: 1_380 } },
    { name: 'a mark', over: { fw_mark: 51_820 } },
  ])('$name that the spec leaves open is no drift', ({ over }) => {
    expect(pathsOf(desiredWith(), withLive(responseOf(EMPTY_CONFIG), over))).toEqual([]);
  });
});

describe('what the agent reports as drift between its file and kernel', () => {
  const reported = { path: 'spec.interface.table', file: 'auto', live: 'routes are missing', impact: 'None' } as const;

  test('is a difference, with the file as what is wanted', () => {
    expect(differencesOf(desiredWith(), present({ ...responseOf(EMPTY_CONFIG), drift: [reported] }))).toEqual([
      { ...reported, desired: 'auto' },
    ]);
  });

  test('does not repeat a path that we found ourselves', () => {
    const drift = [{ path: 'spec.interface.mtu', file: '1420', live: '1280', impact: 'None' }] as const;
    const response = withLive({ ...responseOf(FULL), drift }, { mtu: 1_280 });
    expect(pathsOf(desiredWith(FULL), response)).toEqual(['spec.interface.mtu']);
  });

  test('does not count while the interface is wanted down', () => {
    const response = { ...responseOf(EMPTY_CONFIG), drift: [reported] };
    expect(pathsOf(desiredWith({}, 'down'), response)).toEqual(['spec.interface.state']);
  });
});

describe('T2: spellings that mean the same are no difference', () => {
  test.each<{ name: string; wanted: Partial<InterfaceConfig>; had: Partial<InterfaceConfig> }>([
    {
      name: 'hooks that an old client joined in one line',
      wanted: { postUp: ['iptables -A FORWARD -i %i -j ACCEPT', 'sysctl -w a=1'] },
      had: { postUp: ['iptables -A FORWARD -i %i -j ACCEPT; sysctl -w a=1'] },
    },
    {
      name: 'addresses in another order',
      wanted: { addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64')] },
      had: { addresses: [cidr('fd00::1/64'), cidr('10.0.0.1/24')] },
    },
  ])('$name', ({ wanted, had }) => {
    expect(pathsOf(desiredWith(wanted), responseOf({ ...EMPTY_CONFIG, ...had }))).toEqual([]);
  });
});

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const prefix = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(''),
    fc.nat(most).map((length) => `/${String(length)}`),
  );
const cidrText = fc.oneof(
  fc.tuple(fc.ipV4(), prefix(32)).map((parts) => parts.join('')),
  fc.tuple(fc.ipV6(), prefix(128)).map((parts) => parts.join('')),
  fc.tuple(fc.ipV6(), prefix(128)).map((parts) => parts.join('').toUpperCase()),
);
const hook = fc.constantFrom(
  'iptables -A FORWARD -i %i -j ACCEPT',
  '  ip -6 rule add fwmark 1  table 7 ',
  'sysctl -w net.ipv4.ip_forward=1',
  'nft add rule inet filter forward iifname "%i" accept',
  'a; b',
);
const hooks = optional(fc.array(hook, { maxLength: 4 }));
const addresses = fc.uniqueArray(cidrText, { maxLength: 6, selector: (text) => parseCidr(text) ?? text });

const legalSpec: fc.Arbitrary<InterfaceSpec> = fc
  .record({
    listenPort: optional(fc.integer({ min: 1, max: 65_535 })),
    fwMark: optional(fc.integer({ min: 1, max: 0xffffffff })),
    addresses: optional(addresses),
    mtu: optional(fc.integer({ min: 1_280, max: 65_535 })),
    dns: optional(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('corp.example', 'Lab_1')), { maxLength: 4 })),
    table: optional(
      fc.oneof(fc.constantFrom('Auto' as const, 'None' as const), fc.integer({ min: 1, max: 0xffffffff })),
    ),
    preUp: hooks,
    postUp: hooks,
    preDown: hooks,
    postDown: hooks,
  })
  .map((fields) => {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return { name: 'wg0', state: 'Up', privateKeySecretRef: { name: 'fra1-wg0', key: 'privateKey' }, ...given };
  });

const legalConfig = legalSpec
  .map((spec): InterfaceConfig => ({ ...configOf(spec), privateKey: InterfaceKey.fromPrivate(KEY) }))
  .filter((config) => validate(config).length === 0);
const stateOf = fc.constantFrom('up' as const, 'down' as const);

test('T2: a host that holds exactly what was sent is in sync, for every legal spec', () => {
  const property = fc.property(legalConfig, legalConfig, stateOf, (config, previous, state) => {
    const sent = configFromPut(putFromConfig(config), previous);
    expect(differencesOf(desiredWith(config, state), present(responseOf(sent, state)))).toEqual([]);
  });
  fc.assert(property, RUNS);
});

test('T2: nor does a way through the file of the host make a difference', () => {
  const property = fc.property(legalConfig, legalConfig, stateOf, (config, previous, state) => {
    const file = render(
      parseDocument(`${render(parseDocument(''), previous)}\n[Peer]\nPublicKey = ${OTHER_KEY}\n`),
      config,
    );
    const read = interfaceOf(parseDocument(file));
    expect(differencesOf(desiredWith(config, state), present(responseOf(read, state)))).toEqual([]);
  });
  fc.assert(property, RUNS);
});

test('T14: no difference shows the private key', () => {
  const property = fc.property(legalConfig, legalConfig, (wanted, had) => {
    const response = { ...responseOf(had), public_key: OTHER_KEY, live_public_key: OTHER_KEY };
    expect(JSON.stringify(differencesOf(desiredWith(wanted), present(response)))).not.toContain(KEY.reveal());
  });
  fc.assert(property);
});
