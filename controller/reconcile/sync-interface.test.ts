import { describe, expect, test } from '@jest/globals';
import {
  appliedNode,
  DRIFT,
  type Edit,
  failedApply,
  managed,
  MTU,
  ownerOf,
  refusedFor,
  SyncBench,
} from '../../test/support/sync-bench.ts';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { anotherNode } from '../../test/support/check-input.ts';
import { agent, KEY_PAIR } from '../../test/support/observed-host.ts';
import { desired } from '../policy/desired.ts';

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
    expect(bench.host.config).toEqual(desired(node, KEY_PAIR).config);
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

  test('as the object moved after it was read is given up before anything is sent', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    expect(await bench.sync({ isCurrent: () => false })).toMatchObject({ kind: 'superseded' });
    expect(bench.host.applies).toEqual([]);
  });

  test.each<{ name: string; secret: Secret | undefined }>([
    { name: 'holds another key', secret: new Secret(Buffer.alloc(32, 9).toString('base64')) },
    { name: 'is gone', secret: undefined },
  ])('as the Secret of the key $name by the time that it is sent is given up', async ({ secret }) => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.secret = secret;
    expect(await bench.sync()).toMatchObject({ kind: 'superseded' });
    expect(bench.host.applies).toEqual([]);
  });

  test('as another object was faster on the host is given up', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.meanwhile = () => {
      bench.host.owner = ownerOf(anotherNode(() => undefined));
      return undefined;
    };
    expect(await bench.sync()).toMatchObject({ kind: 'superseded' });
    expect(bench.host.config?.mtu).toBe(1_300);
  });
});

test('an agent that tells what it reads after a change spares a read', async () => {
  const bench = new SyncBench(appliedNode(), DRIFT);
  bench.host.readsBack = true;
  expect(await bench.sync()).toMatchObject({ kind: 'in-sync', change: { corrected: [MTU] } });
  expect(bench.host.reads).toBe(1);
});

test('what an agent reads after a change is judged like any other read', async () => {
  const bench = new SyncBench(appliedNode(), DRIFT);
  Object.assign(bench.host, { readsBack: true, isIdle: true });
  expect(await bench.sync()).toMatchObject({ kind: 'apply-failed' });
});

describe('Observe', () => {
  test('of a host that differs asks for the plan and changes nothing', async () => {
    const bench = new SyncBench(appliedNode(observing), DRIFT);
    const plan = { impact: 'None', steps: [{ path: MTU }] };
    const drifted = { kind: 'drifted', differences: [{ path: MTU }], plan };
    expect([await bench.sync(), await bench.sync()]).toMatchObject([drifted, { kind: 'unmoved' }]);
    expect([bench.host.applies.length, bench.host.plans]).toEqual([0, 1]);
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

  test('without the Secret of the key compares all but the key, and cannot ask for a plan', async () => {
    const other = InterfaceKey.fromPublic('other');
    const bench = new SyncBench(appliedNode(observing), { ...DRIFT, privateKey: other });
    Object.assign(bench, { parts: { keySecret: { kind: 'missing' } }, secret: undefined });
    expect(await bench.sync()).toMatchObject({ kind: 'drifted', differences: [{ path: MTU }], plan: undefined });
    expect([bench.host.plans, bench.local.seen?.publicKey]).toEqual([0, '']);
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

test('a highest impact that the agent cannot keep to is a refusal, and nothing is sent', async () => {
  const bench = new SyncBench(appliedNode(managed({ maxImpact: 'None' })), DRIFT);
  bench.host.capabilities.delete('max-impact');
  expect(await bench.sync()).toMatchObject({ kind: 'refused', refusal: { reason: 'Unsupported' } });
  expect(bench.host.applies).toEqual([]);
});
