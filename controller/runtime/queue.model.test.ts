import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { createQueue, type Priority, type Queue } from './queue.ts';
import { RUNS } from '../../test/fixtures/arbitraries.ts';

/** The queue said again in the plainest way: a few maps. */
interface Model {
  nowMs: number;
  readonly ready: Map<string, Priority>;
  readonly working: Map<string, Priority | undefined>;
  /** The group of each key in work, as it was when it was given out. */
  readonly workingIn: Map<string, string | undefined>;
  readonly due: Map<string, { readonly atMs: number; readonly priority: Priority }>;
  /** The group of each key that has one. */
  readonly groups: Map<string, string>;
}

const AT_ONCE = 1;

/** Keys that are ready, and of whose group no more are in work than may be. */
function eligible({ ready, workingIn, groups }: Readonly<Model>): [key: string, priority: Priority][] {
  const busy = (group: string): number => [...workingIn.values()].filter((each) => each === group).length;
  return [...ready].filter(([key]) => {
    const group = groups.get(key);
    return group === undefined || busy(group) < AT_ONCE;
  });
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

const addAfter = (key: string, delayMs: number, priority: Priority): Step =>
  step(`addAfter(${key}, ${String(delayMs)}, ${priority})`, (model, { queue }) => {
    model.due.set(key, { atMs: model.nowMs + delayMs, priority });
    queue.addAfter(key, delayMs, priority);
  });

const advance = (ms: number): Step =>
  step(`advance(${String(ms)})`, async (model, { clock }) => {
    model.nowMs += ms;
    for (const [key, { atMs, priority }] of [...model.due]) {
      if (atMs > model.nowMs) continue;
      model.due.delete(key);
      want(model, key, priority);
    }
    await clock.advance(ms);
  });

const get = (priorities: 'any' | 'change'): Step =>
  step(
    `get(${priorities})`,
    async (model, { queue }) => {
      const item = await atOnce(queue.get(priorities));
      const key = item?.key ?? 'nothing, although there is something';
      const may = new Map(eligible(model));
      expect([...may.keys()]).toContain(key);
      expect(item?.priority).toBe(may.get(key));
      // Nobody who only looks goes before somebody who waits.
      expect(item?.priority).toBe([...may.values()].includes('change') ? 'change' : 'resync');
      expect(model.working.has(key)).toBe(false);
      model.ready.delete(key);
      model.due.delete(key);
      model.working.set(key, undefined);
      model.workingIn.set(key, model.groups.get(key));
    },
    (model) => eligible(model).some(([, priority]) => priorities === 'any' || priority === 'change'),
  );

/** What a get gives now; undefined = it waits. */
async function atOnce<T>(item: Promise<T>): Promise<T | undefined> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([item, Promise.resolve(undefined)]);
}

const done = (pick: number): Step =>
  step(
    `done(${String(pick)})`,
    (model, { queue }) => {
      const [key, priority] = [...model.working][pick % model.working.size] ?? ['', undefined];
      model.working.delete(key);
      model.workingIn.delete(key);
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

/** Whoever gives an object another host edits it. */
const move = (key: string, group: string): Step =>
  step(`move(${key}, ${group})`, (model, { queue }) => {
    model.groups.set(key, group);
    want(model, key, 'change');
    queue.add(key, 'change');
  });

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const priority = fc.constantFrom<Priority>('change', 'resync');
const adding = fc.tuple(key, priority).map((given) => add(...given));
const getting = fc.constantFrom('any' as const, 'change' as const).map(get);
/** What happens often stands there often. */
const STEPS: readonly fc.Arbitrary<Step>[] = [
  ...[adding, adding, adding, getting, getting, getting],
  fc.tuple(key, fc.nat(20), priority).map((given) => addAfter(...given)),
  fc.nat(15).map(advance),
  fc.nat(3).map(done),
  key.map(forget),
];

/** A queue whose keys are in these groups does as its model does, whatever the order of these steps. */
async function behaves(steps: readonly fc.Arbitrary<Step>[], grouped: readonly (readonly [string, string])[]) {
  const commands = fc.commands([...steps], { maxCommands: 40, size: 'max' });
  const property = fc.asyncProperty(commands, async (given) => {
    await fc.asyncModelRun(() => {
      const clock = new ManualClock();
      const groups = new Map(grouped);
      const queue = createQueue(clock, { of: (each) => groups.get(each), atOnce: AT_ONCE });
      const [ready, working, workingIn, due] = [new Map(), new Map(), new Map(), new Map()];
      return { model: { nowMs: 0, ready, working, workingIn, due, groups }, real: { queue, clock } };
    }, given);
  });
  await fc.assert(property, RUNS);
}

const GROUPED = ['a', 'b', 'c', 'd'].map((each) => [each, 'host'] as const);

test('C14: the queue does as its model does, whatever the order of calls', () => behaves(STEPS, []));

test('C1: so does one with groups: few of a group are in work, nothing is lost, and edits go first', () =>
  behaves(STEPS, GROUPED));

test('C1: so does one whose keys move from group to group, as objects do that are given another host', () =>
  behaves([...STEPS, fc.tuple(key, fc.constantFrom('host', 'another')).map((given) => move(...given))], GROUPED));
