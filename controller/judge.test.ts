import { describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '../agent/protocol/errors.ts';
import {
  appliedNode,
  bench,
  DRIFT,
  type Edit,
  HEALTH,
  KEY,
  managed,
  MTU,
  refuse,
  refusedWith,
} from '../test/support/judge-bench.ts';
import { AgentUnreachable } from './agents/agent-error.ts';
import { desired } from './reconcile/desired.ts';
import { createKeyLock } from './runtime/key-lock.ts';

const observing = managed({ mode: 'Observe' });

describe('a host', () => {
  test('I5: that is as wanted is left alone', async () => {
    const { host, memory, look } = bench(appliedNode());
    expect(await look()).toMatchObject({ kind: 'in-sync', change: undefined, seen: { health: HEALTH } });
    expect([host.puts, memory.client]).toEqual([[], host]);
  });

  test('without the interface gets it, as the node wants it', async () => {
    const node = appliedNode(({ status }) => {
      delete status.applied;
    });
    const { host, look } = bench(node);
    host.config = undefined;
    host.impact = 'Restart';
    expect(await look()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'Created', impact: 'Restart', outageMs: 340, corrected: [] },
    });
    expect(host.config).toEqual(desired(node, KEY).config);
    expect(host.puts[0]?.options).toMatchObject({ state: 'up', max_impact: 'Restart' });
  });

  test('that was changed is put right, and the fields are told', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    expect(await look()).toMatchObject({
      kind: 'in-sync',
      change: { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU] },
      seen: { answer: { spec: { mtu: 1_400 } } },
    });
    expect(host.config?.mtu).toBe(1_400);
    expect(memory.corrections).toEqual([{ path: MTU, atMs: 0 }]);
  });

  test('that cannot be reached is unreachable, by its rung', async () => {
    const { host, look } = bench(appliedNode());
    host.unreadable = new AgentUnreachable('TLSFailed', 'expired');
    expect(await look()).toEqual({ kind: 'unreachable', rung: 'TLSFailed', message: 'expired' });
  });

  test('that will not let its interface be read is a refusal', async () => {
    const { host, look } = bench(appliedNode());
    host.unreadable = refusedWith('not_wireguard');
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason: 'ConfigRefused' } });
  });

  test('whose change lasts says after two seconds that it is under way, once', async () => {
    const { host, clock, slow, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = async () => {
      await clock.advance(1_999);
      expect(slow).toEqual([]);
      await clock.advance(60_000);
    };
    expect(await look()).toMatchObject({ kind: 'in-sync' });
    expect([slow, clock.pending]).toEqual([['applying'], 0]);
  });
});

describe('a change that the agent does not make', () => {
  test.each<[ErrorCode, string]>([
    ['invalid_value', 'ConfigRefused'],
    ['hooks_off', 'HookNotAllowed'],
    ['invalid_hook', 'HookNotAllowed'],
    ['interface_not_allowed', 'ConfigRefused'],
  ])('for %s is the refusal %s, with what was seen', async (code, reason) => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = refuse(code);
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason }, seen: { health: HEALTH } });
    expect([host.config?.mtu, memory.corrections]).toEqual([1_300, []]);
  });

  test('for its impact shows the plan that waits', async () => {
    const { host, look } = bench(appliedNode(managed({ maxImpact: 'Rehandshake' })), DRIFT);
    host.impact = 'Restart';
    expect(await look()).toMatchObject({
      kind: 'impact-not-allowed',
      differences: [{ path: MTU }],
      plan: { impact: 'Restart', steps: [{ action: 'set-mtu', path: MTU, impact: 'Restart' }] },
    });
    expect(host.puts.map(({ options }) => options?.dry_run)).toEqual([undefined, true]);
    expect(host.config?.mtu).toBe(1_300);
  });

  test('as it failed and was undone is apply-failed, with the host as it is then', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      host.edit({ mtu: 1_310 });
      throw refusedWith('apply_failed');
    };
    expect(await look()).toMatchObject({ kind: 'apply-failed', seen: { answer: { spec: { mtu: 1_310 } } } });
  });

  test('as it failed and could not be undone is not-restored, with what still differs', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      host.edit({ mtu: 1_310 });
      throw refusedWith('apply_failed', false);
    };
    expect(await look()).toMatchObject({
      kind: 'not-restored',
      seen: { answer: { spec: { mtu: 1_310 } } },
      differences: [{ path: MTU, desired: '1400', file: '1310' }],
    });
  });

  test('although it says so is apply-failed: only the read-back counts', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.isIdle = true;
    const outcome = await look();
    expect(outcome).toMatchObject({ kind: 'apply-failed', seen: { answer: { spec: { mtu: 1_300 } } } });
    expect(outcome.kind === 'apply-failed' && outcome.message).toContain(MTU);
    expect(memory.corrections).toEqual([]);
  });

  test('as the answer was lost is unreachable, and the next look starts anew', async () => {
    const { host, memory, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      throw new AgentUnreachable('ConnectionTimeout', 'no answer');
    };
    expect(await look()).toMatchObject({ kind: 'unreachable', rung: 'ConnectionTimeout' });
    expect(memory.corrections).toEqual([]);
  });
});

