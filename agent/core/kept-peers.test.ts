import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aPeer, PEER_A, PEER_B, PRIVATE_KEY } from '../../test/fixtures/device.ts';
import { Secret } from '../protocol/secret.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import type { Peer } from './device.ts';
import { peersToKeep, withRunningPeers } from './kept-peers.ts';

const peer = (key: string, ...lines: string[]): string => `[Peer]\nPublicKey = ${key}\n${lines.join('\n')}\n`;
const conf = (...peers: string[]): string => `[Interface]\nMTU = 1400\n\n${peers.join('\n')}`;
const [A, WIDER, MOVED] = [['10.7.0.2/32'], ['10.7.0.2/32', '10.9.0.0/16'], ['10.9.0.0/16']].map((ips) =>
  peer(PEER_A, `AllowedIPs = ${ips.join(', ')}`, 'Endpoint = 192.0.2.7:51820'),
) as [string, string, string];
const B = peer(PEER_B, 'AllowedIPs = 10.7.0.3/32');
const inKernel = aPeer({ publicKey: PEER_B, allowedIps: [cidr('10.7.0.3/32')], endpoint: null });
const wide = aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('10.9.0.0/16')] });

describe('H30: peers of a device as they shall outlive it', () => {
  test.each<{ name: string; running: string | null; file: string; peers: Peer[]; expected: Peer[] }>([
    {
      name: 'as they are, where nothing changed',
      running: conf(A, B),
      file: conf(A, B),
      peers: [wide],
      expected: [wide],
    },
    {
      name: 'not one that was taken out of the file',
      running: conf(A, B),
      file: conf(A),
      peers: [aPeer(), inKernel],
      expected: [aPeer()],
    },
    {
      name: 'one that was added by hand',
      running: conf(A),
      file: conf(A, B),
      peers: [aPeer({ publicKey: 'hand=' })],
      expected: [aPeer({ publicKey: 'hand=' })],
    },
    {
      name: 'one that came into the file since',
      running: conf(A),
      file: conf(A, B),
      peers: [inKernel],
      expected: [inKernel],
    },
    {
      name: 'all of them, where nobody knows what it came up from',
      running: null,
      file: conf(A),
      peers: [inKernel],
      expected: [inKernel],
    },
    {
      name: 'without a network that the file took away',
      running: conf(WIDER),
      file: conf(A),
      peers: [wide],
      expected: [aPeer()],
    },
    {
      name: 'with a network that was added by hand, whatever else the file says now',
      running: conf(A),
      file: conf(MOVED),
      peers: [wide],
      expected: [wide],
    },
    {
      name: 'with an endpoint that was learnt',
      running: conf(WIDER),
      file: conf(A),
      peers: [{ ...wide, endpoint: '198.51.100.9:4', latestHandshake: 1 }],
      expected: [aPeer({ endpoint: '198.51.100.9:4', latestHandshake: 1 })],
    },
    {
      name: 'without the endpoint that the file has otherwise now',
      running: conf(A),
      file: conf(A.replace(':51820', ':5')),
      peers: [aPeer({ latestHandshake: 1 })],
      expected: [aPeer({ endpoint: null, latestHandshake: 1 })],
    },
    {
      name: 'with the keys and the keepalive of the file',
      running: conf(A),
      file: conf(`${A}PresharedKey = ${PRIVATE_KEY}\nPersistentKeepalive = 25\n`),
      peers: [aPeer()],
      expected: [aPeer({ presharedKey: new Secret(PRIVATE_KEY), keepalive: 25 })],
    },
    {
      name: 'without the keys that the file has no more',
      running: conf(`${A}PresharedKey = ${PRIVATE_KEY}\n`),
      file: conf(A),
      peers: [aPeer({ presharedKey: new Secret(PRIVATE_KEY) })],
      expected: [aPeer()],
    },
  ])('$name', ({ running, file, peers, expected }) => {
    const sources = { file: parseDocument(file), running: running === null ? null : parseDocument(running) };
    expect(peersToKeep(peers, sources)).toEqual(expected);
  });
});

describe('H30: a running copy after a live change', () => {
  test.each<{ name: string; running: string | null; text: string; peers: Peer[]; expected: string }>([
    {
      name: 'is the file where its peers are',
      running: conf(A),
      text: conf(A, B),
      peers: [aPeer(), inKernel],
      expected: conf(A, B),
    },
    { name: 'is the file where none was known', running: null, text: conf(A), peers: [inKernel], expected: conf(A) },
    {
      name: 'has a peer that went from the file and is there yet',
      running: conf(A, B),
      text: conf(A),
      peers: [aPeer(), inKernel],
      expected: conf(A) + B,
    },
    { name: 'has none that went from both', running: conf(A, B), text: conf(A), peers: [aPeer()], expected: conf(A) },
    {
      name: 'has the values of a peer that the device has',
      running: conf(WIDER),
      text: conf(A),
      peers: [wide],
      expected: conf(WIDER),
    },
    {
      name: 'begins each peer in a line of its own',
      running: conf(A, B),
      text: conf(A).trimEnd(),
      peers: [aPeer(), inKernel],
      expected: conf(A) + B,
    },
  ])('$name', ({ running, text, peers, expected }) => {
    expect(withRunningPeers(text, running, peers)).toBe(expected);
  });
});
