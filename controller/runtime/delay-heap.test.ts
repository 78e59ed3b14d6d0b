import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DelayHeap } from './delay-heap.ts';
import { RUNS } from '../../test/fixtures/arbitraries.ts';

/** The heap as a plain list. */
class SortedList {
  #entries: { readonly key: string; readonly dueMs: number }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  set(key: string, dueMs: number): void {
    this.delete(key);
    this.#entries = [...this.#entries, { key, dueMs }].sort((left, right) => left.dueMs - right.dueMs);
  }

  delete(key: string): void {
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
  }

  nextDueMs(): number | undefined {
    return this.#entries[0]?.dueMs;
  }

  takeDue(nowMs: number): string[] {
    const due = this.#entries.filter(({ dueMs }) => dueMs <= nowMs);
    this.#entries = this.#entries.filter(({ dueMs }) => dueMs > nowMs);
    return due.map(({ key }) => key);
  }
}

test('an empty heap has no due time and gives no key', () => {
  const heap = new DelayHeap();
  expect([heap.size, heap.nextDueMs(), heap.takeDue(1e9)]).toEqual([0, undefined, []]);
});

test('keys come out in the order of their due times', () => {
  const heap = new DelayHeap();
  for (const dueMs of [50, 10, 40, 20, 30]) heap.set(String(dueMs), dueMs);
  expect(heap.takeDue(40)).toEqual(['10', '20', '30', '40']);
  expect(heap.nextDueMs()).toBe(50);
});

test('a key that was set back to a previous due time comes out once', () => {
  const heap = new DelayHeap();
  for (const dueMs of [5, 9, 5]) heap.set('a', dueMs);
  expect(heap.takeDue(100)).toEqual(['a']);
  expect(heap.size).toBe(0);
});

type Call = readonly ['set', string, number] | readonly ['delete', string] | readonly ['take', number];

test('the heap does as a sorted list does, whatever the order of calls', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const call: fc.Arbitrary<Call> = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('set' as const), key, fc.nat(100)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('take' as const), fc.nat(100)) },
  );
  const property = fc.property(fc.array(call, { maxLength: 100 }), (calls) => {
    const heap = new DelayHeap();
    const list = new SortedList();
    for (const [verb, ...rest] of calls) {
      if (verb === 'take') {
        const [nowMs] = rest as [number];
        // Keys that are due at the same moment have no order.
        expect(heap.takeDue(nowMs).sort()).toEqual(list.takeDue(nowMs).sort());
        continue;
      }
      const [name, dueMs] = rest as [string, number];
      for (const each of [heap, list]) if (verb === 'set') each.set(name, dueMs);
      for (const each of [heap, list]) if (verb === 'delete') each.delete(name);
      expect([heap.size, heap.nextDueMs()]).toEqual([list.size, list.nextDueMs()]);
    }
  });
  fc.assert(property, RUNS);
});

test('keys never come out before a key that is due earlier', () => {
  const property = fc.property(fc.array(fc.nat(1_000), { maxLength: 200 }), (times) => {
    const heap = new DelayHeap();
    times.forEach((dueMs, index) => {
      heap.set(String(index), dueMs);
    });
    const taken = heap.takeDue(1_000).map((key) => times[Number(key)]);
    expect(taken).toEqual([...times].sort((left, right) => left - right));
  });
  fc.assert(property);
});
