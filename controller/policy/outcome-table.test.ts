import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { NOW_MS, observation } from '../../test/support/observed-host.ts';
import { differences, drifted, MTU, outcomeCases, waiting } from '../../test/support/outcome-cases.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { ConditionRow } from './condition-rows.ts';
import { conditionRowsOf } from './outcome-table.ts';
import type { Outcome } from './outcome.ts';
import { ON_CHANGE } from './retry.ts';

const textOf = ([type, status, reason, , judgedAt]: ConditionRow, { metadata }: WireGuardNode): string => {
  const at = judgedAt === undefined || judgedAt === metadata.generation ? '' : `@${String(judgedAt)}`;
  return `${type}=${status}/${reason}${at}`;
};

describe('the conditions of an outcome', () => {
  test.each(outcomeCases)('$name', ({ node = nodeWith(), outcome, failures = 0, conditions }) => {
    const rows = conditionRowsOf(outcome, { node, nowMs: NOW_MS, failures });
    expect(rows.map((row) => textOf(row, node))).toEqual(conditions);
    for (const [, , , message] of rows) expect(message).not.toBe('');
  });

  test.each([
    { name: 'the field that differs', outcome: drifted, word: MTU.path },
    { name: 'the limit that forbids it', outcome: { kind: 'impact-not-allowed', ...waiting }, word: 'Restart' },
    {
      name: 'the field that is fought over',
      outcome: { kind: 'contended', observation, differences, path: 'x.y' },
      word: 'x.y',
    },
    {
      name: 'what a deletion waits for (C12)',
      outcome: { kind: 'deleting', why: 'no answer', untilMs: NOW_MS, retry: ON_CHANGE },
      word: 'no answer',
    },
    {
      name: 'until when it waits (C12)',
      outcome: { kind: 'deleting', why: 'no answer', untilMs: NOW_MS, retry: ON_CHANGE },
      word: '2026-02-01T00:00:00Z',
    },
    {
      name: 'who keeps what is deleted',
      outcome: { kind: 'let-go', finalizers: ['a.b/c'] },
      word: 'a.b/c',
    },
    {
      name: 'until when the former host is waited for',
      outcome: { kind: 'moving', message: 'no answer', untilMs: NOW_MS, retry: ON_CHANGE },
      word: '2026-02-01T00:00:00Z',
    },
  ] satisfies { name: string; outcome: Outcome; word: string }[])('the message names $name', ({ outcome, word }) => {
    const rows = conditionRowsOf(outcome, { node: nodeWith(), nowMs: NOW_MS, failures: 0 });
    expect(rows[0]?.[3]).toContain(word);
  });
});

/** One that is added does not compile until it is here, and then wants a case. */
const KINDS: Readonly<Record<Outcome['kind'], true>> = {
  'in-sync': true,
  unmoved: true,
  queued: true,
  blocked: true,
  deleting: true,
  'let-go': true,
  'not-let-go': true,
  moving: true,
  applying: true,
  refused: true,
  suspended: true,
  unreachable: true,
  superseded: true,
  drifted: true,
  'impact-not-allowed': true,
  'apply-failed': true,
  'not-restored': true,
  contended: true,
};

test('there is a case of every kind of outcome', () => {
  expect([...new Set(outcomeCases.map(({ outcome }) => outcome.kind))].sort()).toEqual(Object.keys(KINDS).sort());
});
