import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { type Circuits, createCircuits } from './circuits.ts';

interface Failure {
  readonly why: string;
}

const BASE_MS = 1_000;
const CAP_MS = 30_000;
const AWAY: Failure = { why: 'away' };

class Bench {
  nowMs = 0;
  readonly woken: string[] = [];
  /** Without jitter a pause is the whole of it. */
  readonly circuits: Circuits<Failure> = createCircuits<Failure>({
    wake: (key) => this.woken.push(key),
    nowMs: () => this.nowMs,
    random: () => 1,
    baseMs: BASE_MS,
    capMs: CAP_MS,
  });

  /** Whether the key may ask the host now. */
  mayAsk(key: string, isUrgent = false): boolean {
    return this.circuits.blocked('host', key, isUrgent) === undefined;
  }

  /** The key asks the host, which does not answer; false = it was not let. */
  fails(key: string, isUrgent = false): boolean {
    const may = this.mayAsk(key, isUrgent);
    if (may) this.circuits.ended('host', key, AWAY);
    return may;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

test('a place that never failed is asked by everybody at once', () => {
  expect(['a', 'b', 'c'].map((key) => bench.mayAsk(key))).toEqual([true, true, true]);
  expect(bench.circuits.open()).toBe(0);
});

describe('C3: a place that failed', () => {
  beforeEach(() => {
    bench.fails('a');
  });

  test('is not asked before its pause is over: the failure that is known is the answer', () => {
    bench.nowMs = 400;
    expect(bench.circuits.blocked('host', 'b', false)).toEqual({ failure: AWAY, waitMs: BASE_MS - 400 });
    expect(bench.circuits.open()).toBe(1);
  });

  test('is then asked by one key at a time', () => {
    bench.nowMs = BASE_MS;
    expect(['a', 'b', 'c'].map((key) => bench.mayAsk(key))).toEqual([true, false, false]);
  });

  test('leaves all others alone', () => {
    expect(bench.circuits.blocked('another', 'b', false)).toBeUndefined();
  });

  test('is asked ever more rarely, up to the cap', () => {
    const asked: number[] = [];
    for (bench.nowMs = 0; bench.nowMs < 120_000; bench.nowMs += 100) if (bench.fails('a')) asked.push(bench.nowMs);
    const gaps = asked.map((atMs, index) => atMs - (asked[index - 1] ?? 0));
    expect(gaps).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('is asked at once by a key for which somebody waits', () => {
    expect(bench.mayAsk('edited', true)).toBe(true);
  });

  test('is not asked twice at once, whoever waits', () => {
    bench.nowMs = BASE_MS;
    expect([bench.mayAsk('a'), bench.mayAsk('edited', true)]).toEqual([true, false]);
  });

  test('is not asked more rarely because of those who had asked before that was known', () => {
    for (const key of ['b', 'c', 'd']) bench.circuits.ended('host', key, { why: 'late' });
    expect(bench.circuits.blocked('host', 'e', false)).toEqual({ failure: AWAY, waitMs: BASE_MS });
  });

  test('says what it said last', () => {
    bench.nowMs = BASE_MS;
    bench.mayAsk('a');
    bench.circuits.ended('host', 'a', { why: 'refused' });
    expect(bench.circuits.blocked('host', 'b', false)?.failure).toEqual({ why: 'refused' });
  });

  test('counts a try that is never told of no more after a minute', () => {
    bench.nowMs = BASE_MS;
    bench.mayAsk('a');
    bench.nowMs += 59_999;
    expect(bench.mayAsk('b')).toBe(false);
    bench.nowMs += 1;
    expect(bench.mayAsk('b')).toBe(true);
  });
});

describe('C2, C3: a place that answers again', () => {
  test('wakes those that were kept back, once each, and not the one that asked', () => {
    bench.fails('a');
    for (const key of ['b', 'c', 'b', 'a']) bench.mayAsk(key);
    bench.nowMs = BASE_MS;
    bench.mayAsk('a');
    bench.circuits.ended('host', 'a', undefined);
    expect(bench.woken).toEqual(['b', 'c']);
    expect([bench.circuits.open(), bench.mayAsk('b'), bench.mayAsk('c')]).toEqual([0, true, true]);
  });

  test('wakes them also when one answers that had asked before the first failure was known', () => {
    bench.fails('a');
    bench.mayAsk('b');
    bench.circuits.ended('host', 'early', undefined);
    expect([bench.woken, bench.circuits.open()]).toEqual([['b'], 0]);
  });

  test('starts its pauses anew', () => {
    for (const atMs of [0, 1_000, 3_000]) {
      bench.nowMs = atMs;
      bench.fails('a');
    }
    bench.nowMs = 7_000;
    bench.mayAsk('a');
    bench.circuits.ended('host', 'a', undefined);
    bench.fails('a');
    expect(bench.circuits.blocked('host', 'b', false)?.waitMs).toBe(BASE_MS);
  });
});

test('C3: whatever happens, a place that fails is asked by one key at a time, and nobody is kept back for ever', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    isUrgent: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 5_000 }),
    what: fc.constantFrom('ask' as const, 'fail' as const, 'answer' as const),
  });
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const each = new Bench();
    const asking = new Set<string>();
    const keptBack = new Set<string>();
    each.fails('first');
    for (const { key, isUrgent, afterMs, what } of steps) {
      each.nowMs += afterMs;
      if (what === 'ask' && !asking.has(key)) {
        const blocked = each.circuits.blocked('host', key, isUrgent);
        if (blocked === undefined) asking.add(key);
        else {
          keptBack.add(key);
          expect(blocked.waitMs).toBeGreaterThan(0);
          expect(blocked.waitMs).toBeLessThanOrEqual(CAP_MS);
        }
        if (each.circuits.open() === 1) expect(asking.size).toBeLessThanOrEqual(1);
      } else if (what !== 'ask' && asking.delete(key)) {
        each.woken.length = 0;
        each.circuits.ended('host', key, what === 'fail' ? AWAY : undefined);
        if (what === 'fail') continue;
        keptBack.delete(key);
        expect(new Set(each.woken)).toEqual(keptBack);
        keptBack.clear();
        // All may ask now; what is still under way says nothing new.
        each.fails('first');
        each.nowMs += 60_000;
        asking.clear();
      }
    }
  });
  fc.assert(property, RUNS);
});
