import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryKey, RUNS } from '../../test/fixtures/arbitraries.ts';
import { markKeys, markShapes, redactFile, redactKeys, unmarkKeys } from './redact.ts';

const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';
const PUBLIC_KEY = 'NnAadBS26BL6zH2ocwOIE5/ElrPHITP7up1zokJy3Fo=';

/** The longest piece of `key` that `text` still holds. */
function longestLeft(text: string, key: string): number {
  for (let length = key.length; length > 0; length -= 1) {
    for (let at = 0; at + length <= key.length; at += 1) if (text.includes(key.slice(at, at + length))) return length;
  }
  return 0;
}

describe('N8: keys in text', () => {
  test('a key goes wherever it stands', () => {
    fc.assert(
      fc.property(arbitraryKey, fc.constantFrom('', ' ', '"', ':', 'key: '), (key, before) => {
        expect(redactKeys(`wg: ${before}${key}\n`)).toBe(`wg: ${before}[redacted]\n`);
      }),
      RUNS,
    );
  });

  test.each(['psk of the peer ', 'PresharedKey for peer ', 'private key, not that of peer '])(
    'a key goes behind "%s": it is a secret that is told of',
    (before) => {
      expect(redactKeys(before + KEY)).toBe(`${before}[redacted]`);
    },
  );

  test('in a line as long as an answer may be every key goes, and none costs a look at all before it', () => {
    // A look back from each would take minutes.
    const line = `peer ${KEY} `.repeat(60_000);
    const redacted = redactKeys(line);
    expect(redacted.split('[redacted]').length - 1).toBeGreaterThan(59_000);
  });

  test('a key without padding and one that lacks a character go too', () => {
    expect(redactKeys(`${KEY.slice(0, 43)} ${KEY.slice(0, 42)}`)).toBe('[redacted] [redacted]');
  });

  test('no readable part of a key is left when other text is glued to it', () => {
    const glue = fc.string({ unit: fc.constantFrom('a', 'b', '+', '/', '0', '9'), maxLength: 40 });
    fc.assert(
      fc.property(arbitraryKey, glue, (key, before) => {
        expect(longestLeft(redactKeys(`${before}${key}`), key.slice(0, 43))).toBeLessThan(8);
      }),
      RUNS,
    );
  });

  test('a key in hex goes as a whole', () => {
    expect(redactKeys(`private_key=${'0123456789abcdef'.repeat(4)}`)).toBe('private_key=[redacted]');
  });

  test.each([
    ['ordinary text', 'Line unrecognized: `Jc=4` in /etc/wireguard/wg0.conf'],
    ['a long path', '/usr/local/libexec/wireguard/hooks/forwarding/setup up'],
    [
      'a long path with names',
      '. /opt/Company/wireguard/hooks/forwarding/setup && /home/Alice/vpn2/wireguard/networks/office/up',
    ],
    ['a path of a key', 'wg set %i private-key /etc/wireguard/interfaces/office/keys/private'],
    ['the public key of a peer', `wg set wg0 peer ${PUBLIC_KEY} allowed-ips 10.0.0.2/32`],
    ['one in quotes', `wg set wg0 peer "${PUBLIC_KEY}" remove; hook --public-key=${PUBLIC_KEY} x`],
  ])('%s stays', (_, text) => {
    expect(redactKeys(text)).toBe(text);
    expect(markKeys(text)).toBe(text);
  });

  test.each([
    ['behind a path', `/etc/wireguard/keys/of/interfaces/${KEY}`],
    ['of slashes', 'wg /L1NSNmv9/eD129gd8oYNo6HoMHq/+ETtlQIfSiR0EY='],
    ['in a path, in hexadecimal digits', `/run/keys/${'0123456789abcdef'.repeat(4)}`],
    ['where a preshared one stands', `wg set wg0 peer ${PUBLIC_KEY} preshared-key ${KEY}`],
    ['that is private', `wg set wg0 private-key ${KEY}`],
    ['that is longer than one behind peer', `wg set wg0 peer ${KEY.slice(0, 43)}a=`],
    ['behind peer, without its end', `wg set wg0 peer ${KEY.slice(0, 43)}`],
    ['behind peer in a comment', `true # psk of peer ${KEY}`],
    ['on the line after peer', `peer\n${KEY}`],
  ])('a key %s goes', (_, text) => {
    for (const told of [redactKeys(text), markKeys(text)])
      for (const key of [KEY, 'L1NSNmv9', '0123456789abcdef']) expect(longestLeft(told, key)).toBeLessThan(8);
  });

  test('no key is taken for a path, wherever it stands in one', () => {
    fc.assert(
      fc.property(arbitraryKey, fc.constantFrom('', '/', '/etc/wireguard/', '/a/b/c/d'), (key, before) => {
        // Zeros and the like are keys of nobody.
        fc.pre(new Set(key).size > 12);
        for (const length of [42, 43, 44])
          expect(longestLeft(redactKeys(`cat ${before}${key.slice(0, length)}`), key.slice(0, 42))).toBeLessThan(8);
      }),
      RUNS,
    );
  });
});

