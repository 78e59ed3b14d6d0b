import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../../test/fixtures/cidr.ts';
import fc from 'fast-check';
import { arbitraryConfig, RUNS } from '../../../test/fixtures/arbitraries.ts';
import type { PutConfigBody } from '../messages.ts';
import { InterfaceKey } from '../interface-key.ts';
import { Secret } from '../secret.ts';
import { changedFields, EMPTY_CONFIG, type InterfaceConfig } from './config.ts';

import { FIELD_NAMES } from './fields.ts';
import { configFromPut, configFromSpec, putFromConfig, specFromConfig } from './wire.ts';

const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';

const PREVIOUS: InterfaceConfig = {
  ...EMPTY_CONFIG,
  privateKey: InterfaceKey.fromPrivate(new Secret(Buffer.alloc(32, 9).toString('base64'))),
  listenPort: 1111,
  fwMark: 7,
  addresses: [cidr('10.9.0.1/24')],
  mtu: 1300,
  dns: ['192.0.2.53'],
  table: 'off',
  preUp: ['previous pre-up'],
  postUp: ['previous post-up'],
  preDown: ['previous pre-down'],
  postDown: ['previous post-down'],
  invalid: { addresses: ['x'], mtu: ['y'] },
};

const put = (body: Partial<PutConfigBody>): InterfaceConfig => configFromPut({ private_key: KEY, ...body }, PREVIOUS);

describe('a field that is left out', () => {
  const config = put({});

  test('N25: is kept when the panel never sends it', () => {
    expect({ addresses: config.addresses, table: config.table }).toEqual({
      addresses: [cidr('10.9.0.1/24')],
      table: 'off',
    });
  });

  test('N15: is kept when old clients do not know it', () => {
    const { fwMark, preUp, postDown } = config;
    expect({ fwMark, preUp, postDown }).toEqual({
      fwMark: 7,
      preUp: ['previous pre-up'],
      postDown: ['previous post-down'],
    });
  });

  test('case M2: keeps what its line says beside values, where it is kept itself', () => {
    expect(config.invalid).toEqual({ addresses: ['x'] });
  });

  test('is removed otherwise, as the old agent does', () => {
    const { listenPort, mtu, dns, postUp, preDown } = config;
    expect({ listenPort, mtu, dns, postUp, preDown }).toEqual({
      listenPort: null,
      mtu: null,
      dns: [],
      postUp: [],
      preDown: [],
    });
  });
});

describe('a field that is sent', () => {
  test.each<{ name: string; body: Partial<PutConfigBody>; expected: Partial<InterfaceConfig> }>([
    { name: 'null removes the addresses', body: { address: null }, expected: { addresses: [] } },
    { name: 'the empty text removes the addresses', body: { address: '' }, expected: { addresses: [] } },
    { name: 'null makes the table automatic', body: { table: null }, expected: { table: null } },
    { name: 'auto makes the table automatic', body: { table: 'auto' }, expected: { table: null } },
    {
      name: 'case M2: a table that is none is beside the values, as in the file that it was read from',
      body: { table: 'a b' },
      expected: { table: null, invalid: { addresses: ['x'], table: ['a b'] } },
    },
    { name: 'null removes the mark', body: { fw_mark: null }, expected: { fwMark: null } },
    {
      name: '0 removes mark, port and MTU',
      body: { fw_mark: 0, listen_port: 0, mtu: 0 },
      expected: { fwMark: null, listenPort: null, mtu: null },
    },
    {
      name: 'null removes hooks that old clients do not know',
      body: { pre_up: null, post_down: '' },
      expected: { preUp: [], postDown: [] },
    },
    {
      name: 'addresses by comma become canonical',
      body: { address: '10.0.0.1/24, FD00:0::1/64,10.0.0.2' },
      expected: { addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64'), cidr('10.0.0.2/32')] },
    },
    {
      name: 'a list of addresses is taken too',
      body: { address: ['10.0.0.1'] },
      expected: { addresses: [cidr('10.0.0.1/32')] },
    },
    {
      name: 'an address that is none is beside the values, for validation to refuse',
      body: { address: ['x'] },
      expected: { addresses: [], invalid: { addresses: ['x'] } },
    },
    {
      name: 'N5: a line feed splits no list',
      body: { dns: '1.1.1.1\nPostUp=a' },
      expected: { dns: [], invalid: expect.objectContaining({ dns: ['1.1.1.1\nPostUp=a'] }) as never },
    },
    { name: 'a hook as text is one hook', body: { post_up: ' a; b ' }, expected: { postUp: ['a; b'] } },
    { name: 'hooks as a list are trimmed', body: { pre_down: [' a', 'b '] }, expected: { preDown: ['a', 'b'] } },
    { name: 'an empty key is none', body: { private_key: '' }, expected: { privateKey: null } },
  ])('$name', ({ body, expected }) => {
    expect(put(body)).toEqual(expect.objectContaining(expected));
  });
});

test('T2: a PUT of a whole configuration asks for exactly that, whatever there was', () => {
  fc.assert(
    fc.property(arbitraryConfig, arbitraryConfig, (config, previous) => {
      const body = JSON.parse(JSON.stringify(putFromConfig(config))) as PutConfigBody;
      expect(changedFields(configFromPut(body, previous), config)).toEqual([]);
    }),
    RUNS,
  );
});

test('T2: a wire specification reads back as the configuration without its key', () => {
  fc.assert(
    fc.property(arbitraryConfig, fc.boolean(), (config, saves) => {
      const spec = specFromConfig(config, saves);
      expect(spec.save_config).toBe(saves);
      expect(JSON.stringify(spec)).not.toContain(config.privateKey?.privateKey?.reveal());
      expect(changedFields(configFromSpec(spec), { ...config, privateKey: null })).toEqual([]);
    }),
    RUNS,
  );
});

test('an empty configuration is sent in full', () => {
  const sent = putFromConfig(EMPTY_CONFIG);
  expect(Object.keys(sent)).toHaveLength(FIELD_NAMES.length);
  expect(sent).toMatchObject({
    private_key: '',
    listen_port: null,
    address: [],
    mtu: null,
    dns: [],
    table: null,
    fw_mark: null,
    pre_up: [],
    post_up: [],
    pre_down: [],
    post_down: [],
  });
});
