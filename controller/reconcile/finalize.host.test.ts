import { beforeEach, describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import { anotherNode, found, HMAC_KEY, POLICY } from '../../test/support/check-input.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { ownerOf } from '../../test/support/sync-bench.ts';
import { agentOrigin, FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { Unreachable } from '../policy/outcome.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import { createCircuits } from '../runtime/circuits.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Dependencies } from './dependencies.ts';
import { finalize } from './finalize.ts';
import type { Hosts } from './hosts.ts';
import { createNodeStore } from './informers.ts';
import { createLocalStates } from './local-state.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');
const NO_ANSWER: Unreachable = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer in time' };
const ignored = (): undefined => undefined;

type Edit = (node: WireGuardNode) => void;

/** A node that was applied, carries our finalizer and was deleted a second ago. */
const deletedNode = (edit: Edit = ignored): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { deletionTimestamp: '2026-02-01T00:00:00Z', finalizers: [FINALIZER] });
    node.spec.management.deletionPolicy = 'Remove';
    node.status.applied = { generation: 3, url: node.spec.agent.url };
    edit(node);
  });
const ORIGIN = agentOrigin(deletedNode());

/** A host, an API server that does as it is told, and a clock that all of them share. */
class Bench {
  readonly host = new MemoryDriver();
  readonly clock = new ManualClock(DELETED_MS + 1_000);
  readonly hosts: Hosts = {
    turns: createTurns({ wake: ignored, nowMs: this.clock.now }),
    circuits: createCircuits({ wake: ignored, nowMs: this.clock.now, random: () => 0, baseMs: 1, capMs: 1 }),
  };
  readonly nodes = createNodeStore();
  readonly localStates = createLocalStates();
  /** Reasons of the events, and of the deletions that ended. */
  readonly told: string[] = [];
  readonly released: string[] = [];
  /** How far the clock of the API server is ahead of ours. */
  offsetMs = 0;
  isGone = false;
  isLeader = true;

  async run(node = deletedNode()): Promise<Action> {
    this.nodes.put(this.nodes.get(keyOf(node)) ?? node);
    try {
      return await finalize(this.#dependencies(), this.nodes.get(keyOf(node)) ?? node);
    } finally {
      this.hosts.turns.leave(keyOf(node));
    }
  }

  #dependencies(): Dependencies {
    const writer = {
      read: (key: string) => Promise.resolve(this.nodes.get(key)),
      writeStatus: (node: WireGuardNode, status: WireGuardNodeStatus) => Promise.resolve({ ...node, status }),
      writeFinalizer: (node: WireGuardNode) => {
        this.isGone = true;
        return Promise.resolve(node);
      },
    };
    return {
      ...{ nodes: this.nodes, localStates: this.localStates, clock: this.clock, hosts: this.hosts, writer },
      secrets: {
        agent: () => Promise.resolve(found({ 'hmac-key': HMAC_KEY })),
        key: () => Promise.resolve({ kind: 'missing' }),
      },
      takeWritten: (node: WireGuardNode) => {
        this.nodes.put(node);
      },
      events: { record: (_: WireGuardNode, { reason }: NodeEvent) => this.told.push(reason) },
      metrics: { deletionEnded: (reason: string) => this.released.push(reason), reconciled: ignored },
      drivers: { open: () => this.host },
      log: { error: ignored, warn: ignored, info: ignored, debug: ignored },
      ...{ policy: POLICY, serverOffsetMs: () => this.offsetMs, mayChange: () => this.isLeader, random: () => 0 },
      signal: new AbortController().signal,
    } as unknown as Dependencies;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.host.config = aConfig();
});

