import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Secret } from '../../agent/protocol/secret.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Driver, Drivers } from './driver.ts';
import { createUrlGuard } from './http/url-guard.ts';
import { createDrivers } from './drivers.ts';

let drivers: Drivers;
beforeEach(() => {
  const guard = createUrlGuard({ allow: [], deny: [] });
  drivers = createDrivers({ guard, now: () => 0, called: () => undefined });
});
afterEach(() => drivers.close());

const open = (
  edit: (node: WireGuardNode) => void = () => undefined,
  hmac = 'x'.repeat(32),
  more: Readonly<Record<string, string>> = {},
): Driver => {
  const entries = Object.entries({ 'hmac-key': hmac, ...more });
  return drivers.open(nodeWith(edit), new Map(entries.map(([entry, text]) => [entry, new Secret(text)])));
};

test('the same interface of the same host with the same credentials has the same driver', () => {
  expect(open()).toBe(open());
  // In another spelling.
  const spelled = open(({ spec }) => {
    spec.agent.url = 'https://FRA1.example.net.:8443/';
  });
  expect(spelled).toBe(open());
});

test.each<{ name: string; other: () => Driver }>([
  {
    name: 'another interface',
    other: () =>
      open(({ spec }) => {
        spec.interface.name = 'wg1';
      }),
  },
  {
    name: 'another host',
    other: () =>
      open(({ spec }) => {
        spec.agent.url = 'https://ams1.example.net:8443';
      }),
  },
  { name: 'another key', other: () => open(undefined, 'y'.repeat(32)) },
  { name: 'a next key beside it (C14)', other: () => open(undefined, undefined, { 'next-hmac-key': 'y'.repeat(32) }) },
  { name: 'another authority', other: () => open(undefined, undefined, { 'ca.crt': 'PEM' }) },
  {
    name: 'another pin',
    other: () =>
      open(({ spec }) => {
        spec.agent.tls = { spkiSha256: ['A'.repeat(43) + '='] };
      }),
  },
])('$name has another driver', ({ other }) => {
  expect(other()).not.toBe(open());
});
