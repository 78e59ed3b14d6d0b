import { expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { followLoad } from './heap-mode.ts';

test('V8 favours memory once it was calm for 10 s, and speed as soon as there is much to do', async () => {
  const clock = new ManualClock();
  const flags: string[] = [];
  let depth = 100;
  const controller = new AbortController();
  followLoad({
    clock,
    signal: controller.signal,
    queue: { depth: (priority) => (priority === 'resync' ? depth : 0) },
    setFlag: (flag) => flags.push(flag),
  });
  await clock.advance(30_000);
  expect(flags).toEqual([]);
  depth = 3;
  await clock.advance(9_000);
  expect(flags).toEqual([]);
  await clock.advance(2_000);
  expect(flags).toEqual(['--optimize-for-size']);
  await clock.advance(60_000);
  depth = 17;
  await clock.advance(1_000);
  expect(flags).toEqual(['--optimize-for-size', '--no-optimize-for-size']);
  controller.abort();
  depth = 0;
  await clock.advance(60_000);
  expect(flags).toHaveLength(2);
});
