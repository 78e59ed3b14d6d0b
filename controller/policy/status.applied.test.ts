import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { KEY_PAIR, NOW_MS, PUBLIC_KEY, observation } from '../../test/support/observed-host.ts';
import { change, inSync, refused, statusAfter, unreachable, withStatus } from '../../test/support/status-after.ts';
import { desired } from './desired.ts';
import type { Observation } from './observation.ts';

describe('what was applied', () => {
  test('is recorded with the change that made it so', () => {
    const node = nodeWith();
    expect(statusAfter(node, inSync(node, { change })).applied).toEqual({
      generation: 3,
      specHash: desired(node, KEY_PAIR).specHash,
      publicKey: PUBLIC_KEY,
      url: 'https://fra1.example.net:8443',
      epoch: 'epoch-1',
      digest: 'digest-1',
      time: '2026-02-01T00:00:00Z',
      impact: 'Restart',
      outageMs: 120,
      cause: 'SpecChanged',
    });
  });

  test('D5: is recorded with what went wrong without ending it, until the next change', () => {
    const node = nodeWith();
    const warnings = ['preDown[0] failed', 'x'.repeat(2_000)];
    const first = statusAfter(node, inSync(node, { change: { ...change, warnings } }));
    expect(first.applied?.warnings?.map(({ length }) => length)).toEqual([17, 1_024]);
    expect(statusAfter(withStatus(node, first), inSync(node)).applied?.warnings).toEqual(first.applied?.warnings);
    expect(statusAfter(withStatus(node, first), inSync(node, { change })).applied).not.toHaveProperty('warnings');
  });

  test('T1: is recorded with the generation that was read, and so is what was observed', () => {
    const read = nodeWith();
    const status = statusAfter(read, inSync(read, { change }));
    expect([status.observedGeneration, status.applied?.generation]).toEqual([3, 3]);
  });

  test('a host that is as wanted from the start is recorded as taken over, without impact', () => {
    const node = nodeWith();
    expect(statusAfter(node, inSync(node)).applied).toMatchObject({ cause: 'Created', impact: 'None', outageMs: 0 });
  });

  test('does not move while nothing is changed, not even with the digest of the host', () => {
    const node = nodeWith();
    const first = statusAfter(node, inSync(node, { change }));
    const moved: Observation = { ...observation, revision: 'digest-2' };
    const later = { nowMs: NOW_MS + 3_600_000 };
    expect(statusAfter(withStatus(node, first), inSync(node, { observation: moved }), later)).toEqual(first);
  });

  test('moves with its generation alone when a new spec is the same to the host', () => {
    const node = nodeWith();
    const first = statusAfter(node, inSync(node, { change }));
    const next = nodeWith(({ metadata, spec }) => {
      metadata.generation = 4;
      spec.management.intervalSeconds = 5;
    });
    const status = statusAfter(withStatus(next, first), inSync(next), { nowMs: NOW_MS + 1_000 });
    expect(status.applied).toEqual({ ...first.applied, generation: 4 });
  });

  test.each([
    { name: 'a correction of drift', over: { cause: 'DriftCorrected', impact: 'None', outageMs: 0 } },
    { name: 'a new key', over: { cause: 'SecretChanged', impact: 'Rehandshake', outageMs: 0 } },
  ] as const)('moves with $name', ({ over }) => {
    const node = nodeWith();
    const first = statusAfter(node, inSync(node, { change }));
    const outcome = inSync(node, { change: { ...over, corrected: [], warnings: [] } });
    const { applied } = statusAfter(withStatus(node, first), outcome, { nowMs: NOW_MS + 1_000 });
    expect(applied).toMatchObject({ ...over, time: '2026-02-01T00:00:01Z' });
  });

  test('is nothing to who only looks', () => {
    const node = nodeWith(({ spec }) => {
      spec.management.mode = 'Observe';
    });
    expect(statusAfter(node, inSync(node)).applied).toBeUndefined();
    const previous = { generation: 2, url: node.spec.agent.url };
    expect(statusAfter(withStatus(node, { ...node.status, applied: previous }), inSync(node)).applied).toEqual(
      previous,
    );
  });

  test.each([
    { name: 'a refusal', outcome: refused },
    { name: 'A1: a host that is not reached', outcome: unreachable },
    { name: 'an apply that failed', outcome: { kind: 'apply-failed', observation, message: 'undone' } as const },
    { name: 'a suspension', outcome: { kind: 'suspended', specMoved: true } as const },
  ])('stays through $name', ({ outcome }) => {
    const node = nodeWith();
    const first = statusAfter(node, inSync(node, { change }));
    const status = statusAfter(withStatus(node, first), outcome, { attempt: { failures: 1, nextMs: NOW_MS } });
    expect(status.applied).toEqual(first.applied);
  });
});
