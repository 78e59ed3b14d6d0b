import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryKey, RUNS } from '../../test/fixtures/arbitraries.ts';
import { isKey, isPrivateKey, publicKeyOf } from './key.ts';
import { Secret } from './secret.ts';

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

test.each([
  {
    name: "Alice's of RFC 7748, section 6.1",
    privateKey: base64('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
    publicKey: base64('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'),
  },
  {
    name: "Bob's of RFC 7748, section 6.1",
    privateKey: base64('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'),
    publicKey: base64('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'),
  },
  {
    name: 'one that wg pubkey was asked for',
    privateKey: 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=',
    publicKey: '5tNaLWnapoIb340RUijp6BSv/kipgQ/JV8aY1DomPUQ=',
  },
  {
    name: 'all bits set, which X25519 clamps, as wg pubkey does',
    privateKey: base64('ff'.repeat(32)),
    publicKey: 'hHwNLDdSNPNl5mCVUYejc1oPdhPRYJ06ak2MU66qWiI=',
  },
])('the public key of $name', ({ privateKey, publicKey }) => {
  expect(publicKeyOf(new Secret(privateKey))).toBe(publicKey);
});

test('a public key is a key, and always the same one', () => {
  fc.assert(
    fc.property(arbitraryKey, (key) => {
      const publicKey = publicKeyOf(new Secret(key));
      expect(isKey(publicKey)).toBe(true);
      expect(publicKeyOf(new Secret(key))).toBe(publicKey);
    }),
    { numRuns: 50 },
  );
});

describe('key text', () => {
  const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';

  test('32 bytes in canonical base64 are a key, and nothing else of 44 characters is', () => {
    fc.assert(
      fc.property(fc.base64String({ minLength: 44, maxLength: 44 }), (text) => {
        const bytes = Buffer.from(text, 'base64');
        expect(isKey(text)).toBe(bytes.length === 32 && bytes.toString('base64') === text);
      }),
      RUNS,
    );
  });

  test.each([
    { name: 'spare bits that are not zero', text: 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EZ=' },
    { name: 'no padding', text: KEY.slice(0, 43) },
    { name: '31 bytes', text: Buffer.alloc(31, 1).toString('base64') },
    { name: '33 bytes', text: Buffer.alloc(33, 1).toString('base64') },
    { name: 'the URL alphabet', text: KEY.replace('+', '-') },
    { name: 'a space before it', text: ` ${KEY}` },
    { name: 'a line feed behind it', text: `${KEY}\n` },
    { name: 'hex', text: 'ab'.repeat(32) },
    { name: 'nothing', text: '' },
  ])('with $name is no key', ({ text }) => {
    expect(isKey(text)).toBe(false);
    expect(isPrivateKey(text)).toBe(false);
  });

  test('the all-zero key is a key and no private key, because wg takes it as none', () => {
    const zero = Buffer.alloc(32).toString('base64');
    expect({ key: isKey(zero), privateKey: isPrivateKey(zero) }).toEqual({ key: true, privateKey: false });
  });
});
