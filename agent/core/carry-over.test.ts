import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aDevice, aPeer, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import { Secret } from '../protocol/secret.ts';
import { type PeerChange, peersToRestore, triggerHandshake, peerSections, withSession } from './carry-over.ts';
import type { Peer } from './device.ts';

const keysOf = (before: readonly Peer[], after: readonly Peer[]): string[] =>
  peersToRestore(aDevice({ peers: before }), aDevice({ peers: after })).map(({ publicKey }) => publicKey);

describe('I1: what a restart must bring back', () => {
  test.each<{ name: string; before: Peer[]; after: Peer[]; expected: string[] }>([
    { name: 'nothing when nothing is missing', before: [aPeer()], after: [aPeer()], expected: [] },
    { name: 'nothing of peers that are new', before: [], after: [aPeer()], expected: [] },
    { name: 'a peer that only the kernel had', before: [aPeer()], after: [], expected: [PEER_A] },
    {
      name: 'a learnt endpoint',
      before: [aPeer({ endpoint: '198.51.100.9:4444', latestHandshake: 1 })],
      after: [aPeer({ endpoint: null })],
      expected: [PEER_A],
    },
    {
      name: 'an endpoint that roamed away from the declared one',
      before: [aPeer({ endpoint: '[2001:db8::9]:4444', latestHandshake: 1 })],
      after: [aPeer()],
      expected: [PEER_A],
    },
    {
      name: 'case M9: no endpoint that never had a handshake, where the file has the peer',
      before: [aPeer({ endpoint: '198.51.100.9:4444' })],
      after: [aPeer()],
      expected: [],
    },
    { name: 'no endpoint where none was known', before: [aPeer({ endpoint: null })], after: [aPeer()], expected: [] },
    {
      name: 'addresses that only the kernel had',
      before: [aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('10.9.0.0/24')] })],
      after: [aPeer()],
      expected: [PEER_A],
    },
    {
      name: 'nothing when only the order of the addresses differs',
      before: [aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('10.9.0.0/24')] })],
      after: [aPeer({ allowedIps: [cidr('10.9.0.0/24'), cidr('10.7.0.2/32')] })],
      expected: [],
    },
    { name: 'a keepalive', before: [aPeer({ keepalive: 25 })], after: [aPeer()], expected: [PEER_A] },
    {
      name: 'that there is no preshared key',
      before: [aPeer()],
      after: [aPeer({ presharedKey: new Secret('psk') })],
      expected: [PEER_A],
    },
    {
      name: 'each peer on its own',
      before: [aPeer({ latestHandshake: 1 }), aPeer({ publicKey: PEER_B, endpoint: null })],
      after: [aPeer({ endpoint: null })],
      expected: [PEER_A, PEER_B],
    },
  ])('$name', ({ before, after, expected }) => {
    expect(keysOf(before, after)).toEqual(expected);
  });

  test('a section names every value, so that nothing of another source remains', () => {
    const peer = aPeer({
      allowedIps: [cidr('10.7.0.2/32'), cidr('fd07::2/128')],
      keepalive: 25,
      presharedKey: new Secret('psk'),
    });
    expect(peerSections([peer, aPeer({ publicKey: PEER_B, allowedIps: [], endpoint: null })])).toBe(
      [
        '[Peer]',
        `PublicKey = ${PEER_A}`,
        'PresharedKey = psk',
        'AllowedIPs = 10.7.0.2/32, fd07::2/128',
        'Endpoint = 192.0.2.7:51820',
        'PersistentKeepalive = 25',
        '',
        '[Peer]',
        `PublicKey = ${PEER_B}`,
        `PresharedKey = ${'A'.repeat(43)}=`,
        'PersistentKeepalive = off',
        '',
      ].join('\n'),
    );
  });
});

describe('L2: the handshake after a new port or key', () => {
  test.each<{ name: string; peers: Peer[]; expected: PeerChange[] }>([
    {
      name: 'a peer without keepalive gets one and loses it',
      peers: [aPeer()],
      expected: [{ publicKey: PEER_A, keepalives: [25, 0] }],
    },
    {
      name: 'a peer with keepalive loses it and gets it back',
      peers: [aPeer({ keepalive: 7 })],
      expected: [{ publicKey: PEER_A, keepalives: [0, 7] }],
    },
    { name: 'a peer without endpoint is left alone', peers: [aPeer({ endpoint: null })], expected: [] },
    { name: 'no peers, no changes', peers: [], expected: [] },
  ])('$name', ({ peers, expected }) => {
    expect(triggerHandshake(peers)).toEqual(expected);
  });
});

describe('a session', () => {
  const NOW = 1_700_000_000;

  test.each([
    { name: 'lives right after its handshake', latestHandshake: NOW, alive: true },
    { name: 'lives for 180 s', latestHandshake: NOW - 179, alive: true },
    { name: 'is dead after 180 s', latestHandshake: NOW - 180, alive: false },
    { name: 'never was without a handshake', latestHandshake: 0, alive: false },
  ])('$name', ({ latestHandshake, alive }) => {
    expect(withSession([aPeer({ latestHandshake })], NOW)).toHaveLength(alive ? 1 : 0);
  });
});
