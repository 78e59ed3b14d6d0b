import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { change, inSync } from '../../test/support/status-after.ts';
import { observation } from '../../test/support/observed-host.ts';
import { keyOf, RECONCILE_REQUEST } from '../api/node.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { Change, Outcome } from '../policy/outcome.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import type { Dependencies } from './dependencies.ts';
import { createNodeStore } from './informers.ts';
import { createLocalStates, type LocalState } from './local-state.ts';
import { report } from './report.ts';

const KEY = keyOf(nodeWith());
const UNREACHABLE: Outcome = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' };
const SEEN = { revision: 'digest-1', generation: 3, publicKey: 'key' };
const UNMOVED: Outcome = { kind: 'unmoved', retry: { kind: 'after', delayMs: 60_000 } };
const SUPERSEDED: Outcome = { kind: 'superseded', message: 'the host changed after it was read' };

/** An API server that takes statuses, or whose object is gone, and everything that is told. */
class Bench {
  readonly nodes = createNodeStore();
  readonly localStates = createLocalStates();
  readonly statuses: WireGuardNodeStatus[] = [];
  readonly told: string[] = [];
  /** Reasons of the events. */
  readonly events: string[] = [];
  readonly counted: [string, Change | undefined][] = [];
  isGone = false;
  /** What the API server keeps of a status. */
  prune: (status: WireGuardNodeStatus) => WireGuardNodeStatus = (status) => status;
  isAway = false;

  constructor() {
    this.nodes.put(nodeWith());
  }

