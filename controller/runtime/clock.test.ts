import { expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { pause, systemClock } from './clock.ts';

const settle = (): Promise<string> => new Promise((resolve) => setImmediate(resolve, 'waits'));

test('a pause lasts until the clock has moved by its delay', async () => {
  const clock = new ManualClock();
  const paused = pause(clock, 250, new AbortController().signal).then(() => 'over');
  await clock.advance(249);
  expect(await Promise.race([paused, settle()])).toBe('waits');
  await clock.advance(1);
  expect(await paused).toBe('over');
});

test('an abort ends the pause and cancels its timer', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const paused = pause(clock, 250, controller.signal);
  expect(clock.pending).toBe(1);
  controller.abort();
  await paused;
  expect(clock.pending).toBe(0);
});

test('a pause under an aborted signal is none', async () => {
  const clock = new ManualClock();
  await pause(clock, 250, AbortSignal.abort());
  expect(clock.pending).toBe(0);
});

test('the clock of the system calls back, unless it is cancelled', async () => {
  const called: string[] = [];
  const cancel = systemClock.after(0, () => called.push('cancelled'));
  cancel();
  await new Promise<void>((resolve) => {
    systemClock.after(0, resolve);
  });
  expect(called).toEqual([]);
});
