import { describe, expect, test } from '@jest/globals';
import {
  appliedNode,
  DRIFT,
  type Edit,
  failedApply,
  managed,
  MTU,
  refusedFor,
  SyncBench,
} from '../../test/support/sync-bench.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { agent, KEY } from '../../test/support/observed-host.ts';
import { desired } from '../policy/desired.ts';
import type { Outcome } from '../policy/outcome.ts';
import { createKeyLock } from '../runtime/key-lock.ts';

const UNREACHABLE = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' } as const;

const observing = managed({ mode: 'Observe' });

describe('a host', () => {
  test('I5: that is as wanted is left alone', async () => {
    const bench = new SyncBench(appliedNode());
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: undefined, observation: { agent } });
    expect([bench.host.applies, bench.local.driver]).toEqual([[], bench.host]);
  });

  test('without the interface gets it, as the node wants it', async () => {
    const node = appliedNode(({ status }) => {
      delete status.applied;
    });
    const bench = new SyncBench(node);
    bench.host.config = undefined;
    bench.host.impact = 'Restart';
    expect(await bench.sync()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'Created', impact: 'Restart', outageMs: 340, corrected: [], warnings: [] },
    });
    expect(bench.host.config).toEqual(desired(node, KEY).config);
    expect(bench.host.applies).toMatchObject([{ state: 'up', maxImpact: 'Restart' }]);
  });

  test('that was changed is put right, and the fields are told', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    expect(await bench.sync()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU], warnings: [] },
      observation: { interface: { file: { mtu: 1_400 } } },
    });
    expect(bench.host.config?.mtu).toBe(1_400);
    expect(bench.local.corrections).toEqual([{ path: MTU, atMs: 0 }]);
  });

  test('that cannot be reached is unreachable, by its reason', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.failure = { kind: 'unreachable', reason: 'TLSFailed', message: 'expired' };
    expect(await bench.sync()).toEqual({ kind: 'unreachable', reason: 'TLSFailed', message: 'expired' });
  });

  test('that will not let its interface be read is a refusal', async () => {
    const bench = new SyncBench(appliedNode());
    bench.host.failure = refusedFor('ConfigRefused');
    expect(await bench.sync()).toMatchObject({ kind: 'refused', refusal: { reason: 'ConfigRefused' } });
  });

  test('whose change lasts says after two seconds that it is under way, once', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = async () => {
      await bench.clock.advance(1_999);
      expect(bench.interim).toEqual([]);
      await bench.clock.advance(60_000);
      return undefined;
    };
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync' });
    expect([bench.interim, bench.clock.pending]).toEqual([['applying'], 0]);
  });
});

describe('a change that the agent does not make', () => {
  test.each(['ConfigRefused', 'HookNotAllowed'] as const)('is the refusal %s, with what was seen', async (reason) => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => refusedFor(reason);
    expect(await bench.sync()).toMatchObject({ kind: 'refused', refusal: { reason }, observation: { agent } });
    expect([bench.host.config?.mtu, bench.local.corrections]).toEqual([1_300, []]);
  });

  test('for its impact shows the plan that waits', async () => {
    const bench = new SyncBench(appliedNode(managed({ maxImpact: 'Rehandshake' })), DRIFT);
    bench.host.impact = 'Restart';
    expect(await bench.sync()).toMatchObject({
      kind: 'impact-not-allowed',
      differences: [{ path: MTU }],
      plan: { impact: 'Restart', steps: [{ action: 'set-mtu', path: MTU, impact: 'Restart' }] },
    });
    expect([bench.host.applies.length, bench.host.plans]).toEqual([1, 1]);
    expect(bench.host.config?.mtu).toBe(1_300);
  });

  test('as it failed and was undone is apply-failed, with the host as it is then', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => {
      bench.host.edit({ mtu: 1_310 });
      return failedApply(true);
    };
    expect(await bench.sync()).toMatchObject({
      kind: 'apply-failed',
      observation: { interface: { file: { mtu: 1_310 } } },
    });
  });

  test('as it failed and could not be undone is not-restored, with what still differs', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => {
      bench.host.edit({ mtu: 1_310 });
      return failedApply(false);
    };
    expect(await bench.sync()).toMatchObject({
      kind: 'not-restored',
      observation: { interface: { file: { mtu: 1_310 } } },
      differences: [{ path: MTU, desired: '1400', file: '1310' }],
    });
  });

  test('although it says so is apply-failed: only the read-back counts', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.isIdle = true;
    const outcome = await bench.sync();
    expect(outcome).toMatchObject({ kind: 'apply-failed', observation: { interface: { file: { mtu: 1_300 } } } });
    expect(outcome.kind === 'apply-failed' && outcome.message).toContain(MTU);
    expect(bench.local.corrections).toEqual([]);
  });

  test('as the answer was lost is unreachable', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => UNREACHABLE;
    expect(await bench.sync()).toEqual(UNREACHABLE);
    expect(bench.local.corrections).toEqual([]);
  });
});

