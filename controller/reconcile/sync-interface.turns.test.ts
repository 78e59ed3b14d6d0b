import { describe, expect, test } from '@jest/globals';
import { appliedNode, DRIFT, type Edit, SyncBench } from '../../test/support/sync-bench.ts';
import { agentOrigin, RECONCILE_REQUEST } from '../api/node.ts';

const UNREACHABLE = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' } as const;

describe('C1: the turn on a host', () => {
  const ORIGIN = agentOrigin(appliedNode());

  test('that another object has is not waited for: this one is queued, and woken when it comes', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.hosts.turns.enter(ORIGIN, 'edge/other');
    expect(await bench.sync()).toEqual({ kind: 'queued' });
    expect([bench.host.applies, bench.queue.depth('change')]).toEqual([[], 0]);
    bench.hosts.turns.leave('edge/other');
    expect(bench.queue.depth('change')).toBe(1);
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: { cause: 'DriftCorrected' } });
  });

  test('C1: that is not given for long is told, and the object is woken all the same', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.hosts.turns.enter(ORIGIN, 'edge/other');
    for (const ms of [0, 1_999]) {
      await bench.clock.advance(ms);
      expect(await bench.sync()).toEqual({ kind: 'queued' });
    }
    await bench.clock.advance(1);
    expect(await bench.sync()).toMatchObject({ kind: 'blocked', sinceMs: 0, observation: { agent: {} } });
    bench.hosts.turns.leave('edge/other');
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
  });

  test('is not needed to see that all is well', async () => {
    const bench = new SyncBench(appliedNode());
    bench.hosts.turns.enter(ORIGIN, 'edge/other');
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
  });
});

describe('C3: a host that is known to be away', () => {
  test('is not asked by every object: the failure that is known is the answer', async () => {
    const bench = new SyncBench(appliedNode());
    bench.hosts.circuits.ended(agentOrigin(appliedNode()), 'edge/other', UNREACHABLE);
    bench.hosts.circuits.blocked(agentOrigin(appliedNode()), 'edge/other', true);
    const judged = appliedNode(({ status }) => {
      status.observedGeneration = 3;
    });
    const looked = new SyncBench(judged);
    expect(await looked.sync({ hosts: bench.hosts })).toMatchObject(UNREACHABLE);
    expect(looked.host.reads).toBe(0);
  });

  test.each<{ name: string; edit: Edit }>([
    { name: 'edited', edit: () => undefined },
    {
      name: 'for which a person asked',
      edit: ({ metadata, status }) => {
        status.observedGeneration = 3;
        metadata.annotations = { [RECONCILE_REQUEST]: 'now' };
      },
    },
  ])('is asked at once for an object that was $name', async ({ edit }) => {
    const node = appliedNode(edit);
    const bench = new SyncBench(node);
    bench.hosts.circuits.ended(agentOrigin(node), 'edge/other', UNREACHABLE);
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
  });

  test('that answers is no longer away for the others', async () => {
    const bench = new SyncBench(appliedNode());
    bench.hosts.circuits.ended(agentOrigin(appliedNode()), 'edge/other', UNREACHABLE);
    bench.hosts.circuits.blocked(agentOrigin(appliedNode()), 'edge/other', false);
    await bench.sync();
    expect([bench.hosts.circuits.open(), bench.queue.depth('resync')]).toEqual([0, 1]);
  });
});
