import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { outcomeCases } from '../../test/support/outcome-cases.ts';
import { inSync, statusAfter, withStatus } from '../../test/support/status-after.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Outcome } from '../policy/outcome.ts';
import { comparisonOf } from './comparison.ts';
import { isReady, isSuspended, isSynced, progressOf } from './wait.ts';

const after = (outcome: Outcome, node = nodeWith(), failures = 0): WireGuardNode =>
  withStatus(node, statusAfter(node, outcome, { attempt: { failures, nextMs: undefined } }));
const judged = outcomeCases.map(({ name, node = nodeWith(), outcome, failures }) => {
  const over = after(outcome, node, failures);
  if (outcome.kind === 'suspended') over.spec = { ...over.spec, suspend: true };
  if (outcome.kind === 'deleting') over.metadata = { ...over.metadata, deletionTimestamp: '2026-02-01T00:00:00Z' };
  return { name, node: over, kind: outcome.kind };
});
const answered = (node: WireGuardNode): WireGuardNode => ({
  ...node,
  status: { ...node.status, lastHandledReconcileRequest: 'token' },
});

describe('reconcile --wait', () => {
  const progress = (node: WireGuardNode, token: string | undefined = 'token'): string =>
    progressOf(node, { node, token, isReached: isReady }).kind;

  test.each(judged)('ends once this request was answered, whatever the answer is: $name', ({ node, kind }) => {
    const { conditions } = node.status;
    const isWell = conditions.some(({ type, status }) => type === 'Ready' && status === 'True') && !isSuspended(node);
    const isUnderWay = conditions.some(
      ({ type, reason }) => type === 'Ready' && ['Applying', 'Pending', 'Queued'].includes(reason),
    );
    expect([kind, progress(answered(node))]).toEqual([kind, isUnderWay ? 'waits' : isWell ? 'reached' : 'rests']);
  });

  test('waits for the answer to this very request, and at this generation', () => {
    const node = after(inSync(nodeWith()));
    expect(progress(node)).toBe('waits');
    expect(progress({ ...answered(node), metadata: { ...node.metadata, generation: 4 } })).toBe('waits');
    expect(progress(nodeWith())).toBe('waits');
  });
});

describe('suspend, resume, enforce --wait', () => {
  const lost = after({ kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' }, nodeWith(), 1);
  const suspended = (of: WireGuardNode): WireGuardNode => {
    const node = { ...of, spec: { ...of.spec, suspend: true } };
    return after({ kind: 'suspended', specMoved: false }, node);
  };
  const kindOf = (node: WireGuardNode, isReached: (each: WireGuardNode) => boolean): string =>
    progressOf(node, { node, token: undefined, isReached }).kind;

  test('a host that is away can be suspended, and that is seen', () => {
    expect(kindOf(suspended(lost), isSuspended)).toBe('reached');
  });

  test('a suspended object is no object that is enforced or Ready', () => {
    const node = suspended(after(inSync(nodeWith())));
    expect([kindOf(node, isReady), kindOf(node, isSynced)]).toEqual(['rests', 'rests']);
  });

  test('who asked for a state waits while the controller still tries, and not beyond', () => {
    expect(kindOf(lost, isSynced)).toBe('waits');
    const stalled = after({ kind: 'unreachable', reason: 'TLSFailed', message: 'expired' });
    expect(kindOf(stalled, isSynced)).toBe('rests');
  });
});

describe('diff', () => {
  test.each(judged)('says that all is as wanted of nothing that was not compared: $name', ({ node, kind }) => {
    const compared = comparisonOf(node);
    const drift = node.status.drift ?? [];
    const { conditions } = node.status;
    const isCompared = conditions.some(({ type, status }) => type === 'Synced' && status === 'True');
    if (compared.kind === 'same') expect([isCompared, drift]).toEqual([true, []]);
    if (drift.length > 0) expect(compared.kind).toBe('different');
    if (['unreachable', 'refused', 'apply-failed', 'applying', 'suspended'].includes(kind))
      expect(['unknown', 'different']).toContain(compared.kind);
    expect(compared.text.length).toBeGreaterThan(0);
  });
});
