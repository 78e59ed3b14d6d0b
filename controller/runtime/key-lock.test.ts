import { expect, test } from '@jest/globals';
import { createKeyLock } from './key-lock.ts';

/** A piece of work that ends when it is told to. */
function workOf(log: string[], name: string): { work: () => Promise<string>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const work = async (): Promise<string> => {
    log.push(`${name} starts`);
    await promise;
    log.push(`${name} ends`);
    return name;
  };
  return {
    work,
    end: () => {
      resolve(undefined);
    },
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('work for one key runs one at a time, in the order in which it came', async () => {
  const log: string[] = [];
  const lock = createKeyLock();
  const [first, second, third] = [workOf(log, '1'), workOf(log, '2'), workOf(log, '3')];
  const all = [first, second, third].map(({ work }) => lock.run('host', work));
  third.end();
  second.end();
  await settle();
  expect(log).toEqual(['1 starts']);
  first.end();
  expect(await Promise.all(all)).toEqual(['1', '2', '3']);
  expect(log).toEqual(['1 starts', '1 ends', '2 starts', '2 ends', '3 starts', '3 ends']);
});

test('work for another key does not wait', async () => {
  const log: string[] = [];
  const lock = createKeyLock();
  const [slow, other] = [workOf(log, 'slow'), workOf(log, 'other')];
  const waiting = lock.run('a', slow.work);
  other.end();
  expect(await lock.run('b', other.work)).toBe('other');
  slow.end();
  await waiting;
});

test('work that fails gives its error to its caller alone, and the next runs', async () => {
  const lock = createKeyLock();
  const failing = lock.run('a', () => Promise.reject(new Error('no')));
  const next = lock.run('a', () => Promise.resolve('yes'));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('yes');
});

test('work that comes after the lock was free again still waits for what runs then', async () => {
  const log: string[] = [];
  const lock = createKeyLock();
  await lock.run('a', () => Promise.resolve());
  const [second, third] = [workOf(log, '2'), workOf(log, '3')];
  const all = [lock.run('a', second.work), lock.run('a', third.work)];
  third.end();
  await settle();
  expect(log).toEqual(['2 starts']);
  second.end();
  await Promise.all(all);
});
