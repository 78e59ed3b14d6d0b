import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryText, RUNS } from '../../test/fixtures/arbitraries.ts';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aCurrent, aDevice, aPeer, PUBLIC_KEY } from '../../test/fixtures/device.ts';
import type { WireDrift } from '../protocol/messages.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from '../protocol/wgquick/fields.ts';
import { driftOf, invalidDrift } from './drift.ts';
import type { Device } from './device.ts';

function drift(file: InterfaceConfig, device: Device, running: InterfaceConfig = file): WireDrift[] {
  return driftOf({ ...aCurrent({ running, device }), file });
}

describe('N24: where file and kernel differ', () => {
  test('nowhere', () => {
    expect(drift(aConfig(), aDevice())).toEqual([]);
  });

  test.each<{ name: string; file?: Partial<InterfaceConfig>; device: Partial<Device>; expected: WireDrift[] }>([
    {
      name: 'in the port',
      device: { listenPort: 1 },
      expected: [{ path: 'spec.interface.listenPort', file: '51820', live: '1', impact: 'Rehandshake' }],
    },
    {
      name: 'in the MTU',
      device: { mtu: 1280 },
      expected: [{ path: 'spec.interface.mtu', file: '1400', live: '1280', impact: 'None' }],
    },
    {
      name: 'in the mark',
      file: { fwMark: 16 },
      device: {},
      expected: [{ path: 'spec.interface.fwMark', file: '16', live: '', impact: 'None' }],
    },
    {
      name: 'in the key, shown as public keys',
      device: { key: InterfaceKey.fromPublic('other=') },
      expected: [
        { path: 'spec.interface.privateKeySecretRef', file: PUBLIC_KEY, live: 'other=', impact: 'Rehandshake' },
      ],
    },
    {
      name: 'in a device without a key',
      device: { key: null },
      expected: [{ path: 'spec.interface.privateKeySecretRef', file: PUBLIC_KEY, live: '', impact: 'Rehandshake' }],
    },
    {
      name: 'in several addresses, told once',
      file: { addresses: [cidr('10.7.0.1/24'), cidr('10.7.0.3/24')] },
      device: { addresses: [] },
      expected: [{ path: 'spec.interface.addresses', file: '10.7.0.1/24, 10.7.0.3/24', live: '', impact: 'None' }],
    },
    {
      name: 'in a link that is down',
      device: { linkUp: false },
      expected: [{ path: 'spec.interface.state', file: 'Up', live: 'Down', impact: 'None' }],
    },
  ])('$name', ({ file, device, expected }) => {
    expect(drift(aConfig(file), aDevice(device))).toEqual(expected);
  });

  test('in several routes, told once', () => {
    const peers = [aPeer({ allowedIps: [cidr('10.8.0.0/24'), cidr('10.9.0.0/24')] })];
    expect(drift(aConfig(), aDevice({ peers })).map(({ path, impact }) => ({ path, impact }))).toEqual([
      { path: 'spec.interface.table', impact: 'None' },
    ]);
  });

  test('in what the plan alone sees', () => {
    const peers = [aPeer({ allowedIps: [cidr('0.0.0.0/0')] })];
    const device = aDevice({ peers, fwMark: 51_820 });
    expect(drift(aConfig(), device, aConfig({ fwMark: 16 }))).toEqual([
      { path: 'spec.interface.fwMark', file: '', live: '51820', impact: 'Restart' },
    ]);
  });

  test('in several fields that one restart serves, each with its impact', () => {
    const told = drift(aConfig({ table: 'off', mtu: 1300 }), aDevice(), aConfig());
    expect(told.map(({ path, impact }) => `${path} ${impact}`)).toEqual([
      'spec.interface.mtu Restart',
      'spec.interface.table Restart',
    ]);
  });

  test('in what it was brought up with', () => {
    const paths = drift(aConfig({ dns: ['192.0.2.53'] }), aDevice(), aConfig()).map(({ path }) => path);
    expect(paths).toEqual(['spec.interface.dns']);
  });

  test('an interface that is down has none, but for text that is no value', () => {
    expect(invalidDrift(aConfig())).toEqual([]);
    expect(invalidDrift(aConfig({ invalid: { mtu: ['x'] } }))).toEqual([
      { path: 'spec.interface.mtu', file: '1400, x', live: '', impact: 'None' },
    ]);
  });
});

test('N24: whatever the file says, the difference to what runs can be told, and what is no value is in it', () => {
  const keys = FIELD_NAMES.map((name) => fieldOf(name).key);
  const value = fc.oneof(
    arbitraryText.map((text) => text.replace(/[\r\n]/g, '')),
    fc.constantFrom('10.0.0.300/24', '10.0.0.1/24', 'fd00::1/129', '0', '-1', '9'.repeat(20)),
  );
  const lines = fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 6 });
  fc.assert(
    fc.property(lines, (pairs) => {
      const text = pairs.map(([key, own]) => `${key} = ${own}\n`).join('');
      const file = interfaceOf(parseDocument(`[Interface]\n${text}`));
      const invalid = Object.keys(file.invalid).map((name) => pathOf(name as FieldName));
      expect(drift(file, aDevice(), aConfig()).map(({ path }) => path)).toEqual(expect.arrayContaining(invalid));
      expect(invalidDrift(file).map(({ path }) => path)).toEqual(invalid);
    }),
    RUNS,
  );
});
