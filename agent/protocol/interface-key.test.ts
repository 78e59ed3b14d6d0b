import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { InterfaceKey, NO_KEY, parsePrivateKey } from './interface-key.ts';
import { Secret } from './secret.ts';

const keyOf = (bytes: Buffer): InterfaceKey => InterfaceKey.fromPrivate(new Secret(bytes.toString('base64')));

test('two private keys that X25519 clamps to one are equal, as their tunnels are', () => {
  const [clamped, other] = [Buffer.alloc(32, 8), Buffer.alloc(32, 8)];
  other[0] = 9;
  expect(keyOf(clamped).equals(keyOf(other))).toBe(true);
  expect(keyOf(clamped).equals(keyOf(Buffer.alloc(32, 16)))).toBe(false);
});

test('a key of which only the public half is known equals the pair', () => {
  const pair = keyOf(Buffer.alloc(32, 8));
  expect(InterfaceKey.fromPublic(pair.publicKey).equals(pair)).toBe(true);
  expect(NO_KEY.equals(pair)).toBe(false);
});

test('N8: nothing prints the private half', () => {
  const text = Buffer.alloc(32, 8).toString('base64');
  const key = parsePrivateKey(text);
  for (const shown of [String(key), JSON.stringify({ key }), inspect(key, { depth: 9, showHidden: true })])
    expect(shown).not.toContain(text);
});
