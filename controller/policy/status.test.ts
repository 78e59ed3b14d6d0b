import { describe, expect, test } from '@jest/globals';
import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { EMPTY_CONFIG } from '../../agent/protocol/wgquick/config.ts';
import { cidr } from '../../test/fixtures/cidr.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import {
  agent,
  KEY,
  KEY_PAIR,
  NOW_MS,
  nothingThere,
  observation,
  observationDown,
  observationOf,
  PUBLIC_KEY,
} from '../../test/support/observed-host.ts';
import { change, inSync, refused, statusAfter, unreachable, withStatus } from '../../test/support/status-after.ts';
import { TAKE_OVER } from '../api/node.ts';
import type { PlanStatus, WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { desired } from './desired.ts';
import { type Difference, differencesOf } from './differences.ts';
import { sameStatus } from './status.ts';
import type { Outcome, Unreachable } from './outcome.ts';

const drifted = (differences: readonly Difference[], plan: PlanStatus = { impact: 'None', steps: [] }): Outcome => ({
  kind: 'drifted',
  observation,
  differences,
  plan,
  desired: desired(nodeWith(), KEY_PAIR),
});

describe('what an agent says fits the schema, whatever it says', () => {
  test('capabilities are a set of non-empty words', () => {
    const capabilities = ['plan', 'plan', '', 'x'.repeat(70)];
    const status = statusAfter(
      nodeWith(),
      inSync(nodeWith(), { observation: { ...observation, agent: { ...agent, capabilities } } }),
    );
    expect(status.agent?.capabilities).toEqual(['plan', 'x'.repeat(64)]);
  });

  test('no more addresses are told than the schema has room for', () => {
    const addresses = Array.from({ length: 70 }, (_, index) => cidr(`10.0.0.${String(index)}/32`));
    const many = observationOf({ ...EMPTY_CONFIG, addresses });
    const status = statusAfter(nodeWith(), inSync(nodeWith(), { observation: many }));
    expect(status.interface?.addresses).toHaveLength(64);
  });
});

describe('what was seen of the host', () => {
  test.each([
    {
      name: 'an interface that is up is told with what the kernel has',
      given: observation,
      expected: {
        state: 'Up',
        publicKey: PUBLIC_KEY,
        listenPort: 51_820,
        mtu: 1_420,
        peerCount: 2,
        addresses: ['10.0.0.1/24'],
      },
    },
    {
      name: 'an interface that is down is told with what the file has',
      given: observationDown,
      expected: { state: 'Down', publicKey: PUBLIC_KEY, addresses: ['10.0.0.1/24'] },
    },
    { name: 'an interface that is nowhere is Absent', given: nothingThere, expected: { state: 'Absent' } },
  ])('$name', ({ given, expected }) => {
    expect(statusAfter(nodeWith(), inSync(nodeWith(), { observation: given })).interface).toEqual(expected);
  });

  test('the agent is told with version, epoch and capabilities', () => {
    expect(statusAfter(nodeWith(), inSync(nodeWith())).agent).toEqual({
      version: '0.1.0',
      epoch: 'epoch-1',
      capabilities: ['plan', 'dry-run'],
    });
  });

  test('the end of its certificate is told, and 14 days before it also beside the connection, in the same words from day to day', () => {
    const tell = (days: number): WireGuardNodeStatus => {
      const certificateNotAfterMs = NOW_MS + days * 86_400_000;
      return statusAfter(
        nodeWith(),
        inSync(nodeWith(), { observation: { ...observation, agent: { ...agent, certificateNotAfterMs } } }),
      );
    };
    const reachable = (status: WireGuardNodeStatus): string | undefined =>
      status.conditions.find(({ type }) => type === 'Reachable')?.message;
    expect(tell(20).agent?.certificateNotAfter).toBe('2026-02-21T00:00:00Z');
    expect(reachable(tell(20))).not.toContain('certificate');
    expect(reachable(tell(13))).toMatch(
      /answers; its certificate ends on 2026-02-14: renew it \(wgnode-agent renew, where init made it\)$/,
    );
    expect(tell(13).conditions[0]?.status).toBe('True');
  });

  test('stays while the host is not reached', () => {
    const first = statusAfter(nodeWith(), inSync(nodeWith()));
    const status = statusAfter(withStatus(nodeWith(), first), unreachable, {
      attempt: { failures: 1, nextMs: NOW_MS },
    });
    expect([status.agent, status.interface]).toEqual([first.agent, first.interface]);
  });
});

describe('drift', () => {
  const one: Difference = { path: 'spec.interface.mtu', desired: '1', file: '2', live: '3', impact: 'None' };

  test('at most 32 differences are told', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ ...one, path: `path ${String(index)}` }));
    expect(statusAfter(nodeWith(), drifted(many)).drift).toEqual(many.slice(0, 32));
  });

  test('no value is longer than the schema allows', () => {
    const long = { ...one, desired: 'x'.repeat(5_000), file: 'y'.repeat(5_000), live: 'z'.repeat(5_000) };
    const [entry] = statusAfter(nodeWith(), drifted([long])).drift ?? [];
    expect([entry?.desired, entry?.file, entry?.live].map((text) => text?.length)).toEqual([1_024, 1_024, 1_024]);
  });

  test('has the impact that the plan says, else that of the host, else none', () => {
    const differences: Difference[] = [
      { ...one, path: 'spec.interface.mtu' },
      { ...one, path: 'spec.interface.dns', impact: 'Rehandshake' },
      { path: 'spec.interface.postUp', desired: 'a', file: 'b', live: '' },
    ];
    const steps = [
      { action: 'write-file', path: 'spec.interface.mtu', impact: 'None' as const },
      { action: 'restart', path: 'spec.interface.mtu', impact: 'Restart' as const },
    ];
    const outcome = drifted(differences, { impact: 'Restart', steps });
    const { drift = [] } = statusAfter(nodeWith(), outcome);
    expect(drift.map(({ impact }) => impact)).toEqual(['Restart', 'Rehandshake', undefined]);
    // operate 10: what is not there is left out, and no empty text.
    expect(drift[2]).toEqual({ path: 'spec.interface.postUp', desired: 'a', file: 'b' });
  });

  test('goes, with its plan, when the host is as wanted', () => {
    const first = statusAfter(nodeWith(), drifted([one]));
    const status = statusAfter(withStatus(nodeWith(), first), inSync(nodeWith()));
    expect([status.drift, status.plan]).toEqual([undefined, undefined]);
  });

  test('T14: no status shows the private key', () => {
    const node = nodeWith();
    const other = observationOf({ ...EMPTY_CONFIG, privateKey: InterfaceKey.fromPublic('other') });
    const differences = differencesOf(desired(node, KEY_PAIR), other);
    expect(differences.length).toBeGreaterThan(0);
    for (const outcome of [drifted(differences), inSync(node, { change })])
      expect(JSON.stringify(statusAfter(node, outcome))).not.toContain(KEY.reveal());
  });
});

