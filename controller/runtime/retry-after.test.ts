import { expect, test } from '@jest/globals';
import { parseRetryAfter, retryAfterOf } from './retry-after.ts';

const NOW_MS = Date.parse('2026-02-01T00:00:00Z');

test.each<{ name: string; header: string | string[] | undefined; expected: number }>([
  { name: 'seconds', header: '7', expected: 7_000 },
  { name: 'a date', header: 'Sun, 01 Feb 2026 00:00:30 GMT', expected: 30_000 },
  { name: 'a date that is over', header: 'Sat, 31 Jan 2026 00:00:00 GMT', expected: 0 },
  { name: 'the first of two', header: ['2', '9'], expected: 2_000 },
  { name: 'more than ten minutes', header: '86400', expected: 600_000 },
  { name: 'none', header: undefined, expected: 0 },
  { name: 'an empty one', header: '', expected: 0 },
  { name: 'text', header: 'soon', expected: 0 },
  { name: 'a sign', header: '-5', expected: 0 },
])('a Retry-After of $name is a wait of $expected ms', ({ header, expected }) => {
  expect(parseRetryAfter(header, NOW_MS)).toBe(expected);
});

test.each<{ name: string; error: unknown; expected: number }>([
  { name: 'one that asks for a wait', error: Object.assign(new Error('busy'), { retryAfterMs: 5 }), expected: 5 },
  { name: 'any other', error: new Error('no'), expected: 0 },
  { name: 'no error at all', error: null, expected: 0 },
  { name: 'one with text for a wait', error: { retryAfterMs: '5' }, expected: 0 },
])('$name: $expected ms', ({ error, expected }) => {
  expect(retryAfterOf(error)).toBe(expected);
});
