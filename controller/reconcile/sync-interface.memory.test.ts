import { describe, expect, test } from '@jest/globals';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { PUBLIC_KEY } from '../../test/support/observed-host.ts';
import {
  appliedNode,
  DRIFT,
  type Edit,
  failedApply,
  managed,
  refusedFor,
  SyncBench,
} from '../../test/support/sync-bench.ts';
import { agentOrigin, RECONCILE_REQUEST } from '../api/node.ts';
import type { LocalState, Seen } from './local-state.ts';

const UNREACHABLE = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' } as const;
const observing = managed({ mode: 'Observe' });

const seenOf = ({ seen }: LocalState, over: Partial<Seen>): Seen | undefined =>
  seen === undefined ? undefined : { ...seen, ...over };

describe('what is remembered of a look', () => {
  test('I5: is given to the next one, which reads nothing that did not move', async () => {
    const bench = new SyncBench(appliedNode());
    await bench.sync();
    const { seen } = bench.local;
    expect(seen).toEqual({ revision: bench.host.seen().revision, generation: 3, publicKey: PUBLIC_KEY });
    expect(await bench.sync()).toMatchObject({ kind: 'unmoved', retry: { kind: 'after' } });
    expect(bench.host.previous).toEqual([undefined, seen?.revision]);
    expect(bench.local.seen).toEqual(seen);
  });

  test('is not given to another driver: it may be another host', async () => {
    const bench = new SyncBench(appliedNode());
    await bench.sync();
    const other = new MemoryDriver();
    Object.assign(other, { config: bench.host.config, owner: bench.host.owner });
    await bench.sync({ drivers: { open: () => other, close: () => Promise.resolve() } });
    expect(other.previous).toEqual([undefined]);
    expect(bench.local.driver).toBe(other);
  });

  test.each<{ name: string; edit?: Edit; over: (local: LocalState) => LocalState }>([
    { name: 'at another generation', over: (local) => ({ ...local, seen: seenOf(local, { generation: 2 }) }) },
    { name: 'with another key', over: (local) => ({ ...local, seen: seenOf(local, { publicKey: 'other' }) }) },
    { name: 'whose outcome was never written', over: (local) => ({ ...local, written: undefined }) },
    {
      name: 'where a person asks for a look now',
      edit: ({ metadata }) => {
        metadata.annotations = { [RECONCILE_REQUEST]: 'now' };
      },
      over: (local) => local,
    },
  ])('is not given to one $name', async ({ edit, over }) => {
    const bench = new SyncBench(appliedNode(edit));
    await bench.sync();
    bench.local = over(bench.local);
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
    expect(bench.host.previous).toEqual([undefined, undefined]);
  });

  test('after a correction is the read that proved it', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    await bench.sync();
    expect(bench.local.seen?.revision).toBe(bench.host.seen().revision);
  });

  test('is the origin of the agent that accepted the signature (C7)', async () => {
    const bench = new SyncBench(appliedNode());
    await bench.sync();
    expect(bench.local.acceptedBy).toBe(agentOrigin(appliedNode()));
  });

  test('is no acceptance by an agent that did not answer, or that rejects the signature (C7)', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.failure = { kind: 'unreachable', reason: 'SignatureRejected', message: 'no' };
    await bench.sync();
    expect(bench.local.acceptedBy).toBeUndefined();
  });

  test.each<{ name: string; fail: (bench: SyncBench) => void; drift?: typeof DRIFT; edit?: Edit }>([
    {
      name: 'a host that cannot be read',
      fail: ({ host }) => {
        host.failure = UNREACHABLE;
      },
    },
    {
      name: 'a host that refuses to be read',
      fail: ({ host }) => {
        host.failure = refusedFor('ConfigRefused');
      },
    },
    {
      name: 'a change whose answer was lost',
      drift: DRIFT,
      fail: ({ host }) => {
        host.meanwhile = () => UNREACHABLE;
      },
    },
    {
      name: 'a plan that could not be had',
      drift: DRIFT,
      edit: observing,
      fail: ({ host }) => {
        host.planFailure = UNREACHABLE;
      },
    },
    {
      name: 'a suspension',
      edit: ({ spec }) => {
        spec.suspend = true;
      },
      fail: () => undefined,
    },
    {
      name: 'a refusal before the host was asked',
      edit: ({ spec }) => {
        spec.agent.url = 'http://fra1.example.net';
      },
      fail: () => undefined,
    },
    {
      name: 'a turn that another object has',
      drift: DRIFT,
      fail: ({ hosts }) => {
        hosts.turns.enter(agentOrigin(appliedNode()), 'edge/other');
      },
    },
    {
      name: 'a read-back that was refused',
      drift: DRIFT,
      fail: ({ host }) => {
        host.meanwhile = () => {
          host.failure = refusedFor('ConfigRefused');
          return failedApply(true);
        };
      },
    },
  ])('is dropped at $name', async ({ fail, drift = {}, edit }) => {
    const bench = new SyncBench(appliedNode(edit), drift);
    const seen = { revision: 'of before', generation: 3, publicKey: PUBLIC_KEY };
    bench.local = { ...bench.local, driver: bench.host, seen };
    fail(bench);
    await bench.sync();
    expect(bench.local.seen).toBeUndefined();
  });
});
