import { beforeEach, expect, test } from '@jest/globals';
import { type IdleMemory, idleMemory } from './idle-memory.ts';

const MB = 1024 * 1024;
let at = { mb: 0, nowMs: 0, neededMb: 0 };
let log: string[] = [];
let memory: IdleMemory;

/** A process whose memory and time are as the test says. */
beforeEach(() => {
  at = { mb: 80, nowMs: 0, neededMb: 80 };
  log = [];
  const collect = (): void => {
    log.push('collected');
    at.mb = at.neededMb;
  };
  const source = { residentBytes: () => at.mb * MB, nowMs: () => at.nowMs, collect };
  memory = idleMemory(source, () => log.push('forgot'));
});

test('what a change took is given back 30 s after the last one, caches first, and once', () => {
  Object.assign(at, { mb: 300, nowMs: 20_000 });
  memory.changed();
  at.nowMs = 49_000;
  memory.look();
  expect(log).toEqual([]);
  at.nowMs = 50_000;
  memory.look();
  memory.look();
  expect(log).toEqual(['forgot', 'collected']);
});

test('what is in use is collected once, not every time', () => {
  Object.assign(at, { mb: 300, neededMb: 200, nowMs: 60_000 });
  memory.look();
  memory.look();
  expect(log).toEqual(['forgot', 'collected']);
});

test('little is not worth it', () => {
  Object.assign(at, { mb: 90, nowMs: 60_000 });
  memory.look();
  expect(log).toEqual([]);
});
