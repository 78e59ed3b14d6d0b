import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { KEY, KEY_PAIR } from '../../test/support/observed-host.ts';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { EMPTY_CONFIG } from '../../agent/protocol/wgquick/config.ts';
import { FIELD_NAMES, fieldOf } from '../../agent/protocol/wgquick/fields.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import type { InterfaceSpec, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { configOf, desired, keyReadOf, privateKeyOf, specMoved } from './desired.ts';
import type { KeyRead, SecretRead } from './input.ts';

const specWith = (over: Partial<InterfaceSpec>): InterfaceSpec => ({ ...nodeWith().spec.interface, ...over });

describe('T2: every spelling of an address becomes the one that the host reports', () => {
  test.each([
    ['10.0.0.1/24', '10.0.0.1/24'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.1/0', '10.0.0.1/0'],
    ['fd00::1', 'fd00::1/128'],
    ['FD00:0010::1/64', 'fd00:10::1/64'],
    ['fd00:0:0:0:0:0:0:1/64', 'fd00::1/64'],
    ['2001:db8::0:1/64', '2001:db8::1/64'],
    ['2001:db8:0:1:1:1:1:1/64', '2001:db8:0:1:1:1:1:1/64'],
    ['::ffff:10.0.0.1/128', '::ffff:10.0.0.1/128'],
  ])('%s is %s', (given, canonical) => {
    expect(configOf(specWith({ addresses: [given] })).addresses).toEqual([canonical]);
  });
});

describe('T2: the routing table', () => {
  test.each([
    { name: 'left out is not in the file', table: undefined, expected: null },
    { name: 'Auto is not in the file', table: 'Auto' as const, expected: null },
    { name: "None is wg-quick's off", table: 'None' as const, expected: 'off' },
    { name: 'a number is that number', table: 51_820, expected: '51820' },
    { name: 'the greatest number is no other number', table: 4_294_967_295, expected: '4294967295' },
  ])('$name', ({ table, expected }) => {
    const spec = table === undefined ? specWith({}) : specWith({ table });
    expect(configOf(spec).table).toBe(expected);
  });
});

test('a field that is left out is not in the file, and neither is a key', () => {
  expect(configOf(specWith({}))).toEqual(EMPTY_CONFIG);
});

test('every field goes to its place, hooks without the white space around them and with %i as it is', () => {
  const spec = specWith({
    listenPort: 51_820,
    fwMark: 2,
    mtu: 1_280,
    dns: ['10.0.0.53', 'corp.example'],
    preUp: [' a %i'],
    postUp: ['b %i '],
    preDown: ['c'],
    postDown: ['d', 'e'],
  });
  expect(configOf(spec)).toMatchObject({
    listenPort: 51_820,
    fwMark: 2,
    mtu: 1_280,
    dns: ['10.0.0.53', 'corp.example'],
    preUp: ['a %i'],
    postUp: ['b %i'],
    preDown: ['c'],
    postDown: ['d', 'e'],
  });
});

test('a PUT names every field, so that nothing is left to the defaults of an agent', () => {
  const body = putFromConfig(configOf(specWith({})));
  expect(Object.values(body)).not.toContain(undefined);
  expect(Object.keys(body)).toEqual(FIELD_NAMES.map((name) => fieldOf(name).wire.name));
});

const found = (data: Readonly<Record<string, string>>): SecretRead => ({
  kind: 'found',
  data: new Map(Object.entries(data).map(([key, value]) => [key, new Secret(value)])),
});

describe('keyReadOf', () => {
  test.each<{ name: string; read: SecretRead; kind: KeyRead['kind'] }>([
    { name: 'a key', read: found({ privateKey: KEY.reveal() }), kind: 'found' },
    {
      name: 'a key with the newline of `wg genkey > file`',
      read: found({ privateKey: `${KEY.reveal()}\n` }),
      kind: 'found',
    },
    { name: 'another entry', read: found({ other: KEY.reveal() }), kind: 'no-entry' },
    { name: 'no key', read: found({ privateKey: 'bad' }), kind: 'no-key' },
    { name: 'nothing', read: found({ privateKey: '' }), kind: 'no-key' },
    { name: 'no Secret', read: { kind: 'missing' }, kind: 'missing' },
    { name: 'no rights', read: { kind: 'forbidden' }, kind: 'forbidden' },
  ])('of $name is $kind', ({ read, kind }) => {
    expect(keyReadOf(nodeWith(), read).kind).toBe(kind);
  });

  test('keeps the public half alone', () => {
    const read = keyReadOf(nodeWith(), found({ privateKey: KEY.reveal() }));
    if (read.kind !== 'found') throw new Error(read.kind);
    expect([read.key.publicKey, read.key.privateKey]).toEqual([publicKeyOf(KEY), null]);
  });
});

describe('privateKeyOf', () => {
  test.each([
    { name: 'the newline of `wg genkey > file` is no part of the key', text: `${KEY.reveal()}\n` },
    { name: 'nor is that of another system', text: `${KEY.reveal()}\r\n` },
    { name: 'a key without one is taken as it is', text: KEY.reveal() },
  ])('$name', ({ text }) => {
    expect(privateKeyOf(nodeWith(), found({ privateKey: text }))?.reveal()).toBe(KEY.reveal());
  });

  test.each([
    { name: 'a Secret that is missing has none', read: { kind: 'missing' } as const },
    { name: 'a Secret that may not be read has none', read: { kind: 'forbidden' } as const },
    { name: 'a Secret with other keys has none', read: found({ other: 'x' }) },
  ])('$name', ({ read }) => {
    expect(privateKeyOf(nodeWith(), read)).toBeUndefined();
  });

  test('the key is looked up under the name that the object gives', () => {
    const node = nodeWith(({ spec }) => {
      spec.interface.privateKeySecretRef.key = 'wg0.key';
    });
    expect(privateKeyOf(node, found({ 'wg0.key': KEY.reveal(), privateKey: 'x' }))?.reveal()).toBe(KEY.reveal());
  });
});

describe('desired', () => {
  test.each([
    ['Up', 'up'],
    ['Down', 'down'],
  ] as const)('the state %s is %s', (state, expected) => {
    const node = nodeWith(({ spec }) => {
      spec.interface.state = state;
    });
    expect(desired(node, KEY_PAIR).state).toBe(expected);
  });

  test('the public key belongs to the private one', () => {
    const { publicKey, config } = desired(nodeWith(), KEY_PAIR);
    expect([publicKey, config.privateKey]).toEqual([publicKeyOf(KEY), KEY_PAIR]);
  });

  test('without a key none is wanted, and the rest is', () => {
    const { publicKey, config, specHash } = desired(nodeWith(), null);
    expect([publicKey, config.privateKey]).toEqual(['', null]);
    expect(specHash).toBe(desired(nodeWith(), KEY_PAIR).specHash);
  });

  test('the hash of the spec does not depend on the order of its keys', () => {
    const spec = specWith({ mtu: 1_420, listenPort: 51_820 });
    const turned = Object.fromEntries(Object.entries(spec).reverse()) as unknown as InterfaceSpec;
    const hashOf = (value: InterfaceSpec): string =>
      desired({ ...nodeWith(), spec: { ...nodeWith().spec, interface: value } }, KEY_PAIR).specHash;
    expect(hashOf(turned)).toBe(hashOf(spec));
  });

  test.each([
    {
      name: 'another MTU',
      same: false,
      edit: ({ spec }: WireGuardNode) => {
        spec.interface.mtu = 1_400;
      },
    },
    {
      name: 'another state',
      same: false,
      edit: ({ spec }: WireGuardNode) => {
        spec.interface.state = 'Down';
      },
    },
    {
      name: 'another name of the Secret',
      same: false,
      edit: ({ spec }: WireGuardNode) => {
        spec.interface.privateKeySecretRef.name = 'other';
      },
    },
    {
      name: 'another interval, which the host does not see',
      same: true,
      edit: ({ spec }: WireGuardNode) => {
        spec.management.intervalSeconds = 5;
      },
    },
  ])('the hash of the spec with $name: same = $same', ({ edit, same }) => {
    expect(desired(nodeWith(edit), KEY_PAIR).specHash === desired(nodeWith(), KEY_PAIR).specHash).toBe(same);
  });

  test('T14: the key shows in no print of what is desired', () => {
    expect(JSON.stringify(desired(nodeWith(), KEY_PAIR))).not.toContain(KEY.reveal());
  });
});

describe('specMoved', () => {
  /** A node that was applied and then edited. */
  const editedNode = (edit: (node: WireGuardNode) => void): WireGuardNode =>
    nodeWith((node) => {
      node.status.applied = { generation: 3, specHash: desired(node, KEY_PAIR).specHash, url: node.spec.agent.url };
      node.spec = structuredClone(node.spec);
      edit(node);
    });

  test.each<{ name: string; edit: (node: WireGuardNode) => void; expected: boolean }>([
    { name: 'nothing at all', edit: () => undefined, expected: false },
    {
      name: 'suspend alone',
      edit: (node) => {
        Object.assign(node.metadata, { generation: 4 });
        node.spec.suspend = true;
      },
      expected: false,
    },
    {
      name: 'the interval, which the host does not see',
      edit: ({ spec }) => {
        spec.management.intervalSeconds = 5;
      },
      expected: false,
    },
    {
      name: 'the interface',
      edit: ({ spec }) => {
        spec.interface.mtu = 1_400;
      },
      expected: true,
    },
    {
      name: 'the interface and suspend',
      edit: ({ spec }) => {
        Object.assign(spec, { suspend: true, interface: { ...spec.interface, state: 'Down' } });
      },
      expected: true,
    },
    {
      name: 'the host',
      edit: ({ spec }) => {
        spec.agent.url = 'https://ams1.example.net:8443';
      },
      expected: true,
    },
    {
      name: 'the spelling of the host (C18)',
      edit: ({ spec }) => {
        spec.agent.url += '/';
      },
      expected: false,
    },
  ])('an edit of $name: $expected', ({ edit, expected }) => {
    expect(specMoved(editedNode(edit))).toBe(expected);
  });

  test('what was never applied cannot have moved', () => {
    expect(specMoved(nodeWith())).toBe(false);
  });
});
