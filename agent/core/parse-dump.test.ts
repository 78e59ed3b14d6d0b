import { expect, test } from '@jest/globals';
import { PEER_A, PEER_B, PRIVATE_KEY, PUBLIC_KEY } from '../../test/fixtures/device.ts';
import { dumpLineOf, parseDump, parsePeer } from './parse-dump.ts';

const PSK = '+30Wbn7f9USfEpJ3iDi6FNpeTWFgaIFU44b+3mGuDYU=';

// As `wg show wg7 dump` of wireguard-tools 1.0.20210914 printed it.
const DUMP = [
  [PRIVATE_KEY, PUBLIC_KEY, '51871', '0x10'],
  [PEER_B, '(none)', '(none)', '(none)', '0', '0', '0', 'off'],
  [PEER_A, PSK, '192.0.2.7:51820', '10.7.0.2/32,fd07::2/128,192.168.70.0/24', '1700000000', '148', '92', '25'],
]
  .map((line) => `${line.join('\t')}\n`)
  .join('');

test('I1: everything of a device and its peers is read', () => {
  const { key, peers, ...device } = parseDump(DUMP);
  expect(key?.privateKey?.reveal()).toBe(PRIVATE_KEY);
  expect(device).toEqual({ listenPort: 51871, fwMark: 16 });
  expect(key?.publicKey).toBe(PUBLIC_KEY);
  expect(peers[1]?.presharedKey?.reveal()).toBe(PSK);
  expect(peers.map((peer) => ({ ...peer, presharedKey: peer.presharedKey !== null }))).toEqual([
    {
      publicKey: PEER_B,
      presharedKey: false,
      endpoint: null,
      allowedIps: [],
      latestHandshake: 0,
      rxBytes: 0,
      txBytes: 0,
      keepalive: 0,
    },
    {
      publicKey: PEER_A,
      presharedKey: true,
      endpoint: '192.0.2.7:51820',
      allowedIps: ['10.7.0.2/32', 'fd07::2/128', '192.168.70.0/24'],
      latestHandshake: 1_700_000_000,
      rxBytes: 148,
      txBytes: 92,
      keepalive: 25,
    },
  ]);
});

test('a device that has just been made has neither keys, mark nor peers', () => {
  // wg prints the public key of the all-zero key when there is none.
  const zero = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';
  expect(parseDump(`(none)\t${zero}\t0\toff\n`)).toEqual({
    key: null,
    listenPort: 0,
    fwMark: null,
    peers: [],
  });
});

test('an endpoint of IPv6 keeps its brackets', () => {
  const text = `(none)\t(none)\t0\toff\n${PEER_A}\t(none)\t[2001:db8::1]:51820\t::/0\t0\t0\t0\toff\n`;
  expect(parseDump(text).peers[0]).toMatchObject({ endpoint: '[2001:db8::1]:51820', allowedIps: ['::/0'] });
});

test('N8: what was read shows no key', () => {
  const shown = JSON.stringify(parseDump(DUMP));
  expect([shown.includes(PRIVATE_KEY), shown.includes(PSK)]).toEqual([false, false]);
});

test('I4: the line of a peer reads back as that peer', () => {
  const { peers } = parseDump(DUMP);
  expect(peers.map(dumpLineOf)).toEqual(DUMP.split('\n').slice(1, -1));
  expect(peers.map(dumpLineOf).map(parsePeer)).toEqual(peers);
});
