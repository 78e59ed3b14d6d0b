import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../../test/fixtures/cidr.ts';
import fc from 'fast-check';
import { arbitraryConfig, RUNS } from '../../../test/fixtures/arbitraries.ts';
import { InterfaceKey } from '../interface-key.ts';
import { Secret } from '../secret.ts';
import { changedFields, EMPTY_CONFIG, type InterfaceConfig } from './config.ts';
import { markKeys } from '../redact.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from './fields.ts';
import { render } from './render.ts';
import { joinedHooks } from './field-kinds.ts';
import { interfaceOf, parseDocument } from './document.ts';

const aKey = (byte: number): InterfaceKey =>
  InterfaceKey.fromPrivate(new Secret(Buffer.alloc(32, byte).toString('base64')));

const read = (lines: string): InterfaceConfig => interfaceOf(parseDocument(`[Interface]\n${lines}\n`));

describe('values as wg and wg-quick take them', () => {
  test.each<{ name: string; lines: string; expected: Partial<InterfaceConfig> }>([
    { name: 'a port', lines: 'ListenPort = 51820', expected: { listenPort: 51820 } },
    { name: 'a key in capitals', lines: 'LISTENPORT = 51820', expected: { listenPort: 51820 } },
    { name: 'the last of two ports', lines: 'ListenPort = 1\nListenPort = 2', expected: { listenPort: 2 } },
    { name: 'port 0, which is random', lines: 'ListenPort = 0', expected: { listenPort: null } },
    {
      name: 'a service name, which only wg can resolve',
      lines: 'ListenPort = domain',
      expected: { listenPort: null, invalid: { listenPort: ['domain'] } },
    },
    { name: 'a port that is too high', lines: 'ListenPort = 65536', expected: { invalid: { listenPort: ['65536'] } } },
    { name: 'a port in hex', lines: 'ListenPort = 0x10', expected: { invalid: { listenPort: ['0x10'] } } },
    { name: 'a mark in hex', lines: 'FwMark = 0xCA6c', expected: { fwMark: 0xca6c } },
    { name: 'the highest mark', lines: 'FwMark = 0xffffffff', expected: { fwMark: 0xffffffff } },
    { name: 'a mark with a leading zero, which is decimal', lines: 'FwMark = 010', expected: { fwMark: 10 } },
    { name: 'a mark that is off', lines: 'FwMark = OFF', expected: { fwMark: null } },
    { name: 'a mark of zero', lines: 'FwMark = 0x0', expected: { fwMark: null } },
    { name: 'a mark above 32 bits', lines: 'FwMark = 4294967296', expected: { invalid: { fwMark: ['4294967296'] } } },
    { name: 'a mark with a capital X', lines: 'FwMark = 0X10', expected: { invalid: { fwMark: ['0X10'] } } },
    { name: 'a table', lines: 'Table = 123', expected: { table: '123' } },
    { name: 'table auto, the default', lines: 'Table = auto', expected: { table: null } },
    { name: 'table off', lines: 'Table = off', expected: { table: 'off' } },
    { name: 'table OFF, which is a name to wg-quick', lines: 'Table = OFF', expected: { table: 'OFF' } },
    { name: 'an empty table', lines: 'Table =', expected: { table: null } },
    {
      name: 'addresses in several lines, by comma and by space',
      lines: 'Address = 10.0.0.1/24,FD00::1/64\nAddress = 10.0.0.2 10.0.0.3',
      expected: { addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64'), cidr('10.0.0.2/32'), cidr('10.0.0.3/32')] },
    },
    {
      name: 'one address written twice',
      lines: 'Address = fd00::1/64, FD00:0::1/64',
      expected: { addresses: [cidr('fd00::1/64')] },
    },
    { name: 'an empty address line', lines: 'Address =', expected: { addresses: [] } },
    {
      name: 'an address that is none, beside one that is',
      lines: 'Address = 10.0.0.300/24, 10.0.0.1/24',
      expected: { addresses: [cidr('10.0.0.1/24')], invalid: { addresses: ['10.0.0.300/24'] } },
    },
    { name: 'an empty port, which wg refuses', lines: 'ListenPort =', expected: { invalid: { listenPort: [''] } } },
    {
      name: 'a bad port before a good one, which wg refuses all the same',
      lines: 'ListenPort = x\nListenPort = 5',
      expected: { listenPort: 5, invalid: { listenPort: ['x'] } },
    },
    {
      name: 'a bad MTU before a good one, which wg-quick never looks at',
      lines: 'MTU = x\nMTU = 1400',
      expected: { mtu: 1400 },
    },
    { name: 'an MTU that is none', lines: 'MTU = 1400 bytes', expected: { invalid: { mtu: ['1400 bytes'] } } },
    { name: 'a table of any spelling that ip may know', lines: 'Table = vpn:1', expected: { table: 'vpn:1' } },
    { name: 'a table that is none', lines: 'Table = a b', expected: { invalid: { table: ['a b'] } } },
    {
      name: 'a server that is none',
      lines: 'DNS = 1.1.1.1, 1.1.1.300',
      expected: { dns: ['1.1.1.1'], invalid: { dns: ['1.1.1.300'] } },
    },
    {
      name: 'N8: a private key that is none, of which nothing is repeated',
      lines: 'PrivateKey = almost',
      expected: { invalid: { privateKey: ['[redacted]'] } },
    },
    {
      name: 'servers and domains in their order',
      lines: 'DNS = 1.1.1.1, example.org\nDNS = 9.9.9.9',
      expected: { dns: ['1.1.1.1', 'example.org', '9.9.9.9'] },
    },
    { name: 'hooks in several lines', lines: 'PostUp = b\nPostUp = a', expected: { postUp: ['b', 'a'] } },
    { name: 'an empty hook, which does nothing', lines: 'PostUp =', expected: { postUp: [] } },
  ])('$name', ({ lines, expected }) => {
    expect(read(lines)).toEqual({ ...EMPTY_CONFIG, ...expected });
  });

  test('the last private key wins', () => {
    const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
    expect(
      read(`PrivateKey = ${first ?? ''}\nPrivateKey = ${second ?? ''} # new`).privateKey?.privateKey?.reveal(),
    ).toBe(second);
  });
});

describe('T2: equality', () => {
  const changed = (left: Partial<InterfaceConfig>, right: Partial<InterfaceConfig>): string[] =>
    changedFields({ ...EMPTY_CONFIG, ...left }, { ...EMPTY_CONFIG, ...right });

  test.each<{ name: string; left: Partial<InterfaceConfig>; right: Partial<InterfaceConfig>; fields: string[] }>([
    {
      name: 'the order of addresses says nothing',
      left: { addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64')] },
      right: { addresses: [cidr('fd00::1/64'), cidr('10.0.0.1/24')] },
      fields: [],
    },
    { name: 'the order of servers counts', left: { dns: ['a', 'b'] }, right: { dns: ['b', 'a'] }, fields: ['dns'] },
    { name: 'two hook lines equal one joined', left: { postUp: ['a', 'b'] }, right: { postUp: ['a; b'] }, fields: [] },
    { name: 'the order of hooks counts', left: { preUp: ['a', 'b'] }, right: { preUp: ['b', 'a'] }, fields: ['preUp'] },
    {
      name: 'equal keys in two boxes are equal',
      left: { privateKey: aKey(7) },
      right: { privateKey: aKey(7) },
      fields: [],
    },
    {
      name: 'a text that is none is a difference',
      left: { invalid: { mtu: ['x'] } },
      right: {},
      fields: ['mtu'],
    },
    { name: 'a key and none differ', left: { privateKey: aKey(7) }, right: {}, fields: ['privateKey'] },
    {
      name: 'fields come in canonical order',
      left: { table: 'off', mtu: 1400, listenPort: 1 },
      right: {},
      fields: ['listenPort', 'mtu', 'table'],
    },
  ])('$name', ({ left, right, fields }) => {
    expect(changed(left, right)).toEqual(fields);
    expect(changed(right, left)).toEqual(fields);
  });
});

test.each([
  { lines: ['a', 'b'], joined: 'a; b' },
  { lines: ['a;', 'b;'], joined: 'a; b;' },
  { lines: ['a &', 'b'], joined: 'a & b' },
  { lines: ['a'], joined: 'a' },
])('hooks $lines are one line that bash takes: $joined', ({ lines, joined }) => {
  expect(joinedHooks(lines)).toBe(joined);
  expect(fieldOf('postUp').equal(lines, [joined])).toBe(true);
});

test('T2: each field reads what it writes', () => {
  fc.assert(
    fc.property(arbitraryConfig, (config) => {
      for (const name of FIELD_NAMES) {
        const { write, parse, equal } = fieldOf(name);
        const { value, invalid } = parse(write(config[name]));
        expect({ name, invalid, equal: equal(value, config[name]) }).toEqual({ name, invalid: [], equal: true });
      }
    }),
    RUNS,
  );
});

test('the empty configuration says of every field that it is not in the file', () => {
  const { invalid, ...values } = EMPTY_CONFIG;
  expect(invalid).toEqual({});
  expect(Object.keys(values)).toEqual(FIELD_NAMES);
  expect(render([], EMPTY_CONFIG)).toBe('');
});

test('no two fields share a key, a name on the wire or a path', () => {
  for (const nameOf of [
    (name: FieldName) => fieldOf(name).key.toLowerCase(),
    (name: FieldName) => fieldOf(name).wire.name,
    pathOf,
  ]) {
    const names = FIELD_NAMES.map(nameOf);
    expect(new Set(names).size).toBe(names.length);
  }
});

test('M12: a hook equals what an agent shows of it, with marks for its keys, and none with another key', () => {
  const hook = (key: string): string[] => [`wg set %i private-key <(echo ${key})`];
  const [one = '', other = ''] = ['A', 'B'].map((letter) => `${letter.repeat(43)}=`);
  const { equal } = fieldOf('postUp');
  expect(equal(hook(one), hook(one).map(markKeys))).toBe(true);
  expect(equal(hook(one), hook(other).map(markKeys))).toBe(false);
});
