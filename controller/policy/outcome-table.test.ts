import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { NOW_MS, observation } from '../../test/support/observed-host.ts';
import { differences, MTU, outcomeCases, waiting } from '../../test/support/outcome-cases.ts';
import { conditionRowsOf } from './outcome-table.ts';
import type { Outcome } from './outcome.ts';

describe('the conditions of an outcome', () => {
  test.each(outcomeCases)('$name', ({ node = nodeWith(), outcome, failures = 0, conditions }) => {
    const rows = conditionRowsOf(outcome, { node, nowMs: NOW_MS, failures });
    expect(rows.map(([type, status, reason]) => `${type}=${status}/${reason}`)).toEqual(conditions);
    for (const [, , , message] of rows) expect(message).not.toBe('');
  });

  test.each([
    { name: 'the field that differs', outcome: { kind: 'drifted', ...waiting }, word: MTU.path },
    { name: 'the limit that forbids it', outcome: { kind: 'impact-not-allowed', ...waiting }, word: 'Restart' },
    {
      name: 'the field that is fought over',
      outcome: { kind: 'contended', observation, differences, path: 'x.y' },
      word: 'x.y',
    },
  ] satisfies { name: string; outcome: Outcome; word: string }[])('the message names $name', ({ outcome, word }) => {
    const rows = conditionRowsOf(outcome, { node: nodeWith(), nowMs: NOW_MS, failures: 0 });
    expect(rows[0]?.[3]).toContain(word);
  });
});

/** One that is added does not compile until it is here, and then wants a case. */
const KINDS: Readonly<Record<Outcome['kind'], true>> = {
  'in-sync': true,
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
