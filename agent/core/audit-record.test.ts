import { describe, expect, test } from '@jest/globals';
import { type AuditEntry, CHAIN_START, nextLine, verifyChain } from './audit-record.ts';

const entry: AuditEntry = {
  kind: 'command',
  argv: ['/usr/sbin/iptables', '-w', '-A', 'FORWARD'],
  exitCode: 0,
  interface: 'wg0',
  caller: { key: 'aabbccdd', address: '192.0.2.1' },
  ms: 3,
};

function chain(count: number): string[] {
  const lines: string[] = [];
  for (let head = CHAIN_START, at = 0; at < count; at += 1) {
    const next = nextLine(head, entry, at);
    head = next.head;
    lines.push(next.line);
  }
  return lines;
}

describe('the chain of audit lines', () => {
  test('is whole as it was written, from its first line or from a later one, as older files go', () => {
    expect(verifyChain(chain(5))).toEqual({ lines: 5, broken: null });
    expect(verifyChain(chain(5).slice(2))).toEqual({ lines: 3, broken: null });
    expect(verifyChain([])).toEqual({ lines: 0, broken: null });
  });

  test.each([
    [
      'a line that was changed',
      (lines: string[]) => lines.with(1, (lines[1] ?? '').replace('FORWARD', 'INPUT')),
      2,
      'number 3 was changed',
    ],
    ['a line that was taken out', (lines: string[]) => lines.toSpliced(1, 1), 1, 'has number 3, and 2 should follow'],
    [
      'two lines in another order',
      (lines: string[]) => [lines[0] ?? '', lines[2] ?? '', lines[1] ?? ''],
      1,
      'has number 3',
    ],
    ['what is no record', (lines: string[]) => lines.with(2, '{"half'), 2, 'line 3 is no record'],
  ])('tells %s', (_what, change, lines, text) => {
    const outcome = verifyChain(change(chain(4)));
    expect(outcome.lines).toBe(lines);
    expect(outcome.broken).toContain(text);
  });
});
