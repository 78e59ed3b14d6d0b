import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aDevice, aPeer, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { PeerEdits } from '../protocol/wgquick/peer-edits.ts';
import { unusedRoutes } from './unused-routes.ts';

const route = (destination: string, table = 'main') => ({ destination: cidr(destination), table });
const ofA = (...ips: readonly string[]) => aPeer({ allowedIps: ips.map(cidr) });
const ofB = (...ips: readonly string[]) => aPeer({ publicKey: PEER_B, allowedIps: ips.map(cidr) });
const REMOVED: PeerEdits = { set: [], removed: [PEER_A] };
const wish = (...ips: readonly string[]): PeerEdits => ({
  set: [{ publicKey: PEER_A, allowedIps: ips.map(cidr) }],
  removed: [],
});

test.each<{
  name: string;
  peers: ReturnType<typeof aPeer>[];
  routes: ReturnType<typeof route>[];
  edits?: PeerEdits;
  running?: Partial<InterfaceConfig>;
  expected: ReturnType<typeof route>[];
}>([
  { name: 'goes', peers: [ofA('10.8.0.0/16')], routes: [route('10.8.0.0/16')], expected: [route('10.8.0.0/16')] },
  {
    name: 'goes from a network that a peer has no more',
    peers: [ofA('10.8.0.0/16', '10.9.0.0/16')],
    routes: [route('10.8.0.0/16'), route('10.9.0.0/16')],
    edits: wish('10.9.0.0/16'),
    expected: [route('10.8.0.0/16')],
  },
  {
    name: 'stays where another peer gets the network',
    peers: [ofA('10.8.0.0/16')],
    routes: [route('10.8.0.0/16')],
    edits: { set: [{ publicKey: PEER_B, allowedIps: [cidr('10.8.0.0/16')] }], removed: [PEER_A] },
    expected: [],
  },
  {
    name: 'stays where a network of another peer goes by it',
    peers: [ofA('10.8.0.0/16'), ofB('10.8.1.0/24')],
    routes: [route('10.8.0.0/16')],
    expected: [],
  },
  {
    name: 'goes where that has a route of its own',
    peers: [ofA('10.8.0.0/16'), ofB('10.8.1.0/24')],
    routes: [route('10.8.0.0/16'), route('10.8.1.0/24')],
    expected: [route('10.8.0.0/16')],
  },
  { name: 'that somebody else made stays', peers: [ofA('10.8.0.0/16')], routes: [], expected: [] },
  { name: 'of an address stays', peers: [ofA('10.7.0.0/24')], routes: [route('10.7.0.0/24')], expected: [] },
  {
    name: 'of a hook stays',
    peers: [ofA('10.8.0.0/16')],
    routes: [route('10.8.0.0/16')],
    running: { postUp: ['ip route replace 10.8.0.0/16 dev %i'] },
    expected: [],
  },
  {
    name: 'of a table of its own goes from there',
    peers: [ofA('0.0.0.0/0')],
    routes: [route('0.0.0.0/0', '77')],
    running: { table: '77' },
    expected: [route('0.0.0.0/0', '77')],
  },
  {
    name: 'stays with Table = off',
    peers: [ofA('10.8.0.0/16')],
    routes: [route('10.8.0.0/16')],
    running: { table: 'off' },
    expected: [],
  },
  {
    name: 'stays where networks are not spoken of',
    peers: [ofA('10.8.0.0/16')],
    routes: [route('10.8.0.0/16')],
    edits: { set: [{ publicKey: PEER_A, keepalive: 25 }], removed: [] },
    expected: [],
  },
])('a route $name', ({ peers, routes, edits = REMOVED, running = {}, expected }) => {
  const baseline = aDevice({ routes });
  const routed = { name: 'wg0', device: aDevice({ peers, routes }), baseline, running: aConfig(running) };
  expect(unusedRoutes(routed, edits)).toEqual(expected);
});

test('nothing is ours where nobody knows what the device came up with', () => {
  const device = aDevice({ peers: [ofA('10.8.0.0/16')], routes: [route('10.8.0.0/16')] });
  expect(unusedRoutes({ name: 'wg0', device, baseline: null, running: aConfig() }, REMOVED)).toEqual([]);
});
