import { expect, test } from '@jest/globals';
import { type Clock, pause, systemClock } from './clock.ts';

/** A clock that stands until its one timer is fired. */
class OneTimer implements Clock {
  fire: (() => void) | undefined;
  delayMs: number | undefined;

  readonly now = (): number => 0;
  readonly after = (delayMs: number, callback: () => void): (() => void) => {
    this.delayMs = delayMs;
    this.fire = callback;
    return () => {
      this.fire = undefined;
    };
  };
}

const settle = (): Promise<string> => new Promise((resolve) => setImmediate(resolve, 'waits'));

test('a pause lasts until the clock has moved by its delay', async () => {
  const clock = new OneTimer();
  const paused = pause(clock, 250, new AbortController().signal).then(() => 'over');
  expect(await Promise.race([paused, settle()])).toBe('waits');
  expect(clock.delayMs).toBe(250);
  clock.fire?.();
  expect(await paused).toBe('over');
});

test('an abort ends the pause and cancels its timer', async () => {
  const clock = new OneTimer();
  const controller = new AbortController();
  const paused = pause(clock, 250, controller.signal);
  controller.abort();
  await paused;
  expect(clock.fire).toBeUndefined();
});

test('a pause under an aborted signal is none', async () => {
  const clock = new OneTimer();
  await pause(clock, 250, AbortSignal.abort());
  expect(clock.delayMs).toBeUndefined();
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
