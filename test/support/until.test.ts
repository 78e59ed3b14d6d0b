import { expect, test } from '@jest/globals';
import { until, UntilTimeout } from './until.ts';

/** For what comes: its looks must not run into the deadline. */
const soon = { intervalMs: 1 };
/** For what does not come: one look is enough. */
const brief = { timeoutMs: 30, intervalMs: 1 };

test('returns the first value that is neither undefined nor false', async () => {
  const values = [undefined, false, 0] as const;
  let looks = 0;
  expect(await until('a value', () => values[looks++], soon)).toBe(0);
  expect(looks).toBe(3);
});

test('takes a probe that throws for "not yet"', async () => {
  let looks = 0;
  const probe = (): Promise<string> => (++looks < 3 ? Promise.reject(new Error('refused')) : Promise.resolve('here'));
  expect(await until('an answer', probe, soon)).toBe('here');
});

test('says at the deadline what it waited for and the last error', async () => {
  const late = until('the moon', () => Promise.reject(new Error('still cloudy')), brief);
  await expect(late).rejects.toThrow(UntilTimeout);
  await expect(late).rejects.toThrow(/the moon.*30 ms.*still cloudy/);
});

test('says at the deadline the last value', async () => {
  await expect(until('the moon', () => false, brief)).rejects.toThrow(/last value: false/);
});

test('gives up before the deadline when there is a reason to', async () => {
  const early = until('a reply', () => undefined, { timeoutMs: 60_000, giveUp: () => 'the server died' });
  await expect(early).rejects.toThrow(/a reply: the server died/);
});