describe('the message of a condition', () => {
  const messagesOf = (message: string): string[] =>
    statusAfter(nodeWith(), { kind: 'apply-failed', observation, message })
      .conditions.filter(({ reason }) => reason === 'ApplyFailed')
      .map((condition) => condition.message);

  test.each([
    { name: 'is whole up to what the schema allows', length: 4_096, kept: 4_096 },
    { name: 'is cut there', length: 4_097, kept: 4_096 },
    { name: 'is cut there, however long it was', length: 100_000, kept: 4_096 },
  ])('$name', ({ length, kept }) => {
    expect(messagesOf('x'.repeat(length))).toEqual([0, 1].map(() => 'x'.repeat(kept)));
  });

  test('is not cut within a character, as the API server would store another text than was sent', () => {
    for (const message of messagesOf(`${'x'.repeat(4_095)}\u{1f511}`)) expect(message.isWellFormed()).toBe(true);
  });
});

describe('failures', () => {
  /** The status after each count of failures, written or not. */
  const counted = (upTo: number, over: (failures: number) => Partial<Unreachable>): (number | undefined)[] => {
    let node = nodeWith();
    return Array.from({ length: upTo }, (_, index) => {
      const failures = index + 1;
      const nowMs = NOW_MS + index * 1_000;
      const outcome: Outcome = { ...unreachable, ...over(failures) };
      const status = statusAfter(node, outcome, { nowMs, attempt: { failures, nextMs: nowMs + 500 } });
      const isWritten = !sameStatus(node.status, status);
      node = withStatus(node, status);
      return isWritten ? status.consecutiveFailures : undefined;
    });
  };

  test('are written at 1, 2, 4, 8 and 16 only', () => {
    const none = undefined;
    expect(counted(17, () => ({}))).toEqual([
      ...[1, 2, none, 4, none, none, none, 8],
      ...[none, none, none, none, none, none, none, 16, none],
    ]);
  });

  test('are written with another change', () => {
    const none = undefined;
    const counts = counted(7, (failures) => (failures < 6 ? {} : { reason: 'DNSFailed' }));
    expect(counts).toEqual([1, 2, none, 4, none, 6, none]);
  });

  test('that say the same in other words each time are no more writes for it', () => {
    const none = undefined;
    const counts = counted(9, (failures) => ({ message: `attempt ${String(failures)}` }));
    expect(counts).toEqual([1, 2, none, 4, none, none, none, 8, none]);
  });

  test('are written with a new generation', () => {
    const first = statusAfter(nodeWith(), unreachable, { attempt: { failures: 3, nextMs: NOW_MS } });
    const edited = nodeWith(({ metadata }) => {
      metadata.generation = 4;
    });
    const status = statusAfter(withStatus(edited, first), unreachable, { attempt: { failures: 5, nextMs: NOW_MS } });
    expect([status.observedGeneration, status.consecutiveFailures]).toEqual([4, 5]);
  });

  test('say when the next attempt is', () => {
    const status = statusAfter(nodeWith(), unreachable, { attempt: { failures: 1, nextMs: NOW_MS + 30_000 } });
    expect(status.nextAttemptTime).toBe('2026-02-01T00:00:30Z');
  });

  test('are gone after a success', () => {
    const first = statusAfter(nodeWith(), unreachable, { attempt: { failures: 4, nextMs: NOW_MS } });
    const status = statusAfter(withStatus(nodeWith(), first), inSync(nodeWith()));
    expect([status.consecutiveFailures, status.nextAttemptTime]).toEqual([undefined, undefined]);
  });
});

