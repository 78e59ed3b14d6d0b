import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aPeer, PEER_A, PEER_B, PRIVATE_KEY } from '../../test/fixtures/device.ts';
import { Secret } from '../protocol/secret.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import type { PeerEdits } from '../protocol/wgquick/peer-edits.ts';
import type { Peer } from './device.ts';
import { editsToSave } from './saved-peers.ts';

const peer = (key: string, ip: string, ...lines: string[]): string =>
  `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${ip}\n${lines.join('\n')}\n`;
const A = peer(PEER_A, '10.7.0.2/32');
const B = peer(PEER_B, '10.7.0.3/32');
const [a, b] = [
  aPeer({ endpoint: null }),
  aPeer({ publicKey: PEER_B, allowedIps: [cidr('10.7.0.3/32')], endpoint: null }),
];
const NOTHING: PeerEdits = { set: [], removed: [] };

test.each<{ name: string; running: string | null; file: string; peers: Peer[]; expected: PeerEdits }>([
  { name: 'nothing, where all is as it came up', running: A + B, file: A + B, peers: [b, a], expected: NOTHING },
  {
    name: 'that one goes which the kernel has no more',
    running: A + B,
    file: A + B,
    peers: [a],
    expected: { set: [], removed: [PEER_B] },
  },
  {
    name: 'that one goes which the kernel lacks, where nobody knows what it came up from',
    running: null,
    file: A + B,
    peers: [a],
    expected: { set: [], removed: [PEER_B] },
  },
  { name: 'one that came into the file since stays', running: A, file: A + B, peers: [a], expected: NOTHING },
  { name: 'one that was taken out of the file stays out', running: A + B, file: A, peers: [a, b], expected: NOTHING },
  {
    name: 'one that was added by hand comes whole',
    running: A,
    file: A,
    peers: [a, { ...b, keepalive: 5, endpoint: '192.0.2.9:4', presharedKey: new Secret(PRIVATE_KEY) }],
    expected: {
      set: [
        {
          publicKey: PEER_B,
          allowedIps: [cidr('10.7.0.3/32')],
          keepalive: 5,
          endpoint: '192.0.2.9:4',
          presharedKey: new Secret(PRIVATE_KEY),
        },
      ],
      removed: [],
    },
  },
  {
    name: 'what was set by hand comes, but for an endpoint',
    running: A,
    file: A,
    peers: [{ ...a, keepalive: 25, endpoint: '192.0.2.9:4' }],
    expected: { set: [{ publicKey: PEER_A, keepalive: 25 }], removed: [] },
  },
  {
    name: 'what was edited in the file stays',
    running: A,
    file: peer(PEER_A, '10.7.0.2/32', 'PersistentKeepalive = 25'),
    peers: [a],
    expected: NOTHING,
  },
  {
    name: 'a preshared key that was taken off by hand is none, as wg(8) writes it',
    running: peer(PEER_A, '10.7.0.2/32', `PresharedKey = ${PRIVATE_KEY}`),
    file: peer(PEER_A, '10.7.0.2/32', `PresharedKey = ${PRIVATE_KEY}`),
    peers: [a],
    expected: { set: [{ publicKey: PEER_A, presharedKey: new Secret(`${'A'.repeat(43)}=`) }], removed: [] },
  },
])('with SaveConfig: $name', ({ running, file, peers, expected }) => {
  const sources = { file: parseDocument(file), running: running === null ? null : parseDocument(running) };
  expect(editsToSave(peers, sources)).toEqual(expected);
});
