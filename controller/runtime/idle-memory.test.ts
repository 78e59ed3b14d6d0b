import { expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { keepMemoryLow } from './idle-memory.ts';

test('memory is given back once it was calm for 10 s, and again only after it has grown', async () => {
  const clock = new ManualClock();
  const signal = new AbortController();
  let collections = 0;
  let depth = 100;
  let bytes = 300;
  keepMemoryLow({
    clock,
    signal: signal.signal,
    queue: { depth: (priority) => (priority === 'resync' ? depth : 0) },
    residentBytes: () => bytes,
    collect: () => {
      collections += 1;
      bytes = 150;
    },
  });
  await clock.advance(30_000);
  expect(collections).toBe(0);
  depth = 3;
  await clock.advance(9_000);
  expect(collections).toBe(0);
  await clock.advance(2_000);
  expect(collections).toBe(1);
  await clock.advance(60_000);
  expect(collections).toBe(1);
  bytes = 181;
  await clock.advance(1_000);
  expect(collections).toBe(2);
  depth = 17;
  bytes = 300;
  await clock.advance(30_000);
  expect(collections).toBe(2);
  signal.abort();
  depth = 0;
  await clock.advance(60_000);
  expect(collections).toBe(2);
});
