import { describe, expect, test } from '@jest/globals';
import { KEY_PAIR, observation } from '../../test/support/observed-host.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { Condition, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { desired } from './desired.ts';
import { eventsOf } from './events.ts';
import type { Cause } from './decide.ts';
import { statusOf } from './status.ts';
import type { Outcome } from './outcome.ts';

const inSync = (cause?: Cause): Outcome => ({
  kind: 'in-sync',
  observation,
  desired: desired(nodeWith(), KEY_PAIR),
  change: cause === undefined ? undefined : { cause, impact: 'Restart', outageMs: 120, corrected: [], warnings: [] },
});
const unreachable: Outcome = { kind: 'unreachable', reason: 'DNSFailed', message: 'no such name' };

const readyBecause = (status: Condition['status'], reason: string, url?: string): WireGuardNode =>
  nodeWith((node) => {
    const lastTransitionTime = '2026-01-02T00:00:00Z';
    node.status.conditions = [{ type: 'Ready', status, reason, message: '', lastTransitionTime }];
    if (url !== undefined) node.status.applied = { url };
  });

/** `type reason` of each event. */
function told(node: WireGuardNode, outcome: Outcome): string[] {
  const attempt = { failures: 0, nextMs: undefined };
  const status = statusOf({ node, outcome, nowMs: 0, request: undefined, attempt });
  return eventsOf(node, outcome, status).map(({ type, reason }) => `${type} ${reason}`);
}

describe('a change on the host', () => {
  test.each([
    ['Created', 'Applied'],
    ['SpecChanged', 'Applied'],
    ['SecretChanged', 'KeyRotated'],
    ['DriftCorrected', 'DriftCorrected'],
  ] as const)('with the cause %s is told as %s', (cause, reason) => {
    expect(told(readyBecause('True', 'InSync'), inSync(cause))).toEqual([`Normal ${reason}`]);
  });

  test('says in its note which interface, what impact and what outage it had', () => {
    const node = readyBecause('True', 'InSync');
    const status = { observedGeneration: 3, conditions: [] };
    const [event] = eventsOf(node, inSync('SpecChanged'), status);
    for (const word of ['wg0', 'Restart', '120 ms']) expect(event?.note).toContain(word);
  });

  test('D5: warns of each thing that went wrong on the host without ending the change', () => {
    const outcome = inSync('SpecChanged');
    if (outcome.kind !== 'in-sync' || outcome.change === undefined) throw new Error('no change');
    const left = { ...outcome, change: { ...outcome.change, warnings: ['preDown[0] failed', 'postDown[1] failed'] } };
    const warned = eventsOf(readyBecause('True', 'InSync'), left, { observedGeneration: 3, conditions: [] }).slice(1);
    expect(warned.map(({ reason, note }) => `${reason} ${note}`)).toEqual([
      'TeardownIncomplete wg0: preDown[0] failed',
      'TeardownIncomplete wg0: postDown[1] failed',
    ]);
  });

  test('says nothing of a former host: whoever left that has told of it', () => {
    const node = readyBecause('True', 'InSync', 'https://old.example.net:8443');
    expect(told(node, inSync('Created'))).toEqual(['Normal Applied']);
  });
});

describe('a turn of Ready', () => {
  test('for the worse is a warning, told once', () => {
    expect(told(readyBecause('True', 'InSync'), unreachable)).toEqual(['Warning AgentUnreachable']);
    expect(told(readyBecause('Unknown', 'AgentUnreachable'), unreachable)).toEqual([]);
  });

  test('from one wrong to another is told', () => {
    const refused: Outcome = { kind: 'refused', refusal: { reason: 'SecretNotFound', message: 'none' } };
    expect(told(readyBecause('Unknown', 'AgentUnreachable'), refused)).toEqual(['Warning SecretNotFound']);
  });

  test('for the better is told once', () => {
    expect(told(readyBecause('Unknown', 'AgentUnreachable'), inSync())).toEqual(['Normal Ready']);
    expect(told(readyBecause('True', 'InSync'), inSync())).toEqual([]);
  });

  test('comes after the change that made it', () => {
    expect(told(readyBecause('Unknown', 'Pending'), inSync('Created'))).toEqual(['Normal Applied', 'Normal Ready']);
  });

  test('that is only on its way is not told', () => {
    expect(told(readyBecause('True', 'InSync'), { kind: 'applying' })).toEqual([]);
  });

  test('of a suspended node that keeps what it said is none', () => {
    expect(told(readyBecause('True', 'InSync'), { kind: 'suspended', specMoved: false })).toEqual([]);
  });
});
