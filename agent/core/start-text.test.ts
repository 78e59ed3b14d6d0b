import { describe, expect, test } from '@jest/globals';
import { aDevice, aPeer, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { nameIn, startText } from './start-text.ts';

const peer = (key: string, ...lines: string[]): string => `[Peer]\nPublicKey = ${key}\n${lines.join('\n')}\n`;
const start = (text: string, previous: Parameters<typeof startText>[1] = null): ReturnType<typeof startText> =>
  startText(parseDocument(text), previous);
const named = peer(PEER_A, 'Endpoint = hub.example:51820');
const before = (endpoint: string | null, latestHandshake: number): ReturnType<typeof aDevice> =>
  aDevice({ peers: [aPeer({ publicKey: PEER_A, endpoint, latestHandshake })] });

describe('what wg takes at the start', () => {
  test('is the file without the keys of wg-quick', () => {
    expect(start('[Interface]\nListenPort = 5\nMTU = 1400\nPostUp = x\n').text).toBe('[Interface]\nListenPort = 5\n');
  });

  test('H5: has no name, and says which peer it was of', () => {
    const { text, names } = start(named);
    expect(text).not.toContain('hub.example');
    expect(names).toEqual([{ publicKey: PEER_A, host: 'hub.example', port: '51820' }]);
  });

  test('H5, M9: has the address that the kernel knew for a name, which is asked again as it never answered', () => {
    const { text, names } = start(named, before('198.51.100.9:5', 0));
    expect(text).toContain('Endpoint = 198.51.100.9:5\n');
    expect(names).toHaveLength(1);
  });

  test('an endpoint with a handshake was learnt and is not resolved again', () => {
    const { text, names } = start(named, before('198.51.100.9:5', 1_700_000_000));
    expect(text).toContain('Endpoint = 198.51.100.9:5\n');
    expect(names).toEqual([]);
  });

  test('keeps addresses as they stand', () => {
    const text = peer(PEER_A, 'Endpoint = [2001:db8::1]:5') + peer(PEER_B, 'Endpoint=198.51.100.7:5');
    expect(start(text)).toEqual({ text, names: [] });
  });

  test('a later section of the same peer overrides the endpoint of an earlier one', () => {
    expect(start(named + peer(PEER_A, 'Endpoint = 198.51.100.7:5')).names).toEqual([]);
    expect(start(named + peer(PEER_A, 'Endpoint = other.example:6')).names).toMatchObject([{ host: 'other.example' }]);
    expect(start(named + peer(PEER_A, 'PersistentKeepalive = 5')).names).toMatchObject([{ host: 'hub.example' }]);
  });
});

test.each([
  ['hub.example:51820', { host: 'hub.example', port: '51820' }],
  ['hub:domain', { host: 'hub', port: 'domain' }],
  ['198.51.100.7:51820', undefined],
  ['[2001:db8::1]:51820', undefined],
  ['[fe80::1%eth0]:51820', undefined],
  ['2001:db8::1:51820', undefined],
  [':51820', undefined],
  ['hub.example', undefined],
  ['hub.example:', undefined],
])('the name in the endpoint %s', (endpoint, expected) => {
  expect(nameIn(endpoint)).toEqual(expected);
});
