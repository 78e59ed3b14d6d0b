import { beforeEach, describe, expect, test } from '@jest/globals';
import { createGate, type Gate } from './gate.ts';

let nowMs = 0;
let gate: Gate;
beforeEach(() => {
  nowMs = 0;
  gate = createGate({ nowMs: () => nowMs, random: () => 1, baseMs: 250, capMs: 4_000 });
});

test('is open until somebody finds the service away', () => {
  expect([gate.isOpen(), gate.waitMs()]).toEqual([true, 0]);
});

describe('C9: a service that is away', () => {
  test('is left alone by everybody for one pause', () => {
    gate.failed(0);
    expect([gate.isOpen(), gate.waitMs()]).toEqual([false, 250]);
    nowMs = 100;
    expect(gate.waitMs()).toBe(150);
    nowMs = 250;
    expect([gate.isOpen(), gate.waitMs()]).toEqual([false, 0]);
  });

  test('has one pause, however many find it away at the same time', () => {
    for (let index = 0; index < 1_000; index += 1) gate.failed(0);
    expect(gate.waitMs()).toBe(250);
  });

  test('is asked ever more rarely, up to the cap, so that it is found back within that', () => {
    const pauses = Array.from({ length: 8 }, () => {
      gate.failed(0);
      const pauseMs = gate.waitMs();
      nowMs += pauseMs;
      return pauseMs;
    });
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]);
  });

  test.each([
    { name: 'a longer pause is given it', askedMs: 7_000, waitMs: 7_000 },
    { name: 'a shorter pause is left alone for ours', askedMs: 10, waitMs: 250 },
    { name: 'an endless pause is asked after a minute', askedMs: 86_400_000, waitMs: 60_000 },
  ])('that asks for $name', ({ askedMs, waitMs }) => {
    gate.failed(askedMs);
    expect(gate.waitMs()).toBe(waitMs);
  });
});

describe('an answer', () => {
  test('opens the gate at once, and the next pause is the first again', () => {
    for (const atMs of [0, 250, 750]) {
      nowMs = atMs;
      gate.failed(0);
    }
    gate.answered();
    expect([gate.isOpen(), gate.waitMs()]).toEqual([true, 0]);
    gate.failed(0);
    expect(gate.waitMs()).toBe(250);
  });
});

test('C11: an answer within a pause that the service asked for opens nothing', () => {
  gate.failed(9_000);
  nowMs = 8_999;
  gate.answered();
  expect([gate.isOpen(), gate.waitMs()]).toEqual([false, 1]);
  nowMs = 9_000;
  gate.answered();
  expect(gate.isOpen()).toBe(true);
});

describe('who waits for the service', () => {
  const called: string[] = [];
  const wait = (key: string, name = key): void => {
    gate.onceOpen(key, () => called.push(name));
  };
  beforeEach(() => {
    called.length = 0;
  });

  test('is called back at once while nothing is known to be wrong', () => {
    wait('a');
    expect(called).toEqual(['a']);
  });

  test('is called back once, when the service answers', () => {
    gate.failed(0);
    wait('a');
    wait('b');
    nowMs = 10_000;
    expect(called).toEqual([]);
    gate.answered();
    gate.answered();
    expect(called).toEqual(['a', 'b']);
  });

  test('is called back once for each key, with the last call', () => {
    gate.failed(0);
    wait('a', 'first');
    wait('a', 'last');
    gate.answered();
    expect(called).toEqual(['last']);
  });

  test('may find the service away again, and waits for the next answer', () => {
    gate.failed(0);
    gate.onceOpen('a', () => {
      gate.failed(0);
      wait('a');
    });
    gate.answered();
    expect(called).toEqual([]);
    gate.answered();
    expect(called).toEqual(['a']);
  });
});
