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
const AT_WORK = { name: 'controller', state: 'ok', text: '1 of 1 ready' } as const;

const ladder = (node: WireGuardNode, over: Partial<LadderFacts> = {}): Rung[] =>
  ladderOf({ node, nowMs: NOW_MS, secrets: FOUND, controller: AT_WORK, ...over });
/** The first rung that is not well. */
const faultOf = (rungs: readonly Rung[]): Rung | undefined =>
  rungs.find(({ state }) => state === 'failed' || state === 'waits');
/** With the spec that such an outcome comes of. */
const asked = (outcome: Outcome, node: WireGuardNode): WireGuardNode =>
  outcome.kind === 'suspended' ? { ...node, spec: { ...node.spec, suspend: true } } : node;
const after = (outcome: Outcome, node = nodeWith()): WireGuardNode =>
  asked(outcome, withStatus(node, statusAfter(node, outcome)));

describe('the way from an object to its traffic', () => {
  test.each(outcomeCases)(
    'has one first fault, with what to do, where there is one: $name',
    ({ node = nodeWith(), outcome, failures = 0 }) => {
      const status = statusAfter(node, outcome, { attempt: { failures, nextMs: undefined } });
      const judged = asked(outcome, withStatus(node, status));
      const rungs = ladder(judged);
      expect(rungs.map(({ name }) => name)).toEqual(RUNGS);
      const fault = faultOf(rungs);
      const at = fault === undefined ? rungs.length : rungs.indexOf(fault);
      expect(rungs.slice(0, at).every(({ state, cure }) => state !== 'failed' && cure === undefined)).toBe(true);
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

  test('what nothing proves is not ticked: the file where the kernel or nobody knows what differs, the handshakes of peers, a key that no agent took', () => {
    const stateOf = (outcome: Outcome, name: string, node = nodeWith()): string | undefined =>
      ladder(after(outcome, node)).find((rung) => rung.name === name)?.state;
    const failed = outcomeCases.find(({ outcome }) => outcome.kind === 'apply-failed')?.outcome ?? { kind: 'applying' };
    expect(stateOf(failed, 'file')).toBe('unknown');
    expect(stateOf(inSync(nodeWith()), 'peers')).toBe('unknown');
    const strange: Outcome = { kind: 'unreachable', reason: 'ProtocolError', message: 'another service' };
    expect(['tls', 'clock', 'signature', 'agent'].map((name) => stateOf(strange, name))).toEqual([
      'ok',
      'unknown',
      'unknown',
      'failed',
    ]);
  });

  test('a reason that this program does not know is a fault all the same', () => {
    const node = after(inSync(nodeWith()));
    const [ready, ...others] = node.status.conditions;
    if (ready === undefined) throw new Error('Ready is there');
    node.status.conditions = [{ ...ready, status: 'False', reason: 'FromTheFuture', message: 'new' }, ...others];
    expect(faultOf(ladder(node))).toMatchObject({ name: 'live', state: 'failed', text: 'FromTheFuture: new' });
  });

  test('a controller that is known not to be at work is the fault, however well the last look was', () => {
    const controller = { name: 'controller', state: 'failed', text: '0 of 1 ready', cure: 'see its log' } as const;
    expect(faultOf(ladder(after(inSync(nodeWith())), { controller }))).toMatchObject({
      name: 'controller',
      text: '0 of 1 ready',
    });
  });

  test('an edit of a moment ago is no fault of the controller, however old the conditions are', () => {
    const node = after(inSync(nodeWith()));
    const time = new Date(NOW_MS - 2_000).toISOString();
    Object.assign(node.metadata, {
      generation: 4,
      managedFields: [{ time }, { time: '2026-01-01T00:00:00Z', subresource: 'status' }],
    });
    expect(faultOf(ladder(node))).toMatchObject({ name: 'controller', state: 'waits' });
  });

  test('what was said of the host before counts less than what Ready says now', () => {
    const lost = after({ kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' });
    const judged = after({ kind: 'refused', refusal: { reason: 'InvalidCredentials', message: 'short' } }, lost);
    expect(faultOf(ladder(judged))).toMatchObject({ name: 'secret', text: 'short' });
  });

  test('who only looks needs no private key', () => {
    const observing = nodeWith(({ spec }) => {
      spec.management.mode = 'Observe';
    });
    const lost = after({ kind: 'unreachable', reason: 'DNSFailed', message: '' }, observing);
    expect(faultOf(ladder(lost, { secrets: { agent: 'found', key: 'missing' } }))).toMatchObject({ name: 'dns' });
  });
});

test('an agent that is not ours is named, and no more is said of the kernel than it shows', () => {
  const node = after(inSync(nodeWith()));
  const agent = { name: 'WGDashboard node agent', version: '2.2.0', limits: ['no live change'] };
  const judged = withStatus(node, { ...node.status, agent, interface: { state: 'Up', peerCount: 1 } });
  const texts = ladder(judged).filter(({ name }) => name === 'agent' || name === 'live');
  expect(texts.map(({ text }) => text)).toEqual([
    'WGDashboard node agent 2.2.0; what it cannot is in status.agent.limits',
    expect.stringContaining('is Up, and its agent shows no more'),
  ]);
});