describe('N8: keys in a file', () => {
  test.each([
    { name: 'a private key', line: `PrivateKey = ${KEY}` },
    { name: 'a preshared key', line: `PresharedKey = ${KEY}` },
    { name: 'a key in lower case', line: `privatekey=${KEY}` },
    { name: 'a key with a space inside', line: `Private Key = ${KEY}` },
    { name: 'a private key that is commented out', line: `#PrivateKey = ${KEY}` },
    { name: 'a private key behind a public one', line: `PublicKey = ${PUBLIC_KEY} # ${KEY}` },
    { name: 'a key in a comment', line: `# old: ${KEY}` },
    { name: 'a key in a hook', line: `PostUp = wg set %i private-key <(echo ${KEY})` },
    { name: 'a key with a carriage return', line: `PrivateKey = ${KEY}\r` },
    { name: 'a key under an unknown name', line: `Backup = ${KEY}` },
  ])('$name is hidden', ({ line }) => {
    expect(longestLeft(redactFile(`[Interface]\n${line}\n`), KEY)).toBeLessThan(8);
  });

  test('a private key that is malformed is hidden too', () => {
    expect(redactFile('[Interface]\nPrivateKey = too-short\nMTU = 1400\n')).not.toContain('too-short');
  });

  test('public keys and everything else stay', () => {
    const text = `[Interface]\nMTU = 1400\nPostUp = a; b\n\n[peer]\nPublicKey = ${PUBLIC_KEY}\nAllowedIPs = 10.0.0.2/32\n`;
    expect(redactFile(text)).toBe(text);
  });
});

describe('M12: marks in the place of keys', () => {
  const text = (key: string): string => `wg set %i peer ${PUBLIC_KEY} preshared-key <(echo ${key})`;

  test('text with marks holds no key, and is whole again with the keys of its source', () => {
    fc.assert(
      fc.property(arbitraryKey, (key) => {
        const marked = markKeys(text(key));
        expect(longestLeft(marked, key.slice(0, 43))).toBeLessThan(8);
        expect(unmarkKeys(marked, ['true', text(key)])).toBe(text(key));
        expect(unmarkKeys(`${marked}; true`, [text(key)])).toBe(`${text(key)}; true`);
      }),
      RUNS,
    );
  });

  test('texts are compared alike, whoever made the marks, and old marks of public keys and paths stand for them', () => {
    const whole = `${text(KEY)}; /usr/local/libexec/wireguard/hooks/forwarding/setup`;
    expect(markShapes(markKeys(whole))).toBe(markShapes(whole));
    expect(markShapes(markShapes(whole))).toBe(markShapes(whole));
    expect(unmarkKeys(markShapes(whole), [whole])).toBe(whole);
  });

  test('other keys have other marks, and a mark of no key of the source is told', () => {
    expect(markKeys(KEY)).not.toBe(markKeys(PUBLIC_KEY));
    expect(unmarkKeys(markKeys(text(KEY)), [PUBLIC_KEY])).toBeUndefined();
    expect(unmarkKeys('echo no mark', [])).toBe('echo no mark');
    const odd = 'echo [key 0123456789abcdef]';
    expect([unmarkKeys(odd, [odd]), unmarkKeys(odd, [])]).toEqual([odd, undefined]);
  });
});
