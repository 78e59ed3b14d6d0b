import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { createQueue, type Priority, type Queue, type QueueItem } from './queue.ts';

const NOTHING = Symbol('nothing');

/** What a get gives at once, or NOTHING while it waits. */
async function now(item: Promise<QueueItem | undefined>): Promise<QueueItem | undefined | typeof NOTHING> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([item, Promise.resolve(NOTHING)]);
}

/** Takes every key that is ready, without ending the work on it. */
async function takeAll(queue: Queue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth('change') + queue.depth('resync') > 0) {
    const item = await queue.get('any');
    if (item !== undefined) taken.push(`${item.key} ${item.priority}`);
  }
  return taken;
}

interface OrderCase {
  readonly name: string;
  readonly steps: readonly (readonly [key: string, priority: Priority])[];
  readonly taken: readonly string[];
}

const orders: readonly OrderCase[] = [
  {
    name: 'keys of one priority come out in the order of their arrival',
    steps: [
      ['b', 'resync'],
      ['a', 'resync'],
    ],
    taken: ['b resync', 'a resync'],
  },
  {
    name: 'a key that is added twice comes out once',
    steps: [
      ['a', 'change'],
      ['a', 'change'],
    ],
    taken: ['a change'],
  },
  {
    name: 'a change overtakes checks that wait longer',
    steps: [
      ['a', 'resync'],
      ['b', 'change'],
    ],
    taken: ['b change', 'a resync'],
  },
  {
    name: 'a check that becomes a change moves up and leaves its old place',
    steps: [
      ['a', 'resync'],
      ['b', 'resync'],
      ['b', 'change'],
    ],
    taken: ['b change', 'a resync'],
  },
  {
    name: 'a change that is added as a check stays a change',
    steps: [
      ['a', 'change'],
      ['a', 'resync'],
    ],
    taken: ['a change'],
  },
];

describe('the order of keys', () => {
  test.each(orders)('$name', async ({ steps, taken }) => {
    const queue = createQueue(new ManualClock());
    for (const [key, priority] of steps) queue.add(key, priority);
    expect(await takeAll(queue)).toEqual(taken);
  });
});

describe('a key in work', () => {
  test('is not given out again before it is done, however often it is added', async () => {
    const queue = createQueue(new ManualClock());
    queue.add('a', 'change');
    await queue.get('any');
    queue.add('a', 'change');
    queue.add('a', 'resync');
    const second = queue.get('any');
    expect(await now(second)).toBe(NOTHING);
    queue.done('a');
    expect(await second).toMatchObject({ key: 'a', priority: 'change' });
  });

  test('runs once more, in the better of the priorities that were asked for meanwhile', async () => {
    const queue = createQueue(new ManualClock());
    queue.add('a', 'resync');
    await queue.get('any');
    for (const priority of ['resync', 'change', 'resync'] as const) queue.add('a', priority);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a change']);
    queue.done('a');
    expect(queue.depth('change') + queue.depth('resync')).toBe(0);
  });

  test('does not run again when it is forgotten meanwhile', async () => {
    const queue = createQueue(new ManualClock());
    queue.add('a', 'resync');
    await queue.get('any');
    queue.add('a', 'change');
    queue.forget('a');
    queue.done('a');
    expect(await takeAll(queue)).toEqual([]);
  });
});

describe('getters', () => {
  test('one that is kept for edits gets no resync', async () => {
    const queue = createQueue(new ManualClock());
    const reserved = queue.get('change');
    queue.add('a', 'resync');
    expect(await now(reserved)).toBe(NOTHING);
    queue.add('b', 'change');
    expect(await reserved).toMatchObject({ key: 'b', priority: 'change' });
    expect(queue.depth('resync')).toBe(1);
  });

  test('a waiting check passes the getters that are kept for edits', async () => {
    const queue = createQueue(new ManualClock());
    const reserved = queue.get('change');
    const any = queue.get('any');
    queue.add('a', 'resync');
    expect(await any).toMatchObject({ key: 'a', priority: 'resync' });
    expect(await now(reserved)).toBe(NOTHING);
  });

  test('an item says since when it was ready', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 70);
    await clock.advance(100);
    expect(await queue.get('any')).toEqual({ key: 'a', priority: 'resync', sinceMs: 70 });
  });
});

describe('delayed keys', () => {
  test('become checks when they are due, not before', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 100);
    await clock.advance(99);
    expect(queue.depth('resync')).toBe(0);
    await clock.advance(1);
    expect([queue.depth('resync'), queue.delayed()]).toEqual([1, 0]);
  });

  test.each([
    { name: 'later', delays: [100, 300], dueMs: 300 },
    { name: 'sooner', delays: [300, 100], dueMs: 100 },
  ])('a later call replaces the delay by one that ends $name', async ({ delays, dueMs }) => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    for (const delayMs of delays) queue.addAfter('a', delayMs);
    await clock.advance(dueMs - 1);
    expect(queue.depth('resync')).toBe(0);
    await clock.advance(1);
    expect(queue.depth('resync')).toBe(1);
  });

  test('a run takes the place of the delayed resync', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 100);
    queue.add('a', 'change');
    await queue.get('any');
    queue.done('a');
    await clock.advance(1_000);
    expect(queue.depth('resync')).toBe(0);
  });

  test('a check that falls due during the work on its key runs afterwards', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.add('a', 'change');
    await queue.get('any');
    queue.addAfter('a', 10);
    await clock.advance(10);
    expect(queue.depth('resync')).toBe(0);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a resync']);
  });

  test('an edit that failed comes back as an edit', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 10, 'change');
    await clock.advance(10);
    expect(await takeAll(queue)).toEqual(['a change']);
  });

  test('a run takes the place of the delayed edit, and a later resync is none', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 10, 'change');
    queue.add('a', 'resync');
    await queue.get('any');
    queue.done('a');
    queue.addAfter('a', 10);
    await clock.advance(10);
    expect(await takeAll(queue)).toEqual(['a resync']);
  });

  test('a forgotten key does not come back', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.addAfter('a', 10);
    queue.forget('a');
    await clock.advance(10);
    expect([queue.depth('resync'), queue.delayed()]).toEqual([0, 0]);
  });

  test('ten thousand of them need one timer', () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    for (let index = 0; index < 10_000; index += 1) queue.addAfter(`key-${String(index)}`, 10_000 - index);
    expect([clock.pending, queue.delayed()]).toEqual([1, 10_000]);
  });
});

describe('shutDown', () => {
  test('gives undefined to getters of both kinds, those that wait and those that come later', async () => {
    const queue = createQueue(new ManualClock());
    const waiting = [queue.get('any'), queue.get('change')];
    queue.shutDown();
    expect(await Promise.all([...waiting, queue.get('any'), queue.get('change')])).toEqual(Array(4).fill(undefined));
  });

  test('gives out nothing that is still ready, and takes nothing in', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock);
    queue.add('a', 'change');
    queue.addAfter('b', 10);
    queue.shutDown();
    queue.add('c', 'change');
    queue.addAfter('d', 10);
    await clock.advance(10);
    expect(await queue.get('any')).toBeUndefined();
    expect(clock.pending).toBe(0);
  });
});