  /** Reports an outcome of a sync that began with what is remembered now. */
  report(outcome: Outcome, over: Partial<LocalState> = {}, events: readonly NodeEvent[] = []): Promise<Action> {
    const node = this.nodes.get(KEY) ?? nodeWith();
    const local = { ...this.local, ...over };
    return report(this.#dependencies(), node, { outcome, local, events });
  }

  /** Somebody else writes the status of the object. */
  meddle(status: Partial<WireGuardNodeStatus>): void {
    const node = this.nodes.get(KEY) ?? nodeWith();
    this.nodes.put({ ...node, status: { ...node.status, ...status } });
  }

  get local(): LocalState {
    return this.localStates.get(KEY, nodeWith().metadata.uid);
  }

  #dependencies(): Dependencies {
    const tell = (level: string) => (message: string) => this.told.push(`${level} ${message}`);
    const log = { error: tell('error'), warn: tell('warn'), info: tell('info'), debug: tell('debug') };
    return {
      nodes: this.nodes,
      localStates: this.localStates,
      clock: new ManualClock(Date.parse('2026-02-01T00:00:00Z')),
      random: () => 0,
      signal: new AbortController().signal,
      log,
      takeWritten: (node: WireGuardNode) => {
        this.nodes.put(node);
      },
      metrics: {
        reconciled: (_: WireGuardNode, { kind }: Outcome, made: Change | undefined) => this.counted.push([kind, made]),
      },
      events: { record: (_: WireGuardNode, { reason }: NodeEvent) => this.events.push(reason) },
      writer: {
        writeStatus: (node: WireGuardNode, status: WireGuardNodeStatus) => {
          if (this.isAway) return Promise.reject(new Error('away'));
          if (this.isGone) return Promise.resolve(undefined);
          if (JSON.stringify(node.status) === JSON.stringify(status)) return Promise.resolve(node);
          this.statuses.push(status);
          return Promise.resolve({ ...node, status: this.prune(status) });
        },
      },
    } as unknown as Dependencies;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

test('an outcome is written, counted and told, and what was learnt is kept', async () => {
  expect(await bench.report(inSync(nodeWith()), { seen: SEEN })).toMatchObject({ kind: 'requeue-after' });
  expect(bench.statuses.at(-1)?.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' });
  expect([bench.counted, bench.told]).toEqual([[['in-sync', undefined]], ['debug in sync']]);
  expect([bench.local.seen, bench.local.written]).toEqual([SEEN, bench.statuses.at(-1)]);
});

test('what only a change can move on waits for it', async () => {
  expect(await bench.report({ kind: 'suspended', specMoved: false })).toEqual(awaitChange);
});

describe('failures in a row', () => {
  test('grow the pause, and end with a success', async () => {
    const pauses = [];
    for (let round = 0; round < 3; round += 1) pauses.push(await bench.report(UNREACHABLE));
    expect(pauses).toEqual([250, 500, 1_000].map(requeueAfter));
    await bench.report(inSync(nodeWith()));
    expect(await bench.report(UNREACHABLE)).toEqual(requeueAfter(250));
  });

  test('are told aloud once, while they say the same', async () => {
    for (let round = 0; round < 3; round += 1) await bench.report(UNREACHABLE);
    expect(bench.told.map((line) => line.split(' ')[0])).toEqual(['warn', 'warn', 'debug']);
  });
});

describe('a change that lasts', () => {
  test('is written, and neither remembered nor a failure', async () => {
    await bench.report(UNREACHABLE);
    const { failures } = bench.local;
    await bench.report({ kind: 'applying' }, { seen: SEEN });
    expect(bench.statuses.at(-1)?.conditions[0]).toMatchObject({ reason: 'Applying' });
    expect([bench.local.failures, bench.local.seen]).toEqual([failures, undefined]);
  });
});

describe('a decision that no longer fits', () => {
  test('is not written', async () => {
    expect(await bench.report(SUPERSEDED, { seen: SEEN })).toEqual(requeueAfter(125));
    expect([bench.statuses, bench.told]).toEqual([[], ['info compared anew']]);
  });

  test('has failed when it goes on', async () => {
    for (let round = 0; round < 4; round += 1) await bench.report(SUPERSEDED, { seen: SEEN });
    expect(bench.statuses).toEqual([]);
    await bench.report(SUPERSEDED, { seen: SEEN });
    expect(bench.statuses.at(-1)?.conditions[0]).toMatchObject({ reason: 'ApplyFailed' });
  });
});

describe('a status that cannot be written, as the object changed or went', () => {
  test('is tried again ever later, and takes nothing from what was counted before', async () => {
    bench.isGone = true;
    const pauses = [];
    for (let round = 0; round < 8; round += 1) pauses.push(await bench.report(UNREACHABLE));
    expect(pauses.slice(0, 3)).toEqual([125, 250, 500].map(requeueAfter));
    expect(pauses.at(-1)).toEqual(requeueAfter(5_000));
    expect([bench.statuses, bench.counted, bench.told]).toEqual([[], [], []]);
  });

  test.each<{ why: string; fail: (bench: Bench) => void }>([
    { why: 'the API server is away', fail: (each) => (each.isAway = true) },
    { why: 'the object changed', fail: (each) => (each.isGone = true) },
  ])('C9 is no outcome that spares the next look its work: $why', async ({ fail }) => {
    await bench.report(inSync(nodeWith()), { seen: SEEN });
    fail(bench);
    const edited = { ...SEEN, generation: SEEN.generation + 1 };
    await bench.report(inSync(nodeWith()), { seen: edited }).catch(() => undefined);
    expect(bench.local.seen).toBeUndefined();
    bench.isAway = false;
    bench.isGone = false;
    await bench.report(inSync(nodeWith()), { seen: edited });
    expect(bench.local.seen).toEqual(edited);
  });
});

describe('I5: a host and a wish that did not move', () => {
  test('write nothing and tell nothing aloud, but are counted as a look', async () => {
    await bench.report(inSync(nodeWith()));
    expect(await bench.report(UNMOVED)).toEqual(requeueAfter(60_000));
    expect([bench.statuses.length, bench.told.at(-1)]).toEqual([1, 'debug unmoved']);
    expect(bench.counted.map(([kind]) => kind)).toEqual(['in-sync', 'unmoved']);
  });

  test('put right what others made of the status meanwhile', async () => {
    await bench.report(inSync(nodeWith()));
    const [own] = bench.statuses;
    bench.meddle({ conditions: [], observedGeneration: 99 });
    await bench.report(UNMOVED);
    expect(bench.statuses).toEqual([own, own]);
    expect(bench.nodes.get(KEY)?.status).toEqual(own);
  });
});

test('what others make of a status is no base of the next one', async () => {
  await bench.report(UNREACHABLE);
  bench.meddle({ conditions: [], consecutiveFailures: 99 });
  await bench.report(UNREACHABLE);
  expect(bench.statuses.at(-1)).toMatchObject({ consecutiveFailures: 2 });
  const [first, second] = bench.statuses.map(({ conditions }) => conditions);
  expect(second).toEqual(first);
});

test('of what a CRD that is older than this drops nothing is written again and again', async () => {
  const { statuses } = bench;
  bench.prune = ({ consecutiveFailures: _, ...rest }) => rest;
  await bench.report(UNREACHABLE);
  expect([statuses.length, bench.nodes.get(KEY)?.status.consecutiveFailures]).toEqual([1, undefined]);
  for (const count of [2, 3, 4]) {
    await bench.report(UNREACHABLE);
    expect(statuses).toHaveLength(count === 3 ? 2 : Math.min(count, 3));
  }
  bench.meddle({ conditions: [] });
  await bench.report(UNREACHABLE);
  expect(statuses).toHaveLength(4);
});

test('what others write at the same moment is not taken for what a CRD keeps', async () => {
  bench.prune = (status) => ({ ...status, conditions: status.conditions.map((one) => ({ ...one, reason: 'Forged' })) });
  await bench.report(UNREACHABLE);
  bench.prune = (status) => status;
  await bench.report(UNREACHABLE);
  expect(bench.nodes.get(KEY)?.status.conditions[0]?.reason).toBe('AgentUnreachable');
});

describe('C1: who waits for its turn on the host', () => {
  test('keeps the failures that it had', async () => {
    for (let failure = 0; failure < 3; failure += 1) await bench.report(UNREACHABLE);
    await bench.report({ kind: 'queued' });
    await bench.report({ kind: 'blocked', observation, sinceMs: 0 });
    expect(bench.local.failures.count).toBe(3);
  });

  test('is not written at first, and is woken', async () => {
    expect(await bench.report({ kind: 'queued' })).toEqual(requeueAfter(2_000));
    expect([bench.statuses, bench.counted]).toEqual([[], [['queued', undefined]]]);
  });

  test('is written once that lasts, and answers no request yet', async () => {
    bench.nodes.put(
      nodeWith(({ metadata }) => {
        metadata.annotations = { [RECONCILE_REQUEST]: 'now' };
      }),
    );
    expect(await bench.report({ kind: 'blocked', observation, sinceMs: 0 })).toEqual(awaitChange);
    expect(bench.statuses).toMatchObject([{ conditions: [{ type: 'Ready', reason: 'Queued' }, {}, {}, {}] }]);
    expect(bench.statuses[0]).not.toHaveProperty('lastHandledReconcileRequest');
  });
});

test('events are told in their order: what happened beside, what changed, and the turn of Ready', async () => {
  const left: NodeEvent = { type: 'Normal', reason: 'FormerHostReleased', action: 'Apply', note: '' };
  await bench.report(inSync(nodeWith(), { change }), {}, [left]);
  expect(bench.events).toEqual(['FormerHostReleased', 'Applied', 'Ready']);
});

test('an event of what was done on a host is told although the status cannot be written', async () => {
  bench.isGone = true;
  const left: NodeEvent = { type: 'Normal', reason: 'FormerHostReleased', action: 'Apply', note: '' };
  await bench.report(inSync(nodeWith()), {}, [left]);
  expect(bench.events).toEqual(['FormerHostReleased']);
});

describe('C12: a deletion that waits', () => {
  const waits = (delayMs: number): Outcome => ({
    ...{ kind: 'deleting', why: 'no answer', untilMs: Date.parse('2026-02-01T00:05:00Z') },
    retry: { kind: 'after', delayMs },
  });

  test('is told aloud where its status is written, and its event once', async () => {
    for (let round = 0; round < 4; round += 1) expect(await bench.report(waits(7_000))).toEqual(requeueAfter(7_000));
    expect(bench.statuses[0]?.conditions[0]).toMatchObject({ status: 'Unknown', reason: 'Deleting' });
    expect(bench.told.map((line) => line.split(' ')[0])).toEqual(['warn', 'warn', 'debug', 'warn']);
    expect(bench.events).toEqual(['Deleting']);
  });
});
