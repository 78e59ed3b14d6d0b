import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SteadyHash } from './steady-hash.ts';

/** `KEY STEADY MOVING` */
const steadyOf = (part: string): string => part.split(' ').slice(0, 2).join(' ');

const parts = fc
  .uniqueArray(fc.tuple(fc.nat(5), fc.nat(2), fc.nat(2)), { selector: ([key]) => key, maxLength: 5 })
  .map((all) => all.map((part) => part.join(' ')));

test('B10: two texts have one hash where all that is steady is the same, in any order, whatever was asked before', () => {
  fc.assert(
    fc.property(fc.array(parts, { minLength: 2, maxLength: 8 }), (texts) => {
      const looked = new SteadyHash();
      const hashes = texts.map((text) => looked.hashOf(text, steadyOf));
      texts.forEach((text, at) => {
        expect(hashes[at]).toBe(new SteadyHash().hashOf(text, steadyOf));
        texts.forEach((other, beside) => {
          const [left, right] = [text, other].map((each) => each.map(steadyOf).sort().join());
          expect(hashes[at] === hashes[beside]).toBe(left === right);
        });
      });
    }),
  );
});

test('B10: a part that is as it was is not looked into again', () => {
  const looked = new SteadyHash();
  const asked: string[] = [];
  const look = (text: readonly string[]): string => looked.hashOf(text, (part) => (asked.push(part), steadyOf(part)));
  const hash = look(['1 1 1', '2 1 1']);
  expect(look(['2 1 1', '1 1 2'])).toBe(hash);
  expect(asked).toEqual(['1 1 1', '2 1 1', '1 1 2']);
});
