import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { withDeadline } from './deadline.ts';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });

describe('work with a deadline', () => {
  test('work that takes too long is told so', async () => {
    const work = withDeadline(new AbortController().signal, 5, untilAborted);
    await expect(work).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test.each(['before', 'while'])('the reason of whoever gives up %s it runs is handed on', async (when) => {
    const controller = new AbortController();
    const reason = new Error('over');
    if (when === 'before') controller.abort(reason);
    const work = withDeadline(controller.signal, 60_000, untilAborted);
    controller.abort(reason);
    await expect(work).rejects.toBe(reason);
  });

  test.each([true, false])('nothing is left of it afterwards; it fails: %s', async (fails) => {
    const { signal } = new AbortController();
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const work = withDeadline(signal, 60_000, () => {
      expect(timers()).toBe(before + 1);
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      return fails ? Promise.reject(new Error('no')) : Promise.resolve(7);
    });
    if (fails) await expect(work).rejects.toThrow('no');
    else expect(await work).toBe(7);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(timers()).toBe(before);
  });
});