describe('a host that cannot be reached', () => {
  beforeEach(() => {
    bench.host.failure = NO_ANSWER;
  });

  test('K1: is waited for', async () => {
    expect(await bench.run()).toEqual(requeueAfter(1_000));
    expect([bench.told, bench.isGone]).toEqual([['Deleting'], false]);
  });

  test('K1: is given up at the deadline, which is told and counted', async () => {
    await bench.run();
    await bench.clock.advance(298_999);
    await bench.run();
    expect(bench.isGone).toBe(false);
    await bench.clock.advance(1);
    expect(await bench.run()).toEqual(awaitChange);
    expect(bench.told).toEqual(['Deleting', 'DeletionTimedOut']);
    expect([bench.host.reads, bench.released, bench.isGone]).toEqual([3, ['timed_out'], true]);
  });

  test('C2: is looked at again at its deadline, and not later', async () => {
    await bench.run();
    await bench.clock.advance(298_500);
    const action = await bench.run();
    expect(action).toEqual(requeueAfter(500));
  });

  test('K1: gets one attempt even when the deadline is long past', async () => {
    await bench.clock.advance(86_400_000);
    expect(await bench.run()).toEqual(awaitChange);
    expect([bench.host.reads, bench.told]).toEqual([1, ['DeletionTimedOut']]);
  });

  test.each([
    { name: 'ahead of', offsetMs: 120_000, afterMs: 178_999 },
    { name: 'behind', offsetMs: -120_000, afterMs: 418_999 },
  ])('K1: is waited for by the clock of the API server, which is $name ours', async ({ offsetMs, afterMs }) => {
    bench.offsetMs = offsetMs;
    await bench.clock.advance(afterMs);
    await bench.run();
    expect(bench.told).toEqual(['Deleting']);
    await bench.clock.advance(1);
    await bench.run();
    expect(bench.told.at(-1)).toBe('DeletionTimedOut');
  });

  test('C2: has no longer for an answer than is left, and at least a second', async () => {
    for (const leftMs of [299_000, 10_000, 400]) {
      await bench.clock.advance(DELETED_MS + 300_000 - leftMs - bench.clock.now());
      await bench.run();
    }
    expect(bench.host.timeoutsMs).toEqual([30_000, 10_000, 1_000]);
  });

  test('C1: that answers reads and hangs on the removal is not away for others', async () => {
    bench.host.remove = () => Promise.resolve(NO_ANSWER);
    bench.host.failure = undefined;
    expect(await bench.run()).not.toEqual(awaitChange);
    expect([bench.hosts.circuits.open(), bench.host.reads]).toEqual([0, 1]);
  });

  test('C2: that is known to be away is not asked by every object', async () => {
    bench.hosts.circuits.ended(ORIGIN, 'edge/other', NO_ANSWER);
    expect(await bench.run()).toEqual(requeueAfter(1_000));
    expect([bench.host.reads, bench.told]).toEqual([0, ['Deleting']]);
  });
});

describe('C2: a host on which another change is under way', () => {
  beforeEach(() => {
    bench.hosts.turns.enter(ORIGIN, 'edge/other');
  });

  test('is waited for, and is not touched', async () => {
    expect(await bench.run()).toEqual(requeueAfter(1_000));
    expect([bench.host.reads, bench.told]).toEqual([0, ['Deleting']]);
    bench.hosts.turns.leave('edge/other');
    await bench.run();
    expect([bench.host.config, bench.told.at(-1)]).toEqual([undefined, 'Deleted']);
  });

  test('is given up at the deadline', async () => {
    await bench.run();
    await bench.clock.advance(299_000);
    expect(await bench.run()).toEqual(awaitChange);
    expect([bench.host.reads, bench.told.at(-1)]).toEqual([0, 'DeletionTimedOut']);
  });

  test.each([
    { timeoutSeconds: 300, patienceMs: 30_000 },
    { timeoutSeconds: 5, patienceMs: 5_000 },
  ])('is waited for $patienceMs ms by a controller that was away at the deadline', async (row) => {
    const node = deletedNode(({ spec }) => {
      spec.management.deletionTimeoutSeconds = row.timeoutSeconds;
    });
    await bench.clock.advance(86_400_000);
    await bench.run(node);
    await bench.clock.advance(row.patienceMs - 1);
    await bench.run(node);
    expect(bench.told).toEqual(['Deleting']);
    await bench.clock.advance(1);
    expect(await bench.run(node)).toEqual(awaitChange);
    expect(bench.told.at(-1)).toBe('DeletionTimedOut');
  });
});

describe('a host that can be reached', () => {
  test('K1: is done with, although the deadline is long past', async () => {
    await bench.clock.advance(86_400_000);
    expect(await bench.run()).toEqual(awaitChange);
    expect([bench.host.config, bench.told, bench.released]).toEqual([undefined, ['Deleted'], ['carried_out']]);
  });

  test('and that has neither file nor device is done with', async () => {
    bench.host.config = undefined;
    expect(await bench.run()).toEqual(awaitChange);
    expect([bench.told, bench.isGone]).toEqual([['Deleted'], true]);
  });

  test('K4: and that knows the interface as that of another object keeps it, in whatever spelling that has it', async () => {
    bench.host.owner = ownerOf(anotherNode(ignored));
    expect(await bench.run()).toEqual(awaitChange);
    expect([bench.told, bench.host.attempts, bench.isGone]).toEqual([['Retained'], 0, true]);
  });

  test('is not changed by a controller that does not lead any more', async () => {
    bench.isLeader = false;
    expect(await bench.run()).toEqual(requeueAfter(1_000));
    expect([bench.host.attempts, bench.isGone]).toEqual([0, false]);
  });

  test('and whose agent cannot remove an interface is waited for', async () => {
    bench.host.capabilities.delete('remove');
    expect(await bench.run()).toEqual(requeueAfter(1_000));
    expect([bench.host.attempts, bench.told]).toEqual([0, ['Deleting']]);
  });
});
