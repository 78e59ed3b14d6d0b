import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../test/support/manual-clock.ts';
import { createHealth, type Health } from './health.ts';

let clock: ManualClock;
let missing: string[];
let health: Health;
beforeEach(() => {
  [clock, missing] = [new ManualClock(), []];
  health = createHealth({ clock, missing: () => missing });
});

/** Whether it is ready, and whether it is alive. */
const state = (): [ready: boolean, alive: boolean] => [health.notReady().length === 0, health.stuck().length === 0];

/** Lets time pass while a watch hears this from the API server once every 10 s; undefined = nothing at all. */
async function pass(ms: number, isGood: boolean | undefined): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    await clock.advance(10_000);
    if (isGood !== undefined) health.contact('wireguardnodes', isGood);
  }
}

test('a process that knows every object and hears from the API server is ready and alive', async () => {
  health.contact('wireguardnodes', true);
  await pass(3_600_000, true);
  expect(state()).toEqual([true, true]);
});

test('what is not known yet is why it is not ready, and no reason to start it anew', () => {
  missing = ['wireguardnodes of edge'];
  expect(state()).toEqual([false, true]);
  expect(health.notReady().join()).toContain('wireguardnodes of edge');
});

describe('an API server that is away', () => {
  beforeEach(() => {
    health.contact('wireguardnodes', true);
  });

  test('makes it not ready after two minutes: a quiet watch hears once a minute', async () => {
    await clock.advance(119_000);
    expect(state()).toEqual([true, true]);
    await clock.advance(1_000);
    expect(state()).toEqual([false, true]);
    expect(health.notReady().join()).toContain('wireguardnodes');
  });

  test('is no reason to start it anew, as long as it goes on trying', async () => {
    await pass(3_600_000, false);
    expect(state()).toEqual([false, true]);
  });

  test('that comes back makes it ready at once', async () => {
    await pass(600_000, false);
    health.contact('wireguardnodes', true);
    expect(state()).toEqual([true, true]);
  });

  test('is noticed by each watch for itself', async () => {
    health.contact('secrets', true);
    await pass(130_000, true);
    expect(health.notReady().map((text) => /secrets|wireguardnodes/.exec(text)?.[0])).toEqual(['secrets']);
  });
});

test('an API server that never answered makes it not ready, too', async () => {
  await pass(130_000, false);
  expect(state()).toEqual([false, true]);
});

test('a watch that neither hears nor fails for five minutes is stuck: only a new start helps', async () => {
  health.contact('wireguardnodes', true);
  await clock.advance(299_000);
  expect(state()).toEqual([false, true]);
  await clock.advance(1_000);
  expect(state()).toEqual([false, false]);
  expect(health.stuck().join()).toContain('wireguardnodes');
});

test('an event loop that does not get its turn is neither ready nor alive', async () => {
  // A clock whose timers do not fire any more.
  let nowMs = 0;
  const stuck = createHealth({ clock: { now: () => nowMs, after: () => () => undefined }, missing: () => [] });
  nowMs = 9_999;
  expect([stuck.notReady(), stuck.stuck()]).toEqual([[], []]);
  nowMs = 10_000;
  for (const problems of [stuck.notReady(), stuck.stuck()]) expect(problems.join()).toContain('event loop');
  await clock.advance(60_000);
  expect(state()).toEqual([true, true]);
});
