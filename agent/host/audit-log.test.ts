import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { auditReport, verifyAudit, sinceMs } from '../cli/audit-report.ts';
import { AGENT_ITSELF, type AuditEntry } from '../core/audit-record.ts';
import type { Logger } from '../log.ts';
import { type AuditLog, auditFiles, openAuditLog } from './audit-log.ts';

let folder: string;
let errors: string[];
let nowMs: number;

const open = (): AuditLog => {
  const log = { error: (text: string) => errors.push(text) } as unknown as Logger;
  return openAuditLog(folder, { log, nowMs: () => nowMs });
};
const change = (part: Partial<AuditEntry> = {}): AuditEntry =>
  ({
    ...{
      kind: 'change',
      verb: 'put',
      outcome: 'changed',
      fields: ['spec.interface.mtu'],
      impact: 'None',
      rolledBack: null,
    },
    ...{ interface: 'wg0', caller: { key: 'aabbccdd', address: '192.0.2.1' }, ms: 12 },
    ...part,
  }) as AuditEntry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-audit-'));
  [errors, nowMs] = [[], Date.UTC(2026, 10, 29, 12)];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const path = (): string => join(folder, 'audit.log');

describe('the audit log', () => {
  test('is 0600, and its chain goes on after a restart', async () => {
    const first = open();
    first.mustBeWritable();
    first.write(change());
    await first.sync();
    const second = open();
    second.write(change({ interface: 'wg1' }));
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(verifyAudit(folder)).toEqual({ text: 'ok: the chain of 2 lines is whole\n', exitCode: 0 });
    expect(errors).toEqual([]);
  });

  test('D3 a line that a crash left half written goes, and the chain is whole', () => {
    open().write(change());
    appendFileSync(path(), '{"seq":2,"time":"20');
    open().write(change());
    expect(verifyAudit(folder)).toMatchObject({ exitCode: 0, text: 'ok: the chain of 2 lines is whole\n' });
  });

  test('rotates by size, and keeps the chain over the files', () => {
    const log = open();
    const argv = ['x'.repeat(60_000)];
    for (let at = 0; at < 150; at += 1) log.write(change({ kind: 'command', argv, exitCode: 0 }));
    expect(auditFiles(folder)).toHaveLength(2);
    expect(verifyAudit(folder)).toMatchObject({ text: 'ok: the chain of 150 lines is whole\n' });
    open().write(change());
    expect(verifyAudit(folder)).toMatchObject({ text: 'ok: the chain of 151 lines is whole\n' });
  });

  test('a line that was changed is told', () => {
    const log = open();
    for (const name of ['wg0', 'wg1', 'wg2']) log.write(change({ interface: name }));
    writeFileSync(path(), readFileSync(path(), 'utf8').replace('wg1', 'wg9'));
    expect(verifyAudit(folder)).toEqual({
      exitCode: 1,
      text: 'BROKEN: the line before number 3 was changed (line 3); the 2 lines before it are as they were written\n',
    });
  });

  test('D3 where nothing can be written a change is refused, and what was begun goes on', async () => {
    const log = open();
    log.write(change());
    // A file in place of the folder: nobody can write there, root neither.
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    expect(() => {
      log.mustBeWritable();
    }).toThrow(expect.objectContaining({ code: 'audit_unavailable', status: 503 }));
    log.write(change());
    await log.sync();
    expect(errors).toContain('an audit line could not be written');
  });
});

describe('wgnode-agent audit', () => {
  test('prints a table of what was asked for', () => {
    const log = open();
    log.write(change());
    nowMs += 3_600_000;
    log.write(change({ kind: 'command', argv: ['/usr/sbin/iptables', '-w'], exitCode: 1 }));
    log.write(
      change({
        interface: 'wg1',
        caller: AGENT_ITSELF,
        verb: 'recover',
        outcome: 'apply_failed',
        rolledBack: true,
        fields: [],
      }),
    );
    const all = { interface: null, sinceMs: 0 };
    expect(auditReport(folder, all, 'table').text).toBe(
      [
        'TIME                  WHO                     INTERFACE  OUTCOME               MS  WHAT',
        '2026-11-29T12:00:00Z  192.0.2.1 key aabbccdd  wg0        changed               12  put mtu',
        '2026-11-29T13:00:00Z  192.0.2.1 key aabbccdd  wg0        exit 1                12    /usr/sbin/iptables -w',
        '2026-11-29T13:00:00Z  agent                   wg1        apply_failed, undone  12  recover',
        '',
      ].join('\n'),
    );
    expect(auditReport(folder, { interface: 'wg1', sinceMs: 0 }, 'json').text.split('\n')).toHaveLength(2);
    expect(auditReport(folder, { ...all, sinceMs: nowMs }, 'json').text.split('\n')).toHaveLength(3);
  });

  test.each([
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('--since %s', (text, ms) => {
    expect(sinceMs(text, nowMs)).toBe(nowMs - ms);
  });
  test('--since of a date, and of what is none', () => {
    expect(sinceMs('2026-11-29T11:00:00Z', nowMs)).toBe(nowMs - 3_600_000);
    expect(sinceMs('yesterday', nowMs)).toBeNull();
  });
});

test('a chain goes on where the youngest file has no line yet, and where files cannot be moved on', () => {
  const log = open();
  for (const name of ['wg0', 'wg1']) log.write(change({ interface: name }));
  renameSync(path(), `${path()}.1`);
  open().mustBeWritable();
  open().write(change());
  expect(verifyAudit(folder)).toMatchObject({ text: 'ok: the chain of 3 lines is whole\n' });
});
