import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { createQueue, type Queue } from './queue.ts';

const NOTHING = Symbol('nothing');

/** What a get gives at once, or NOTHING while it waits. */
async function now<T>(item: Promise<T>): Promise<T | typeof NOTHING> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([item, Promise.resolve(NOTHING)]);
}

describe('C1: groups', () => {
  const [HOST, OTHER] = ['host', 'other'];
  const grouped = (atOnce: number, groups: Record<string, string>): Queue =>
    createQueue(new ManualClock(), { of: (key) => groups[key], atOnce });
  /** Takes so many keys without ending the work on them. */
  const take = async (queue: Queue, count: number): Promise<unknown[]> => {
    const taken: unknown[] = [];
    for (let index = 0; index < count; index += 1) {
      const item = await now(queue.get('any'));
      taken.push(typeof item === 'object' ? item.key : item);
    }
    return taken;
  };

  test('of one no more keys are in work than may be, whoever waits; others pass them', async () => {
    const queue = grouped(2, { a: HOST, b: HOST, c: HOST, d: OTHER });
    for (const key of ['a', 'b', 'c', 'd', 'free']) queue.add(key, 'change');
    expect(await take(queue, 5)).toEqual(['a', 'b', 'd', 'free', NOTHING]);
    expect(queue.depth('change')).toBe(1);
  });

  test('the next one comes when one is done, edits first and then in the order of their arrival', async () => {
    const queue = grouped(1, { a: HOST, b: HOST, c: HOST, d: HOST });
    queue.add('a', 'change');
    await take(queue, 1);
    for (const key of ['b', 'c'] as const) queue.add(key, 'resync');
    queue.add('d', 'change');
    const waiting = [queue.get('any'), queue.get('any'), queue.get('any')];
    for (const done of ['a', 'd', 'b']) {
      await now(waiting[0] ?? Promise.resolve(undefined));
      queue.done(done);
    }
    expect((await Promise.all(waiting)).map((item) => item?.key)).toEqual(['d', 'b', 'c']);
  });

  test('what waits keeps since when it waits', async () => {
    const clock = new ManualClock();
    const queue = createQueue(clock, { of: () => HOST, atOnce: 1 });
    queue.add('a', 'resync');
    queue.add('b', 'resync');
    await queue.get('any');
    const second = queue.get('any');
    await clock.advance(5_000);
    queue.done('a');
    expect(await second).toEqual({ key: 'b', priority: 'resync', sinceMs: 0 });
  });

  test('a resync that waits for its group and becomes an edit goes first', async () => {
    const queue = grouped(1, { a: HOST, b: HOST, c: HOST });
    for (const key of ['a', 'b', 'c']) queue.add(key, 'resync');
    await take(queue, 1);
    const next = queue.get('any');
    queue.add('c', 'change');
    expect([queue.depth('change'), queue.depth('resync')]).toEqual([1, 1]);
    queue.done('a');
    expect(await next).toMatchObject({ key: 'c', priority: 'change' });
  });

  test('an edit does not wait for a resync of its group that no worker has taken', async () => {
    const queue = grouped(1, { a: HOST, b: HOST, c: HOST });
    for (const key of ['a', 'b', 'c']) queue.add(key, 'resync');
    await take(queue, 1);
    // A worker that looks walks over both, and goes away with something else.
    const any = queue.get('any');
    queue.add('free', 'resync');
    await any;
    queue.done('a');
    const reserved = queue.get('change');
    queue.add('c', 'change');
    expect(await now(reserved)).toMatchObject({ key: 'c', priority: 'change' });
  });

  test('a key that is forgotten while it waits for its group does not come back, and the others do', async () => {
    const queue = grouped(1, { a: HOST, b: HOST, c: HOST });
    for (const key of ['a', 'b', 'c']) queue.add(key, 'resync');
    const waiting = [queue.get('any'), queue.get('any')];
    await waiting[0];
    queue.forget('b');
    queue.done('a');
    expect(await waiting[1]).toMatchObject({ key: 'c' });
  });

  test('an edit that gives a key another host does not wait for the one that hangs', async () => {
    const groups: Record<string, string> = { a: HOST, b: HOST };
    const queue = grouped(1, groups);
    queue.add('a', 'change');
    queue.add('b', 'change');
    const [, next] = [await queue.get('any'), queue.get('any')];
    expect(await now(next)).toBe(NOTHING);
    groups['b'] = OTHER;
    queue.add('b', 'change');
    expect(await now(next)).toMatchObject({ key: 'b' });
  });

  test('those that wait behind a key which moved to another group are not forgotten', async () => {
    const groups: Record<string, string> = { a: HOST, b: HOST, c: HOST };
    const queue = grouped(1, groups);
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change');
    const waiting = [queue.get('any'), queue.get('any'), queue.get('any')];
    await waiting[0];
    groups['b'] = OTHER;
    queue.done('a');
    const taken = await Promise.all(waiting.slice(1).map(now));
    expect(taken.map((item) => (typeof item === 'object' ? item.key : item))).toEqual(['b', 'c']);
  });
});
