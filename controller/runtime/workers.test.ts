import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type Action, awaitChange, requeueAfter } from './action.ts';
import { createBackoff } from './backoff.ts';
import { createGate, type Gate } from './gate.ts';
import { createQueue, type Queue } from './queue.ts';
import { runWorkers } from './workers.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Running {
  readonly queue: Queue;
  readonly clock: ManualClock;
  /** Asked by the reconciles. */
  readonly gate: Gate;
  /** `key@ms result` of every reconcile that ended. */
  readonly ended: string[];
  /** `key priority` of every reconcile that began. */
  readonly began: string[];
  /** `key@ms` of every reconcile that its worker went on without, and of those the end. */
  readonly left: string[];
  readonly errors: unknown[];
  readonly stop: () => Promise<void>;
}

/** The service that all depend on is away. */
const AWAY = new Error('away');

function start(reconcile: (key: string) => Promise<Action>, { count = 1, reserved = 0 } = {}): Running {
  const clock = new ManualClock();
  const queue = createQueue(clock);
  const gate = createGate({ nowMs: clock.now, random: () => 0, baseMs: 250, capMs: 4_000 });
  const [ended, began, left]: [string[], string[], string[]] = [[], [], []];
  const errors: unknown[] = [];
  const workers = runWorkers({
    queue,
    clock,
    backoff: createBackoff({ baseMs: 200, capMs: 1_000, random: () => 0 }),
    reconcile,
    count,
    reserved,
    gate,
    isOutage: (error) => error === AWAY,
    observer: {
      started: ({ key, priority }) => began.push(`${key} ${priority}`),
      left: ({ key }) => left.push(`${key}@${String(clock.now())}`),
      ended: ({ key }, { result, error, durationMs, wasLeft }) => {
        ended.push(`${key}@${String(clock.now())} ${result}`);
        if (wasLeft) left.push(`${key} lasted ${String(durationMs)} ms`);
        if (error !== undefined) errors.push(error);
      },
    },
  });
  const stop = (): Promise<void> => {
    queue.shutDown();
    return workers;
  };
  return { queue, clock, gate, ended, began, left, errors, stop };
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

describe('C1: a reconcile that lasts', () => {
  const forever = new Promise<Action>(() => undefined);
  const slowly = (key: string): Promise<Action> => (key.startsWith('slow') ? forever : Promise.resolve(awaitChange));

  test('gives its worker back after a second, and no sooner', async () => {
    const { queue, clock, ended, left } = start(slowly);
    queue.add('slow', 'change');
    queue.add('edit', 'change');
    await clock.advance(999);
    expect([ended, left]).toEqual([[], []]);
    await clock.advance(1);
    expect([ended, left]).toEqual([['edit@1000 success'], ['slow@1000']]);
  });

  test('is still in work: its key is not given out again', async () => {
    const { queue, clock, began } = start(slowly);
    queue.add('slow', 'change');
    await clock.advance(1_000);
    queue.add('slow', 'change');
    await clock.advance(60_000);
    expect(began).toEqual(['slow change']);
  });

  test('tells that it was left, and how long it lasted, when it ends; what came meanwhile comes then', async () => {
    const { promise, resolve } = Promise.withResolvers<Action>();
    let runs = 0;
    const { queue, clock, ended, left, stop } = start(() => (++runs === 1 ? promise : Promise.resolve(awaitChange)));
    queue.add('slow', 'change');
    await clock.advance(7_000);
    queue.add('slow', 'change');
    resolve(awaitChange);
    await settle();
    expect(left).toEqual(['slow@1000', 'slow lasted 7000 ms']);
    expect(ended).toEqual(['slow@7000 success', 'slow@7000 success']);
    await stop();
  });

  test('that fails after it was left backs off as any other', async () => {
    const { promise, reject } = Promise.withResolvers<Action>();
    let runs = 0;
    const { queue, clock, ended, stop } = start(() => (++runs === 1 ? promise : Promise.resolve(awaitChange)));
    queue.add('slow', 'change');
    await clock.advance(2_000);
    reject(new Error('no'));
    await clock.advance(100);
    expect(ended).toEqual(['slow@2000 error', 'slow@2100 success']);
    await stop();
  });

  test('is not left when it ends within the second, and leaves no timer behind', async () => {
    const { queue, clock, left, stop } = start(() => Promise.resolve(awaitChange));
    for (let index = 0; index < 20; index += 1) queue.add(String(index), 'resync');
    await clock.advance(5_000);
    expect([left, clock.pending]).toEqual([[], 0]);
    await stop();
  });

  test('however many hang, edits of others go on', async () => {
    const { queue, clock, ended } = start(slowly, { count: 4, reserved: 1 });
    for (let index = 0; index < 140; index += 1) queue.add(`slow-${String(index)}`, 'change');
    await clock.advance(40_000);
    queue.add('edit', 'change');
    await settle();
    expect(ended).toEqual(['edit@40000 success']);
  });

  test('C2: is waited for at a shutdown', async () => {
    const { promise, resolve } = Promise.withResolvers<Action>();
    const { queue, clock, ended, stop } = start(() => promise);
    queue.add('slow', 'change');
    await clock.advance(5_000);
    const stopped = stop();
    expect(await Promise.race([stopped.then(() => 'stopped'), settle().then(() => 'waits')])).toBe('waits');
    resolve(awaitChange);
    await stopped;
    expect(ended).toEqual(['slow@5000 success']);
  });
});

describe('C9: while a service that all depend on is away', () => {
  /** Reconciles that ask the service, which is away until it is told to be back. */
  function whileAway(): Running & { readonly api: { isBack: boolean } } {
    const api = { isBack: false };
    const running = start(() => {
      const { gate } = running;
      if (gate.waitMs() > 0 || !api.isBack) {
        if (gate.waitMs() === 0) gate.failed(0);
        return Promise.reject(AWAY);
      }
      gate.answered();
      return Promise.resolve(awaitChange);
    });
    return { ...running, api };
  }

  test('every key comes again as soon as it is back, and counts no failure for it', async () => {
    const { queue, clock, gate, api, ended, stop } = whileAway();
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change');
    await clock.advance(240_000);
    api.isBack = true;
    ended.length = 0;
    gate.answered();
    await settle();
    expect(ended.sort()).toEqual(['a@240000 success', 'b@240000 success', 'c@240000 success']);
    await stop();
  });

  test('somebody asks whether it is back, within 5 s, though nobody tells', async () => {
    const { queue, clock, api, ended, stop } = whileAway();
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change');
    await clock.advance(240_000);
    api.isBack = true;
    ended.length = 0;
    await clock.advance(5_000);
    const succeeded = new Set(ended.map((line) => line.replace(/@[0-9]+/, '')));
    expect(succeeded).toEqual(new Set(['a success', 'b success', 'c success']));
    await stop();
  });

  test.each([1_000, 6_000, 240_000])('an edit stays an edit, %d ms long', async (awayMs) => {
    const { queue, clock, gate, api, began, stop } = whileAway();
    queue.add('edit', 'change');
    queue.add('look', 'resync');
    await clock.advance(awayMs);
    api.isBack = true;
    began.length = 0;
    gate.answered();
    await settle();
    expect(began).toEqual(['edit change', 'look resync']);
    await stop();
  });

  test('another failure backs off as ever', async () => {
    const { queue, clock, gate, ended, stop } = start(() => Promise.reject(new Error('no')));
    gate.failed(0);
    queue.add('bad', 'change');
    await clock.advance(300);
    expect(ended).toEqual(['bad@0 error', 'bad@100 error', 'bad@300 error']);
    await stop();
  });

  test('an outage that is over by the time that it is told backs off as any failure', async () => {
    const { queue, clock, ended, stop } = start(() => Promise.reject(AWAY));
    queue.add('late', 'change');
    await clock.advance(100);
    expect(ended).toEqual(['late@0 error', 'late@100 error']);
    await stop();
  });
});

test('an edit that failed comes again as an edit, a resync as a resync', async () => {
  const { queue, clock, began, stop } = start(() => Promise.reject(new Error('no')));
  queue.add('edit', 'change');
  queue.add('look', 'resync');
  await clock.advance(100);
  expect(began).toEqual(['edit change', 'look resync', 'edit change', 'look resync']);
  await stop();
});
