import { readFileSync } from 'node:fs';
import { type AuditRecord, recordOf, verifyChain } from '../core/audit-record.ts';
import { auditFiles } from '../host/audit-log.ts';
import { textTable } from '../protocol/text-table.ts';

/** What `wgnode-agent audit` prints, and how it ends. */
export interface AuditReport {
  readonly text: string;
  readonly exitCode: 0 | 1;
}

/** Which records are shown. */
export interface AuditFilter {
  /** Null = all. */
  readonly interface: string | null;
  /** Unix milliseconds. */
  readonly sinceMs: number;
}

const linesIn = (folder: string): string[] =>
  auditFiles(folder)
    .reverse()
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line !== '');

/** `30m`, `2h`, `7d`, or a date as ISO 8601: Unix milliseconds; null = it is neither. */
export function sinceMs(text: string, nowMs: number): number | null {
  const [, count, unit = ''] = /^([0-9]{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * ({ m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : date;
}

const HEADER = ['TIME', 'WHO', 'INTERFACE', 'OUTCOME', 'MS', 'WHAT'];

const who = ({ caller: { key, address } }: AuditRecord): string =>
  key === null ? (address ?? 'agent') : `${address ?? '?'} key ${key}`;

function rowOf(record: AuditRecord): string[] {
  const [what, outcome] =
    record.kind === 'command'
      ? [`  ${record.argv.join(' ')}`, record.exitCode === null ? 'killed' : `exit ${String(record.exitCode)}`]
      : [
          [record.verb, ...record.fields.map((field) => field.replace('spec.interface.', ''))].join(' '),
          outcomeOf(record),
        ];
  return [`${record.time.slice(0, 19)}Z`, who(record), record.interface, outcome, String(record.ms), what];
}

const outcomeOf = (record: AuditRecord & { readonly kind: 'change' }): string =>
  record.rolledBack === true ? `${record.outcome}, undone` : record.outcome;

/** A table of the records, or the records themselves, a line each. Throws what reading the files throws. */
export function auditReport(folder: string, filter: AuditFilter, format: 'table' | 'json'): AuditReport {
  const chosen = linesIn(folder).flatMap((line) => {
    const record = recordOf(line);
    const isChosen =
      record !== null &&
      (filter.interface === null || record.interface === filter.interface) &&
      Date.parse(record.time) >= filter.sinceMs;
    return isChosen ? [{ line, record }] : [];
  });
  if (format === 'json') return { text: chosen.map(({ line }) => `${line}\n`).join(''), exitCode: 0 };
  const rows = chosen.map(({ record }) => rowOf(record));
  return { text: textTable(HEADER, rows), exitCode: 0 };
}

/** Whether the log is as the agent wrote it. Lines that were cut off its end leave no trace in it. */
export function verifyAudit(folder: string): AuditReport {
  const { lines, broken } = verifyChain(linesIn(folder));
  if (broken === null) return { text: `ok: the chain of ${String(lines)} lines is whole\n`, exitCode: 0 };
  return { text: `BROKEN: ${broken}; the ${String(lines)} lines before it are as they were written\n`, exitCode: 1 };
}
