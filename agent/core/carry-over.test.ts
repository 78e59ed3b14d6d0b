import { describe, expect, test } from '@jest/globals';
import { aLive, aPeer, PEER_A, PEER_B } from '../../test/fixtures/live.ts';
import { Secret } from '../protocol/secret.ts';
import { carryOver, nudge, PRESHARED_KEY_FILE, withSession } from './carry-over.ts';
import type { LivePeer } from './live.ts';

const argumentsOf = (before: readonly LivePeer[], after: readonly LivePeer[]): string[] =>
  carryOver(aLive({ peers: before }), aLive({ peers: after })).map(({ args }) => args.join(' '));

describe('I1: what a restart must bring back', () => {
  const psk = new Secret('psk');

  test.each<{ name: string; before: LivePeer[]; after: LivePeer[]; expected: string[] }>([
    { name: 'nothing when nothing is missing', before: [aPeer()], after: [aPeer()], expected: [] },
    { name: 'nothing of peers that are new', before: [], after: [aPeer()], expected: [] },
    {
      name: 'a peer that only the kernel had, as a whole',
      before: [aPeer({ allowedIps: ['10.7.0.2/32', 'fd07::2/128'], keepalive: 25 })],
      after: [],
      expected: [`peer ${PEER_A} allowed-ips 10.7.0.2/32,fd07::2/128 endpoint 192.0.2.7:51820 persistent-keepalive 25`],
    },
    {
      name: 'a peer without endpoint, addresses and keepalive',
      before: [aPeer({ allowedIps: [], endpoint: null })],
      after: [],
      expected: [`peer ${PEER_A} allowed-ips  persistent-keepalive 0`],
    },
    {
      name: 'a learnt endpoint',
      before: [aPeer({ endpoint: '198.51.100.9:4444' })],
      after: [aPeer({ endpoint: null })],
      expected: [`peer ${PEER_A} allowed-ips 10.7.0.2/32 endpoint 198.51.100.9:4444 persistent-keepalive 0`],
    },
    {
      name: 'an endpoint that roamed away from the declared one',
      before: [aPeer({ endpoint: '[2001:db8::9]:4444' })],
      after: [aPeer()],
      expected: [`peer ${PEER_A} allowed-ips 10.7.0.2/32 endpoint [2001:db8::9]:4444 persistent-keepalive 0`],
    },
    {
      name: 'no endpoint where none was known',
      before: [aPeer({ endpoint: null })],
      after: [aPeer()],
      expected: [],
    },
    {
      name: 'addresses and a keepalive that only the kernel had',
      before: [aPeer({ allowedIps: ['10.7.0.2/32', '10.9.0.0/24'], keepalive: 25 })],
      after: [aPeer()],
      expected: [`peer ${PEER_A} allowed-ips 10.7.0.2/32,10.9.0.0/24 endpoint 192.0.2.7:51820 persistent-keepalive 25`],
    },
    {
      name: 'nothing when only the order of the addresses differs',
      before: [aPeer({ allowedIps: ['10.7.0.2/32', '10.9.0.0/24'] })],
      after: [aPeer({ allowedIps: ['10.9.0.0/24', '10.7.0.2/32'] })],
      expected: [],
    },
    {
      name: 'each peer on its own',
      before: [aPeer(), aPeer({ publicKey: PEER_B, endpoint: null, allowedIps: ['10.7.0.3/32'] })],
      after: [aPeer({ endpoint: null })],
      expected: [
        `peer ${PEER_A} allowed-ips 10.7.0.2/32 endpoint 192.0.2.7:51820 persistent-keepalive 0`,
        `peer ${PEER_B} allowed-ips 10.7.0.3/32 persistent-keepalive 0`,
      ],
    },
  ])('$name', ({ before, after, expected }) => {
    expect(argumentsOf(before, after)).toEqual(expected);
  });

  test('the preshared key of a missing peer travels beside the arguments', () => {
    const [command, ...others] = carryOver(aLive({ peers: [aPeer({ presharedKey: psk })] }), aLive({ peers: [] }));
    expect(others).toEqual([]);
    expect(command?.args.slice(-2)).toEqual(['preshared-key', PRESHARED_KEY_FILE]);
    expect(command?.presharedKey?.reveal()).toBe('psk');
    expect(command?.args.join(' ')).not.toContain('psk ');
  });
});

describe('L2: the nudge after a new port or key', () => {
  const keepalive = (seconds: number): string[] => ['peer', PEER_A, 'persistent-keepalive', String(seconds)];

  test.each<{ name: string; peers: LivePeer[]; expected: string[][] }>([
    {
      name: 'a peer without keepalive gets one and loses it',
      peers: [aPeer()],
      expected: [[...keepalive(25), ...keepalive(0)]],
    },
    {
      name: 'a peer with keepalive loses it and gets it back',
      peers: [aPeer({ keepalive: 7 })],
      expected: [[...keepalive(0), ...keepalive(7)]],
    },
    { name: 'a peer without endpoint is left alone', peers: [aPeer({ endpoint: null })], expected: [] },
    { name: 'no peers, no arguments', peers: [], expected: [] },
  ])('$name', ({ peers, expected }) => {
    expect(nudge(peers)).toEqual(expected);
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