test('an agent that asks for a pause is given it', async () => {
  const bench = new SyncBench(appliedNode(), DRIFT);
  const busy = { kind: 'unreachable', reason: 'AgentError', message: 'busy', retryAfterMs: 7_000 } as const;
  bench.host.meanwhile = () => busy;
  expect(await bench.sync()).toEqual(busy);
});

describe('a decision that no longer holds', () => {
  test('as the host moved after it was read is given up', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => {
      bench.host.edit({ mtu: 1_310 });
      return undefined;
    };
    expect(await bench.sync()).toMatchObject({ kind: 'superseded' });
    expect(bench.host.config?.mtu).toBe(1_310);
  });

  test('as the object moved while it waited for its turn is given up before anything is sent', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    const hostLocks = createKeyLock();
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const { url } = appliedNode().spec.agent;
    const previous = hostLocks.run(url, () => held);
    let isCurrent = true;
    const looked: Promise<Outcome> = bench.sync({ hostLocks, isCurrent: () => isCurrent });
    await new Promise((resolve) => setImmediate(resolve));
    isCurrent = false;
    release(undefined);
    await previous;
    expect(await looked).toMatchObject({ kind: 'superseded' });
    expect(bench.host.applies).toEqual([]);
  });
});

describe('Observe', () => {
  test('of a host that differs asks for the plan and changes nothing', async () => {
    const bench = new SyncBench(appliedNode(observing), DRIFT);
    const plan = { impact: 'None', steps: [{ path: MTU }] };
    const drifted = { kind: 'drifted', differences: [{ path: MTU }], plan };
    expect([await bench.sync(), await bench.sync()]).toMatchObject([drifted, drifted]);
    expect([bench.host.applies.length, bench.host.plans]).toEqual([0, 2]);
    expect(bench.host.config?.mtu).toBe(1_300);
  });

  test('of a host whose agent cannot plan says what differs all the same', async () => {
    const bench = new SyncBench(appliedNode(observing), DRIFT);
    bench.host.capabilities.delete('plan');
    expect(await bench.sync()).toMatchObject({ kind: 'drifted', differences: [{ path: MTU }], plan: undefined });
    expect(bench.host.plans).toBe(0);
  });

  test('of a host that is as wanted asks for nothing more', async () => {
    const bench = new SyncBench(appliedNode(observing));
    expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: undefined });
    expect(bench.host.applies).toEqual([]);
  });

  test('of what the agent would refuse is that refusal', async () => {
    const bench = new SyncBench(appliedNode(observing), DRIFT);
    bench.host.planFailure = refusedFor('HookNotAllowed');
    expect(await bench.sync()).toMatchObject({ kind: 'refused', refusal: { reason: 'HookNotAllowed' } });
  });
});

describe('nothing is asked of the host', () => {
  test.each<{ name: string; edit: Edit; expected: object }>([
    {
      name: 'of a suspended node',
      edit: ({ spec }) => {
        spec.suspend = true;
      },
      expected: { kind: 'suspended', specMoved: false },
    },
    {
      name: 'of a suspended node whose spec was changed, which is told',
      edit: ({ spec }) => {
        Object.assign(spec, { suspend: true, interface: { ...spec.interface, mtu: 1_280 } });
      },
      expected: { kind: 'suspended', specMoved: true },
    },
    {
      name: 'of a node that a check refuses',
      edit: ({ spec }) => {
        spec.agent.url = 'https://1.2.3.999:8443';
      },
      expected: { kind: 'refused', refusal: { reason: 'InvalidSpec' } },
    },
  ])('$name', async ({ edit, expected }) => {
    const bench = new SyncBench(appliedNode(edit), DRIFT);
    expect(await bench.sync()).toMatchObject(expected);
    expect([bench.host.reads, bench.host.applies, bench.opened]).toEqual([0, [], []]);
  });
});

describe('what is remembered of a look', () => {
  test('is given to the next one, which reads nothing that did not move', async () => {
    const bench = new SyncBench(appliedNode());
    await bench.sync();
    const { observation } = bench.local;
    await bench.sync();
    expect(bench.host.previous).toEqual([undefined, observation]);
    expect(bench.local.observation).toBe(observation);
  });

  test('is not given to another driver: it may be another host', async () => {
    const bench = new SyncBench(appliedNode());
    await bench.sync();
    const other = new MemoryDriver();
    other.config = bench.host.config;
    await bench.sync({ drivers: { open: () => other, close: () => Promise.resolve() } });
    expect(other.previous).toEqual([undefined]);
    expect(bench.local.driver).toBe(other);
  });

  test('after a correction is the read that proved it', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    await bench.sync();
    expect(bench.local.observation).toMatchObject({ interface: { file: { mtu: 1_400 } } });
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
    bench.local = { ...bench.local, driver: bench.host, observation: bench.host.seen() };
    fail(bench);
    await bench.sync();
    expect(bench.local.observation).toBeUndefined();
  });
});

test('a highest impact that the agent cannot keep to is a refusal, and nothing is sent', async () => {
  const bench = new SyncBench(appliedNode(managed({ maxImpact: 'None' })), DRIFT);
  bench.host.capabilities.delete('max-impact');
  expect(await bench.sync()).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
  expect(bench.host.applies).toEqual([]);
});
