import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { createQueue, type Lane, type Queue } from './queue.ts';
import { RUNS } from '../../test/fixtures/arbitraries.ts';

/** The queue said again in the plainest way: three maps and a list. */
interface Model {
  nowMs: number;
  readonly ready: Map<string, Lane>;
  readonly working: Map<string, Lane | undefined>;
  readonly due: Map<string, number>;
}

interface Real {
  readonly queue: Queue;
  readonly clock: ManualClock;
}

const better = (left: Lane | undefined, right: Lane): Lane => (left === 'edit' ? left : right);

const want = (model: Model, key: string, lane: Lane): void => {
  if (model.working.has(key)) model.working.set(key, better(model.working.get(key), lane));
  else model.ready.set(key, better(model.ready.get(key), lane));
};

/** The queue and its model after a step must count the same. */
const same = (model: Model, { queue }: Real): void => {
  const depth = (lane: Lane): number => [...model.ready.values()].filter((ready) => ready === lane).length;
  expect([queue.depth('edit'), queue.depth('check'), queue.delayed()]).toEqual([
    depth('edit'),
    depth('check'),
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

const add = (key: string, lane: Lane): Step =>
  step(`add(${key}, ${lane})`, (model, { queue }) => {
    want(model, key, lane);
    queue.add(key, lane);
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
      want(model, key, 'check');
    }
    await clock.advance(ms);
  });

const get = (lanes: 'any' | 'edit'): Step =>
  step(
    `get(${lanes})`,
    async (model, { queue }) => {
      const item = await queue.get(lanes);
      const lane = item === undefined ? undefined : model.ready.get(item.key);
      const hasEdit = [...model.ready.values()].includes('edit');
      expect(item?.lane).toBe(lane);
      expect(lane).toBe(hasEdit ? 'edit' : 'check');
      if (item === undefined) return;
      expect(model.working.has(item.key)).toBe(false);
      model.ready.delete(item.key);
      model.due.delete(item.key);
      model.working.set(item.key, undefined);
    },
    ({ ready }) => [...ready.values()].some((lane) => lanes === 'any' || lane === 'edit'),
  );

const done = (pick: number): Step =>
  step(
    `done(${String(pick)})`,
    (model, { queue }) => {
      const [key, lane] = [...model.working][pick % model.working.size] ?? ['', undefined];
      model.working.delete(key);
      if (lane !== undefined) want(model, key, lane);
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
      fc.tuple(key, fc.constantFrom<Lane>('edit', 'check')).map(([name, lane]) => add(name, lane)),
      fc.tuple(key, fc.nat(20)).map(([name, delayMs]) => addAfter(name, delayMs)),
      fc.nat(15).map(advance),
      fc.constantFrom('any' as const, 'edit' as const).map(get),
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
