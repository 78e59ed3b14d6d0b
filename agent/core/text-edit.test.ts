import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { edited, editOf } from './text-edit.ts';

// Few letters: texts that share beginnings, ends and both at once.
const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\ud83d', '\u00e9'), maxLength: 12 });

test('what was edited is the other text, whatever the two are', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(edited(before, editOf(before, after))).toBe(after);
    }),
  );
});

test('of two texts that differ in a line only that is kept', () => {
  expect(editOf('[Interface]\nMTU = 1300\n\n[Peer]\n', '[Interface]\nMTU = 1420\n\n[Peer]\n')).toEqual({
    kept: 19,
    text: '42',
    tail: 10,
  });
  expect(editOf('aa', 'aaa')).toEqual({ kept: 2, text: 'a', tail: 0 });
  expect(editOf('', '')).toEqual({ kept: 0, text: '', tail: 0 });
});
