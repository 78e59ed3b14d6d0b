import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { NOW_MS, seen } from '../../test/support/seen-host.ts';
import { differences, MTU, verdictCases, waiting } from '../../test/support/verdict-cases.ts';
import { rowsOf } from './condition-table.ts';
import type { Verdict } from './verdict.ts';

describe('the conditions of a verdict', () => {
  test.each(verdictCases)('$name', ({ node = nodeWith(), verdict, failures = 0, conditions }) => {
    const rows = rowsOf({ node, verdict, nowMs: NOW_MS, failures });
    expect(rows.map(([type, status, reason]) => `${type}=${status}/${reason}`)).toEqual(conditions);
    for (const [, , , message] of rows) expect(message).not.toBe('');
  });

  test.each([
    { name: 'the field that differs', verdict: { kind: 'drifted', ...waiting }, word: MTU.path },
    { name: 'the limit that forbids it', verdict: { kind: 'impact-not-allowed', ...waiting }, word: 'Restart' },
    {
      name: 'the field that is fought over',
      verdict: { kind: 'contended', seen, differences, path: 'x.y' },
      word: 'x.y',
    },
  ] satisfies { name: string; verdict: Verdict; word: string }[])('the message names $name', ({ verdict, word }) => {
    const rows = rowsOf({ node: nodeWith(), verdict, nowMs: NOW_MS, failures: 0 });
    expect(rows[0]?.[3]).toContain(word);
  });
});
