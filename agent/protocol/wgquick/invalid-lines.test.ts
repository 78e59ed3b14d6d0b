import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryText, RUNS } from '../../../test/fixtures/arbitraries.ts';
import { interfaceOf, parseDocument } from './document.ts';
import { FIELD_NAMES, fieldOf } from './fields.ts';
import { invalidLines } from './invalid-lines.ts';

const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';

const linesOf = (text: string): string[] =>
  invalidLines(parseDocument(text)).map(({ line, section, key, text: value }) =>
    [String(line), section, key, value].join(' '),
  );

describe('lines that hold no value are named', () => {
  test.each<{ name: string; text: string; expected: string[] }>([
    { name: 'none in a good file', text: `[Interface]\nPrivateKey = ${KEY}\nAddress = 10.0.0.1/24\n`, expected: [] },
    {
      name: 'an address, by its line',
      text: '# mine\n[Interface]\nMTU = 1400\nAddress = 10.0.0.1/24, 10.0.0.300/24\n',
      expected: ['4 interface Address 10.0.0.300/24'],
    },
    {
      name: 'every bad line of a list',
      text: '[Interface]\nAddress = x\nAddress = 10.0.0.1/24\nAddress = y, z\n',
      expected: ['2 interface Address x', '4 interface Address y, z'],
    },
    {
      name: 'every bad line of a key of wg',
      text: '[Interface]\nListenPort = x\nListenPort = 5\n',
      expected: ['2 interface ListenPort x'],
    },
    { name: 'no overruled line of a key of wg-quick', text: '[Interface]\nMTU = x\nMTU = 1400\n', expected: [] },
    { name: 'SaveConfig', text: '[Interface]\nSaveConfig = maybe\n', expected: ['2 interface SaveConfig maybe'] },
    {
      name: 'N8: a private key, without its text',
      text: '[Interface]\nPrivateKey = almost\n',
      expected: ['2 interface PrivateKey [redacted]'],
    },
    {
      name: 'N8: a preshared key, without its text',
      text: '[Peer]\nPresharedKey = almost\n',
      expected: ['2 peer PresharedKey [redacted]'],
    },
    {
      name: 'N8: a key in the place of something else, without it',
      text: `[Interface]\nMTU = ${KEY}\n`,
      expected: ['2 interface MTU [redacted]'],
    },
    {
      name: 'what peers hold',
      text: '[Peer]\nPublicKey = x\nAllowedIPs = 10.0.0.0/33\nEndpoint = host\nPersistentKeepalive = 70000\n',
      expected: [
        '2 peer PublicKey x',
        '3 peer AllowedIPs 10.0.0.0/33',
        '4 peer Endpoint host',
        '5 peer PersistentKeepalive 70000',
      ],
    },
    {
      name: 'an empty list of allowed IPs, which wg refuses',
      text: '[Peer]\nAllowedIPs =\n',
      expected: ['2 peer AllowedIPs '],
    },
  ])('$name', ({ text, expected }) => {
    expect(linesOf(text)).toEqual(expected);
  });

  test.each([
    'vpn.example.org:51820',
    '192.0.2.1:1',
    '[2001:db8::1]:51820',
    '[fe80::1%eth0]:51820',
    '2001:db8::1:51820',
    'host:domain',
    '1.2.3.4 : 51820',
  ])('the endpoint %s is one', (endpoint) => {
    expect(linesOf(`[Peer]\nEndpoint = ${endpoint}\n`)).toEqual([]);
  });

  test.each(['10.0.0.2/32, fd00::2', '10.0.0.2', '+10.0.0.0/8,-10.1.0.0/16'])('the allowed IPs %s are some', (ips) => {
    expect(linesOf(`[Peer]\nAllowedIPs = ${ips}\n`)).toEqual([]);
  });
});

test('what an interface part holds beside its values is what is told of its lines', () => {
  const keys = FIELD_NAMES.map((name) => fieldOf(name).key);
  const value = arbitraryText.map((text) => text.replace(/[\r\n]/g, ''));
  const lines = fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 6 });
  fc.assert(
    fc.property(lines, (pairs) => {
      const document = parseDocument(`[Interface]\n${pairs.map(([key, text]) => `${key} = ${text}\n`).join('')}`);
      const named = new Set(invalidLines(document).flatMap(({ path }) => path ?? []));
      const beside = Object.keys(interfaceOf(document).invalid).map((name) =>
        name === 'privateKey' ? 'spec.interface.privateKeySecretRef' : `spec.interface.${name}`,
      );
      expect([...named].sort()).toEqual(beside.sort());
    }),
    RUNS,
  );
});
