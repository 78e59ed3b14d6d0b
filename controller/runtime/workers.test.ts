import { expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type Action, awaitChange, requeueAfter } from './action.ts';
import { createBackoff } from './backoff.ts';
import { createQueue, type Queue } from './queue.ts';
import { runWorkers } from './workers.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Running {
  readonly queue: Queue;
  readonly clock: ManualClock;
  /** `key@ms result` of every reconcile that ended. */
  readonly ended: string[];
  readonly errors: unknown[];
  readonly stop: () => Promise<void>;
}

function start(reconcile: (key: string) => Promise<Action>, { count = 1, reserved = 0 } = {}): Running {
  const clock = new ManualClock();
  const queue = createQueue(clock);
  const ended: string[] = [];
  const errors: unknown[] = [];
  const workers = runWorkers({
    queue,
    clock,
    backoff: createBackoff({ baseMs: 200, capMs: 1_000, random: () => 0 }),
    reconcile,
    count,
    reserved,
    observer: {
      started: () => undefined,
      ended: ({ key }, result, _durationMs, error) => {
        ended.push(`${key}@${String(clock.now())} ${result}`);
        if (error !== undefined) errors.push(error);
      },
    },
  });
  const stop = (): Promise<void> => {
    queue.shutDown();
    return workers;
  };
  return { queue, clock, ended, errors, stop };
}

test('requeueAfter brings the key back when its delay is over', async () => {
  const { queue, clock, ended, stop } = start(() => Promise.resolve(requeueAfter(500)));
  queue.add('a', 'change');
  await clock.advance(1_000);
  expect(ended).toEqual(['a@0 requeue_after', 'a@500 requeue_after', 'a@1000 requeue_after']);
  await stop();
});

test('awaitChange leaves the key alone until it is added', async () => {
  const { queue, clock, ended, stop } = start(() => Promise.resolve(awaitChange));
  queue.add('a', 'change');
  await clock.advance(1e9);
  queue.add('a', 'resync');
  await settle();
  expect(ended).toEqual(['a@0 success', 'a@1000000000 success']);
  await stop();
});

test('C3: a thrown error backs its key off, ever longer, and holds up no other key', async () => {
  const { queue, clock, ended, errors, stop } = start((key) =>
    key === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve(awaitChange),
  );
  queue.add('bad', 'change');
  queue.add('good', 'change');
  await clock.advance(800);
  expect(ended).toEqual(['bad@0 error', 'good@0 success', 'bad@100 error', 'bad@300 error', 'bad@700 error']);
  expect(errors).toHaveLength(4);
  await stop();
});

test('a failure that asks for a longer wait is given it', async () => {
  const { queue, clock, ended, stop } = start(() => {
    throw Object.assign(new Error('too many requests'), { retryAfterMs: 5_000 });
  });
  queue.add('busy', 'change');
  await clock.advance(5_000);
  expect(ended).toEqual(['busy@0 error', 'busy@5000 error']);
  await stop();
});

test('a success starts the backoff of its key anew', async () => {
  const outcomes = ['fail', 'fail', 'succeed', 'fail', 'succeed'];
  const { queue, clock, ended, stop } = start(() =>
    outcomes.shift() === 'fail' ? Promise.reject(new Error('no')) : Promise.resolve(awaitChange),
  );
  queue.add('a', 'change');
  await clock.advance(1_000);
  queue.add('a', 'change');
  await clock.advance(1_000);
  expect(ended).toEqual(['a@0 error', 'a@100 error', 'a@300 success', 'a@1000 error', 'a@1100 success']);
  await stop();
});

test('a change that comes during a reconcile is not lost to its requeue', async () => {
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<Action>();
  const { queue, ended, stop } = start(() => (++runs === 1 ? promise : Promise.resolve(awaitChange)));
  queue.add('a', 'change');
  await settle();
  queue.add('a', 'change');
  resolve(requeueAfter(60_000));
  await settle();
  expect(ended).toEqual(['a@0 requeue_after', 'a@0 success']);
  await stop();
});

test('I11: reserved workers go on serving edits while checks of dead hosts hold all others', async () => {
  const { promise, resolve } = Promise.withResolvers<Action>();
  const reconcile = (key: string): Promise<Action> => (key.startsWith('dead') ? promise : Promise.resolve(awaitChange));
  const { queue, ended, stop } = start(reconcile, { count: 4, reserved: 1 });
  for (let index = 0; index < 10; index += 1) queue.add(`dead-${String(index)}`, 'resync');
  await settle();
  for (const key of ['x', 'y', 'z']) queue.add(key, 'change');
  await settle();
  expect(ended).toEqual(['x@0 success', 'y@0 success', 'z@0 success']);
  resolve(awaitChange);
  await stop();
});

test('never works on one key twice at once', async () => {
  let [running, most] = [0, 0];
  const reconcile = async (): Promise<Action> => {
    most = Math.max(most, ++running);
    await settle();
    running -= 1;
    return requeueAfter(1);
  };
  const { queue, clock, ended, stop } = start(reconcile, { count: 8 });
  for (let round = 0; round < 20; round += 1) {
    queue.add('a', round % 2 === 0 ? 'change' : 'resync');
    await clock.advance(1);
  }
  expect(ended.length).toBeGreaterThan(10);
  expect(most).toBe(1);
  await stop();
});

test('C2: a shutdown waits for the reconcile that runs and starts no other', async () => {
  const { promise, resolve } = Promise.withResolvers<Action>();
  const { queue, ended, stop } = start(() => promise);
  queue.add('a', 'change');
  queue.add('b', 'change');
  await settle();
  const stopped = stop();
  expect(await Promise.race([stopped.then(() => 'stopped'), settle().then(() => 'waits')])).toBe('waits');
  resolve(awaitChange);
  await stopped;
  expect(ended).toEqual(['a@0 success']);
});