test('an agent that asks for a pause is given it', async () => {
  const { host, look } = bench(appliedNode(), DRIFT);
  host.meanwhile = () => {
    throw new AgentUnreachable('AgentError', 'busy', undefined, 7_000);
  };
  expect(await look()).toEqual({ kind: 'unreachable', rung: 'AgentError', message: 'busy', retryAfterMs: 7_000 });
});

describe('a decision that no longer holds', () => {
  test('as the host moved after it was read is given up', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    host.meanwhile = () => {
      host.edit({ mtu: 1_310 });
    };
    await expect(look()).rejects.toMatchObject({ code: 'superseded' });
    expect(host.config?.mtu).toBe(1_310);
  });

  test('as the object moved while it waited for its turn is given up before anything is sent', async () => {
    const { host, look } = bench(appliedNode(), DRIFT);
    const hosts = createKeyLock();
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    const { url } = appliedNode().spec.agent;
    const former = hosts.run(url, () => held);
    let isCurrent = true;
    const looked = look({ hosts, isCurrent: () => isCurrent });
    await new Promise((resolve) => setImmediate(resolve));
    isCurrent = false;
    release(undefined);
    await former;
    await expect(looked).rejects.toMatchObject({ code: 'superseded' });
    expect(host.puts).toEqual([]);
  });
});

describe('Observe', () => {
  test('of a host that differs asks for the plan and changes nothing', async () => {
    const { host, look } = bench(appliedNode(observing), DRIFT);
    const plan = { impact: 'None', steps: [{ path: MTU }] };
    const drifted = { kind: 'drifted', differences: [{ path: MTU }], plan };
    expect([await look(), await look()]).toMatchObject([drifted, drifted]);
    expect(host.puts.map(({ options }) => options?.dry_run)).toEqual([true, true]);
    expect(host.config?.mtu).toBe(1_300);
  });

  test('of a host that is as wanted asks for nothing more', async () => {
    const { host, look } = bench(appliedNode(observing));
    expect(await look()).toMatchObject({ kind: 'in-sync', change: undefined });
    expect(host.puts).toEqual([]);
  });

  test('of what the agent would refuse is that refusal', async () => {
    const { host, look } = bench(appliedNode(observing), DRIFT);
    host.meanwhile = refuse('invalid_hook');
    expect(await look()).toMatchObject({ kind: 'refused', refusal: { reason: 'HookNotAllowed' } });
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
    const { host, memory, look } = bench(appliedNode(edit), DRIFT);
    expect(await look()).toMatchObject(expected);
    expect([host.reads, host.puts, memory.client]).toEqual([0, [], undefined]);
  });
});
