import { expect, test } from '@jest/globals';
import { createInterfaceLock } from './interface-lock.ts';

/** A piece of work that ends when it is told to. */
function gate(): { open: () => void; work: () => Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    open: () => {
      resolve(undefined);
    },
    work: async () => {
      await promise;
    },
  };
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test('changes of one interface run one at a time, in the order in which they came', async () => {
  const lock = createInterfaceLock();
  const events: string[] = [];
  const change = (id: number): Promise<void> =>
    lock.run('wg0', async () => {
      events.push(`start ${String(id)}`);
      await Promise.resolve();
      events.push(`end ${String(id)}`);
    });
  await Promise.all([change(1), change(2), change(3)]);
  expect(events).toEqual(['start 1', 'end 1', 'start 2', 'end 2', 'start 3', 'end 3']);
});

test('changes of two interfaces do not wait for each other', async () => {
  const lock = createInterfaceLock();
  const held = gate();
  const first = lock.run('wg0', held.work);
  expect(await lock.run('wg1', () => Promise.resolve('done'))).toBe('done');
  held.open();
  await first;
});

test('the answer and the failure of the work are those of the call', async () => {
  const lock = createInterfaceLock();
  expect(await lock.run('wg0', () => Promise.resolve(7))).toBe(7);
  await expect(lock.run('wg0', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
});

test('a failure does not block those that wait', async () => {
  const lock = createInterfaceLock();
  const failed = lock.run('wg0', () => Promise.reject(new Error('mine')));
  const next = lock.run('wg0', () => Promise.resolve('done'));
  await expect(failed).rejects.toThrow('mine');
  expect(await next).toBe('done');
});

test('a synchronous failure does not block those that wait', async () => {
  const lock = createInterfaceLock();
  const failed = lock.run('wg0', () => {
    throw new Error('mine');
  });
  const next = lock.run('wg0', () => Promise.resolve('done'));
  await expect(failed).rejects.toThrow('mine');
  expect(await next).toBe('done');
});

test('64 may wait, the 65th is told to come again, and later ones are taken again', async () => {
  const lock = createInterfaceLock();
  const held = gate();
  let ran = 0;
  const count = (): Promise<void> => {
    ran += 1;
    return Promise.resolve();
  };
  const first = lock.run('wg0', held.work);
  const waiting = Array.from({ length: 64 }, () => lock.run('wg0', count));
  expect(await lock.run('wg0', count).catch(codeOf)).toBe('busy');
  expect(await lock.run('wg1', () => Promise.resolve('done'))).toBe('done');
  held.open();
  await Promise.all([first, ...waiting]);
  expect(ran).toBe(64);
  await lock.run('wg0', count);
  expect(ran).toBe(65);
});
