import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { NOW_MS } from '../../test/support/observed-host.ts';
import { outcomeCases } from '../../test/support/outcome-cases.ts';
import { inSync, statusAfter, withStatus } from '../../test/support/status-after.ts';
import { conditionOf } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Outcome } from '../policy/outcome.ts';
import { type LadderFacts, ladderOf, type Rung, RUNGS } from './ladder.ts';

const FOUND = { agent: 'found', key: 'found' } as const;

const ladder = (node: WireGuardNode, over: Partial<LadderFacts> = {}): Rung[] =>
  ladderOf({ node, nowMs: NOW_MS, secrets: FOUND, ...over });
/** The first rung that is not well. */
const faultOf = (rungs: readonly Rung[]): Rung | undefined => rungs.find(({ state }) => state !== 'ok');
const after = (outcome: Outcome, node = nodeWith()): WireGuardNode => withStatus(node, statusAfter(node, outcome));

describe('the way from an object to its traffic', () => {
  test.each(outcomeCases)(
    'has one first fault, with what to do, where there is one: $name',
    ({ node = nodeWith(), outcome, failures = 0 }) => {
      const judged = withStatus(node, statusAfter(node, outcome, { attempt: { failures, nextMs: undefined } }));
      const rungs = ladder(judged);
      expect(rungs.map(({ name }) => name)).toEqual(RUNGS);
      const fault = faultOf(rungs);
      const at = fault === undefined ? rungs.length : rungs.indexOf(fault);
      expect(rungs.slice(0, at).every(({ state, cure }) => state === 'ok' && cure === undefined)).toBe(true);
      expect(rungs.slice(at + 1).every(({ state }) => state === 'unknown')).toBe(true);
      const { conditions, observedGeneration } = judged.status;
      const isWell =
        conditionOf(conditions, 'Ready')?.status === 'True' &&
        conditionOf(conditions, 'Synced')?.status === 'True' &&
        conditionOf(conditions, 'Suspended') === undefined &&
        observedGeneration === judged.metadata.generation;
      expect(fault === undefined).toBe(isWell);
      if (fault === undefined) return;
      expect([fault.text.length > 0, (fault.cure ?? '').length > 0]).toEqual([true, true]);
    },
  );

  test.each<{ outcome: Outcome; rung: string; state: string; cure: string }>([
    {
      outcome: { kind: 'unreachable', reason: 'DNSFailed', message: '' },
      rung: 'dns',
      state: 'failed',
      cure: 'DNS servers',
    },
    {
      outcome: { kind: 'unreachable', reason: 'ConnectionRefused', message: '' },
      rung: 'tcp',
      state: 'failed',
      cure: 'systemctl status wgnode-agent',
    },
    {
      outcome: { kind: 'unreachable', reason: 'TLSFailed', message: '' },
      rung: 'tls',
      state: 'failed',
      cure: 'wgnode-agent renew',
    },
    {
      outcome: { kind: 'unreachable', reason: 'ClockSkew', message: '' },
      rung: 'clock',
      state: 'failed',
      cure: 'timedatectl',
    },
    {
      outcome: { kind: 'unreachable', reason: 'SignatureRejected', message: '' },
      rung: 'signature',
      state: 'failed',
      cure: 'hmac-key',
    },
    {
      outcome: { kind: 'refused', refusal: { reason: 'URLNotAllowed', message: 'http' } },
      rung: 'dns',
      state: 'failed',
      cure: '--allow-agent-cidr',
    },
    {
      outcome: { kind: 'refused', refusal: { reason: 'InvalidKey', message: 'bad' } },
      rung: 'secret',
      state: 'failed',
      cure: 'keygen fra1-wg0 -n edge --replace',
    },
    {
      outcome: { kind: 'refused', refusal: { reason: 'HookNotAllowed', message: 'no' } },
      rung: 'file',
      state: 'failed',
      cure: 'interface.firewall',
    },
    { outcome: { kind: 'applying' }, rung: 'live', state: 'waits', cure: 'Wait' },
    {
      outcome: { kind: 'suspended', specMoved: false },
      rung: 'object',
      state: 'waits',
      cure: 'resume fra1-wg0 -n edge',
    },
  ])('$outcome.kind fails at $rung', ({ outcome, rung, state, cure }) => {
    const judged = after(inSync(nodeWith()));
    expect(faultOf(ladder(after(outcome, judged)))).toMatchObject({
      name: rung,
      state,
      cure: expect.stringContaining(cure),
    });
  });

  test.each<{ seen: LadderFacts['secrets']; text: string }>([
    { seen: { agent: 'missing', key: 'found' }, text: 'There is no Secret fra1-agent' },
    { seen: { agent: 'no-entry', key: 'found' }, text: 'has no entry hmac-key' },
    { seen: { agent: 'found', key: 'missing' }, text: 'There is no Secret fra1-wg0' },
    { seen: { agent: 'found', key: 'no-entry' }, text: 'has no entry privateKey' },
  ])('a Secret that the user sees to be missing is told at once: $text', ({ seen, text }) => {
    const lost = after({ kind: 'unreachable', reason: 'ConnectionRefused', message: '' });
    expect(faultOf(ladder(lost, { secrets: seen }))).toMatchObject({
      name: 'secret',
      text: expect.stringContaining(text),
    });
  });

  test('a Secret that the user may not look at, but the controller could, is none', () => {
    const well = ladder(after(inSync(nodeWith())), { secrets: { agent: 'forbidden', key: 'forbidden' } });
    expect(faultOf(well)).toBeUndefined();
    expect(well.find(({ name }) => name === 'secret')?.text).toContain('you may not look');
  });

  test('an object that no controller has looked at waits, and after a minute something is wrong', () => {
    const createdMs = Date.parse(nodeWith().metadata.creationTimestamp);
    const at = (ageMs: number): Rung | undefined => faultOf(ladder(nodeWith(), { nowMs: createdMs + ageMs }));
    expect(at(5_000)).toMatchObject({ name: 'controller', state: 'waits' });
    expect(at(90_000)).toMatchObject({
      name: 'controller',
      state: 'failed',
      cure: expect.stringContaining('wgnode check'),
    });
  });

  test('what was judged at an older generation says nothing of the present one', () => {
    const edited = after(inSync(nodeWith()));
    edited.metadata.generation += 1;
    expect(faultOf(ladder(edited))).toMatchObject({
      name: 'controller',
      text: expect.stringContaining('generation 3'),
    });
  });

  test('drift under Observe is told, with the way to have it put right', () => {
    const drifted = outcomeCases.find(({ outcome }) => outcome.kind === 'drifted');
    const node = drifted?.node ?? nodeWith();
    const rungs = ladder(withStatus(node, statusAfter(node, drifted?.outcome ?? { kind: 'applying' })));
    expect(faultOf(rungs)).toMatchObject({
      name: 'live',
      cure: expect.stringContaining('kubectl wgnode enforce fra1-wg0'),
    });
  });
});
