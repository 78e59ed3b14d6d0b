import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { createTurns, type Turns } from './turns.ts';

let [nowMs, woken, turns]: [number, string[], Turns] = [0, [], createTurns({ wake: () => undefined, nowMs: () => 0 })];
beforeEach(() => {
  [nowMs, woken] = [0, []];
  turns = createTurns({ wake: (key) => woken.push(key), nowMs: () => nowMs });
});

/** Whether each of these keys may enter. */
const enter = (place: string, ...keys: string[]): boolean[] => keys.map((key) => turns.enter(place, key));

describe('C1: one key at a time has a place', () => {
  test('and keeps it however often it asks', () => {
    expect(enter('host', 'a', 'a', 'b', 'a')).toEqual([true, true, false, true]);
  });

  test('and another place is no matter of it', () => {
    expect([...enter('one', 'a'), ...enter('two', 'b')]).toEqual([true, true]);
  });

  test('the others are woken one after the other, in the order of their asking', () => {
    enter('host', 'a', 'b', 'c', 'd');
    for (const key of ['a', 'b', 'c', 'd']) turns.leave(key);
    expect(woken).toEqual(['b', 'c', 'd']);
  });

  test('who asks again does not lose its turn to who came later', () => {
    enter('host', 'a', 'b', 'c', 'b');
    turns.leave('a');
    expect(woken).toEqual(['b']);
  });

  test('who leaves and asks again comes after those who wait', () => {
    enter('host', 'a', 'b');
    turns.leave('a');
    enter('host', 'a');
    turns.leave('b');
    expect(woken).toEqual(['b', 'a']);
  });

  test('a place that nobody waits for is free again', () => {
    enter('host', 'a');
    turns.leave('a');
    expect([enter('host', 'b'), woken]).toEqual([[true], []]);
  });
});

describe('a turn is kept for the key that is woken', () => {
  beforeEach(() => {
    enter('host', 'a', 'b', 'c');
    turns.leave('a');
  });

  test('until it enters, whoever asks in between', () => {
    expect(enter('host', 'c', 'new', 'b')).toEqual([false, false, true]);
  });

  test('and is handed on when it leaves without having used it', () => {
    turns.leave('b');
    expect([woken, enter('host', 'b', 'c')]).toEqual([
      ['b', 'c'],
      [false, true],
    ]);
  });
});

test('a key that leaves gives back every place that it has', () => {
  enter('former', 'a', 'b');
  enter('new', 'a', 'c');
  turns.leave('a');
  expect(woken.sort()).toEqual(['b', 'c']);
});

test('a key that leaves without having anything changes nothing', () => {
  enter('host', 'a', 'b');
  turns.leave('b');
  turns.leave('stranger');
  expect([woken, enter('host', 'b')]).toEqual([[], [false]]);
});

describe('waitedMs', () => {
  test('says for how long a key has waited, whoever had the place meanwhile', () => {
    nowMs = 5;
    enter('host', 'a', 'b', 'c');
    nowMs = 7;
    turns.leave('a');
    enter('host', 'c');
    nowMs = 9;
    expect(['a', 'b', 'c'].map((key) => turns.waitedMs('host', key))).toEqual([0, 0, 4]);
    expect(turns.waitedMs('other', 'c')).toBe(0);
  });
});

test('C1: whatever happens, one key has a place, nobody is forgotten, and in the end every place is free', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const place = fc.constantFrom('one', 'two');
  const step = fc.oneof(
    fc.tuple(place, key).map(([to, by]) => ({ to, by })),
    key.map((by) => ({ by })),
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const queue: string[] = [];
    const each = createTurns({ wake: (by) => queue.push(by), nowMs: () => 0 });
    /** Who has what, and who waits for what in which order. */
    const holders = new Map<string, string>();
    const waiting: (readonly [place: string, key: string])[] = [];
    const leave = (by: string): void => {
      each.leave(by);
      for (const [name] of [...holders].filter(([, holder]) => holder === by)) {
        const index = waiting.findIndex(([to]) => to === name);
        const [, next] = waiting[index] ?? ['', undefined];
        if (next === undefined) holders.delete(name);
        else {
          waiting.splice(index, 1);
          holders.set(name, next);
          expect(queue.splice(queue.indexOf(next), 1)).toEqual([next]);
        }
      }
      expect(queue).toEqual([]);
    };
    for (const { by, ...rest } of steps) {
      if (!('to' in rest)) {
        leave(by);
        continue;
      }
      const holder = holders.get(rest.to) ?? by;
      holders.set(rest.to, holder);
      expect(each.enter(rest.to, by)).toBe(holder === by);
      const isNew = holder !== by && !waiting.some(([to, who]) => to === rest.to && who === by);
      if (isNew) waiting.push([rest.to, by]);
    }
    for (let round = 0; round < 20; round += 1) for (const by of new Set(holders.values())) leave(by);
    expect([holders.size, waiting]).toEqual([0, []]);
    for (const name of ['one', 'two']) expect(each.enter(name, 'last')).toBe(true);
  });
  fc.assert(property, RUNS);
});
