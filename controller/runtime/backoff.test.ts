import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createBackoff, delayAfter } from './backoff.ts';

const least = { baseMs: 100, capMs: 1_000, random: () => 0 };

describe('delayAfter', () => {
  test.each([
    { name: 'the first failure waits half the base at least', failures: 1, delayMs: 50 },
    { name: 'no failure counts as the first', failures: 0, delayMs: 50 },
    { name: 'each failure doubles it', failures: 3, delayMs: 200 },
    { name: 'the cap ends the growth', failures: 5, delayMs: 500 },
    { name: 'a million failures are no overflow', failures: 1_000_000, delayMs: 500 },
  ])('$name', ({ failures, delayMs }) => {
    expect(delayAfter(failures, least)).toBe(delayMs);
  });

  test('every delay lies between half and the whole of the exponential one, and below the cap', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const property = fc.property(fc.integer({ min: 1, max: 100 }), fraction, (failures, random) => {
      const delayMs = delayAfter(failures, { baseMs: 250, capMs: 30_000, random: () => random });
      const full = Math.min(30_000, 250 * 2 ** (failures - 1));
      expect(delayMs).toBeGreaterThanOrEqual(full / 2);
      expect(delayMs).toBeLessThanOrEqual(full);
    });
    fc.assert(property);
  });
});

describe('createBackoff', () => {
  test('counts the failures of each key by itself', () => {
    const backoff = createBackoff(least);
    expect([backoff.next('a'), backoff.next('a'), backoff.next('b'), backoff.next('a')]).toEqual([50, 100, 50, 200]);
  });

  test('starts again after a success', () => {
    const backoff = createBackoff(least);
    backoff.next('a');
    backoff.next('a');
    backoff.forget('a');
    expect(backoff.next('a')).toBe(50);
  });
});
