import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { createQueue, type Priority, type Queue } from './queue.ts';
import { RUNS } from '../../test/fixtures/arbitraries.ts';

/** The queue said again in the plainest way: three maps and a list. */
interface Model {
  nowMs: number;
  readonly ready: Map<string, Priority>;
  readonly working: Map<string, Priority | undefined>;
  readonly due: Map<string, number>;
}

interface Real {
  readonly queue: Queue;
  readonly clock: ManualClock;
}

const better = (left: Priority | undefined, right: Priority): Priority => (left === 'change' ? left : right);

const want = (model: Model, key: string, priority: Priority): void => {
  if (model.working.has(key)) model.working.set(key, better(model.working.get(key), priority));
  else model.ready.set(key, better(model.ready.get(key), priority));
};

/** The queue and its model after a step must count the same. */
const same = (model: Model, { queue }: Real): void => {
  const depth = (priority: Priority): number => [...model.ready.values()].filter((ready) => ready === priority).length;
  expect([queue.depth('change'), queue.depth('resync'), queue.delayed()]).toEqual([
    depth('change'),
    depth('resync'),
    model.due.size,
  ]);
};

type Step = fc.AsyncCommand<Model, Real>;

const step = (
  name: string,
  run: (model: Model, real: Real) => Promise<void> | void,
  check: (model: Readonly<Model>) => boolean = () => true,
): Step => ({
  check,
  toString: () => name,
  run: async (model, real) => {
    await run(model, real);
    same(model, real);
  },
});

const add = (key: string, priority: Priority): Step =>
  step(`add(${key}, ${priority})`, (model, { queue }) => {
    want(model, key, priority);
    queue.add(key, priority);
  });

const addAfter = (key: string, delayMs: number): Step =>
  step(`addAfter(${key}, ${String(delayMs)})`, (model, { queue }) => {
    model.due.set(key, model.nowMs + delayMs);
    queue.addAfter(key, delayMs);
  });

const advance = (ms: number): Step =>
  step(`advance(${String(ms)})`, async (model, { clock }) => {
    model.nowMs += ms;
    for (const [key, dueMs] of [...model.due]) {
      if (dueMs > model.nowMs) continue;
      model.due.delete(key);
      want(model, key, 'resync');
    }
    await clock.advance(ms);
  });

const get = (priorities: 'any' | 'change'): Step =>
  step(
    `get(${priorities})`,
    async (model, { queue }) => {
      const item = await queue.get(priorities);
      const priority = item === undefined ? undefined : model.ready.get(item.key);
      const hasEdit = [...model.ready.values()].includes('change');
      expect(item?.priority).toBe(priority);
      expect(priority).toBe(hasEdit ? 'change' : 'resync');
      if (item === undefined) return;
      expect(model.working.has(item.key)).toBe(false);
      model.ready.delete(item.key);
      model.due.delete(item.key);
      model.working.set(item.key, undefined);
    },
    ({ ready }) => [...ready.values()].some((priority) => priorities === 'any' || priority === 'change'),
  );

const done = (pick: number): Step =>
  step(
    `done(${String(pick)})`,
    (model, { queue }) => {
      const [key, priority] = [...model.working][pick % model.working.size] ?? ['', undefined];
      model.working.delete(key);
      if (priority !== undefined) want(model, key, priority);
      queue.done(key);
    },
    ({ working }) => working.size > 0,
  );

const forget = (key: string): Step =>
  step(`forget(${key})`, (model, { queue }) => {
    model.ready.delete(key);
    model.due.delete(key);
    if (model.working.has(key)) model.working.set(key, undefined);
    queue.forget(key);
  });

test('C14: the queue does as its model does, whatever the order of calls', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const commands = fc.commands(
    [
      fc.tuple(key, fc.constantFrom<Priority>('change', 'resync')).map(([name, priority]) => add(name, priority)),
      fc.tuple(key, fc.nat(20)).map(([name, delayMs]) => addAfter(name, delayMs)),
      fc.nat(15).map(advance),
      fc.constantFrom('any' as const, 'change' as const).map(get),
      fc.nat(3).map(done),
      key.map(forget),
    ],
    { maxCommands: 40 },
  );
  const property = fc.asyncProperty(commands, async (steps) => {
    await fc.asyncModelRun(() => {
      const clock = new ManualClock();
      return {
        model: { nowMs: 0, ready: new Map(), working: new Map(), due: new Map() },
        real: { queue: createQueue(clock), clock },
      };
    }, steps);
  });
  await fc.assert(property, RUNS);
});