describe('a reconcile request', () => {
  test.each([
    { name: 'success', outcome: inSync(nodeWith()) },
    { name: 'refusal', outcome: refused },
    { name: 'suspension', outcome: { kind: 'suspended', specMoved: false } as const },
  ])('is answered by a $name', ({ outcome }) => {
    expect(statusAfter(nodeWith(), outcome, { request: 'token' }).lastHandledReconcileRequest).toBe('token');
  });

  test('is not answered while the change is still under way', () => {
    const status = statusAfter(nodeWith(), { kind: 'applying' }, { request: 'token' });
    expect(status.lastHandledReconcileRequest).toBeUndefined();
  });

  test('stays answered', () => {
    const first = statusAfter(nodeWith(), refused, { request: 'token' });
    expect(statusAfter(withStatus(nodeWith(), first), refused).lastHandledReconcileRequest).toBe('token');
  });
});

describe('a take-over', () => {
  const asking = (token: string, mode: 'Enforce' | 'Observe' = 'Enforce', handled?: string): WireGuardNode =>
    nodeWith(({ metadata, spec, status }) => {
      metadata.annotations = { [TAKE_OVER]: token };
      spec.management.mode = mode;
      if (handled !== undefined) status.lastHandledTakeOver = handled;
    });

  test('is answered once the object has the interface', () => {
    expect(statusAfter(asking('b', 'Enforce', 'a'), inSync(nodeWith())).lastHandledTakeOver).toBe('b');
  });

  test.each<{ name: string; node: WireGuardNode; outcome: Outcome }>([
    { name: 'a refusal', node: asking('b', 'Enforce', 'a'), outcome: refused },
    { name: 'a host that is not reached', node: asking('b', 'Enforce', 'a'), outcome: unreachable },
    { name: 'a look in mode Observe', node: asking('b', 'Observe', 'a'), outcome: inSync(nodeWith()) },
  ])('is not answered by $name: the previous answer is kept', ({ node, outcome }) => {
    expect(statusAfter(node, outcome).lastHandledTakeOver).toBe('a');
  });

  test('stays answered', () => {
    const node = nodeWith(({ status }) => {
      status.lastHandledTakeOver = 'a';
    });
    expect(statusAfter(node, inSync(nodeWith())).lastHandledTakeOver).toBe('a');
  });
});

test('I5: what did not move is the status that there is', () => {
  const node = withStatus(nodeWith(), statusAfter(nodeWith(), inSync(nodeWith())));
  const outcome: Outcome = { kind: 'unmoved', retry: { kind: 'on-change' } };
  expect(statusAfter(node, outcome, { nowMs: NOW_MS + 60_000 })).toBe(node.status);
});

describe('sameStatus', () => {
  const status: WireGuardNodeStatus = { observedGeneration: 3, conditions: [], agent: { version: '1', epoch: 'e' } };
  test.each([
    {
      name: 'the order of keys says nothing',
      other: { conditions: [], agent: { epoch: 'e', version: '1' }, observedGeneration: 3 },
      same: true,
    },
    { name: 'a value does', other: { ...status, observedGeneration: 4 }, same: false },
    { name: 'a key more does', other: { ...status, consecutiveFailures: 0 }, same: false },
  ])('$name', ({ other, same }) => {
    expect(sameStatus(status, other)).toBe(same);
  });
});
