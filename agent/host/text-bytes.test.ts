import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { decodeBytes, encodeText } from './text-bytes.ts';

describe('case M5: bytes', () => {
  test.each([
    { name: 'ASCII', bytes: Buffer.from('[Interface]\n') },
    { name: 'UTF-8', bytes: Buffer.from('# Grüße 🔑\n') },
    { name: 'a byte order mark', bytes: Buffer.from('\ufeff[Interface]\n') },
    { name: 'Latin-1', bytes: Buffer.from('# Gr\xfc\xdfe\nMTU = 1400\n', 'latin1') },
    { name: 'UTF-8 and Latin-1 in one file', bytes: Buffer.concat([Buffer.from('# ü '), Buffer.of(0xfc, 0x0a)]) },
    { name: 'half a character', bytes: Buffer.of(0xf0, 0x9f, 0x94) },
    { name: 'an encoded surrogate, which is no UTF-8', bytes: Buffer.of(0xed, 0xb2, 0x80) },
  ])('of $name come back', ({ bytes }) => {
    expect(encodeText(decodeBytes(bytes)).equals(bytes)).toBe(true);
  });

  test('of any file come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(encodeText(decodeBytes(bytes)).equals(Buffer.from(bytes))).toBe(true);
      }),
      RUNS,
    );
  });

  test('that are ASCII are read as such, whatever is beside them', () => {
    expect(decodeBytes(Buffer.from('# \xe9\nMTU = 1400\n', 'latin1'))).toMatch(/\nMTU = 1400\n$/);
  });
});

test('of a text with whole surrogate pairs are UTF-8', () => {
  expect(encodeText('🔑').toString('utf8')).toBe('🔑');
});
