import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryConfig, RUNS } from '../../../test/fixtures/arbitraries.ts';
import { Secret } from '../secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from './config.ts';
import { changedFields, FIELD_NAMES, fieldOf, FIELDS } from './fields.ts';
import { interfaceOf, parseDocument } from './document.ts';

const read = (lines: string): InterfaceConfig => interfaceOf(parseDocument(`[Interface]\n${lines}\n`));

describe('values as wg and wg-quick take them', () => {
  test.each<{ name: string; lines: string; expected: Partial<InterfaceConfig> }>([
    { name: 'a port', lines: 'ListenPort = 51820', expected: { listenPort: 51820 } },
    { name: 'a key in capitals', lines: 'LISTENPORT = 51820', expected: { listenPort: 51820 } },
    { name: 'the last of two ports', lines: 'ListenPort = 1\nListenPort = 2', expected: { listenPort: 2 } },
    { name: 'port 0, which is random', lines: 'ListenPort = 0', expected: { listenPort: null } },
    { name: 'a service name, which only wg can resolve', lines: 'ListenPort = domain', expected: { listenPort: null } },
    { name: 'a port that is too high', lines: 'ListenPort = 65536', expected: { listenPort: null } },
    { name: 'a port in hex', lines: 'ListenPort = 0x10', expected: { listenPort: null } },
    { name: 'a mark in hex', lines: 'FwMark = 0xCA6c', expected: { fwMark: 0xca6c } },
    { name: 'the highest mark', lines: 'FwMark = 0xffffffff', expected: { fwMark: 0xffffffff } },
    { name: 'a mark with a leading zero, which is decimal', lines: 'FwMark = 010', expected: { fwMark: 10 } },
    { name: 'a mark that is off', lines: 'FwMark = OFF', expected: { fwMark: null } },
    { name: 'a mark of zero', lines: 'FwMark = 0x0', expected: { fwMark: null } },
    { name: 'a mark above 32 bits', lines: 'FwMark = 4294967296', expected: { fwMark: null } },
    { name: 'a mark with a capital X', lines: 'FwMark = 0X10', expected: { fwMark: null } },
    { name: 'a table', lines: 'Table = 123', expected: { table: '123' } },
    { name: 'table auto, the default', lines: 'Table = auto', expected: { table: null } },
    { name: 'table off', lines: 'Table = off', expected: { table: 'off' } },
    { name: 'table OFF, which is a name to wg-quick', lines: 'Table = OFF', expected: { table: 'OFF' } },
    { name: 'an empty table', lines: 'Table =', expected: { table: null } },
    {
      name: 'addresses in several lines, by comma and by space',
      lines: 'Address = 10.0.0.1/24,FD00::1/64\nAddress = 10.0.0.2 10.0.0.3',
      expected: { addresses: ['10.0.0.1/24', 'fd00::1/64', '10.0.0.2/32', '10.0.0.3/32'] },
    },
    {
      name: 'one address written twice',
      lines: 'Address = fd00::1/64, FD00:0::1/64',
      expected: { addresses: ['fd00::1/64'] },
    },
    { name: 'an empty address line', lines: 'Address =', expected: { addresses: [] } },
    { name: 'an address that is none', lines: 'Address = x', expected: { addresses: ['x'] } },
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
    expect(read('PrivateKey = a=\nPrivateKey = b= # new').privateKey?.reveal()).toBe('b=');
  });
});

describe('T2: equality', () => {
  const changed = (left: Partial<InterfaceConfig>, right: Partial<InterfaceConfig>): string[] =>
    changedFields({ ...EMPTY_CONFIG, ...left }, { ...EMPTY_CONFIG, ...right });

  test.each<{ name: string; left: Partial<InterfaceConfig>; right: Partial<InterfaceConfig>; fields: string[] }>([
    {
      name: 'the order of addresses says nothing',
      left: { addresses: ['10.0.0.1/24', 'fd00::1/64'] },
      right: { addresses: ['fd00::1/64', '10.0.0.1/24'] },
      fields: [],
    },
    { name: 'the order of servers counts', left: { dns: ['a', 'b'] }, right: { dns: ['b', 'a'] }, fields: ['dns'] },
    { name: 'two hook lines equal one joined', left: { postUp: ['a', 'b'] }, right: { postUp: ['a; b'] }, fields: [] },
    { name: 'the order of hooks counts', left: { preUp: ['a', 'b'] }, right: { preUp: ['b', 'a'] }, fields: ['preUp'] },
    {
      name: 'equal keys in two boxes are equal',
      left: { privateKey: new Secret('k') },
      right: { privateKey: new Secret('k') },
      fields: [],
    },
    { name: 'a key and none differ', left: { privateKey: new Secret('k') }, right: {}, fields: ['privateKey'] },
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

test('T2: each field reads what it writes', () => {
  fc.assert(
    fc.property(arbitraryConfig, (config) => {
      for (const name of FIELD_NAMES) {
        const { write, read: readValue, equal } = fieldOf(name);
        expect({ name, equal: equal(readValue(write(config[name])), config[name]) }).toEqual({ name, equal: true });
      }
    }),
    RUNS,
  );
});

test('the table has a row for each field of a configuration, under its own name', () => {
  expect(FIELD_NAMES).toEqual(Object.keys(EMPTY_CONFIG));
  expect(Object.entries(FIELDS).filter(([name, row]) => row.name !== name)).toEqual([]);
});
