import { createHash } from 'node:crypto';

/** Who asked for something; both null = the agent itself, at its start. */
export interface Caller {
  /** Tells the keys of the host's `secrets` apart, and nothing of them. */
  readonly key: string | null;
  readonly address: string | null;
}

/** The agent itself, which finishes off what a crash left, or brings up what is wanted up. */
export const AGENT_ITSELF: Caller = { key: null, address: null };

/** A request that may change an interface, once it has ended. */
export interface ChangeRecord {
  readonly kind: 'change';
  /** `put`, `enable`, `disable`, `delete`, `recover`, `start` */
  readonly verb: string;
  /** `changed`, `unchanged` (a dry run, too), or the code of the error that it was answered with. */
  readonly outcome: string;
  /** What was changed, as paths of the resource. */
  readonly fields: readonly string[];
  /** What it did to running traffic; null = nothing was planned. */
  readonly impact: string | null;
  /** With an error: whether the previous file and tunnel are back. */
  readonly rolledBack: boolean | null;
}

/** A command that a hook ran. */
export interface CommandRecord {
  readonly kind: 'command';
  /** Keys in it are marked. */
  readonly argv: readonly string[];
  /** Null = it was killed at its deadline, or could not be started. */
  readonly exitCode: number | null;
}

/** What is written down; nothing of it is secret. */
export type AuditEntry = (ChangeRecord | CommandRecord) & {
  readonly interface: string;
  readonly caller: Caller;
  readonly ms: number;
};

/** One line of the log, in which each line has the hash of the one before. */
export type AuditRecord = AuditEntry & {
  /** From 1, without a gap. */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  /** SHA-256 of the whole line before, in hex; of the first line zeros. */
  readonly prev: string;
};

/** Where the chain is. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const CHAIN_START: ChainHead = { seq: 0, hash: '0'.repeat(64) };

export const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex');

/** The next line, without its end, and the head after it. */
export function nextLine(
  { seq, hash }: ChainHead,
  entry: AuditEntry,
  nowMs: number,
): { line: string; head: ChainHead } {
  const record: AuditRecord = { seq: seq + 1, time: new Date(nowMs).toISOString(), ...entry, prev: hash };
  const line = JSON.stringify(record);
  return { line, head: { seq: seq + 1, hash: hashOf(line) } };
}

/** A line as a record; null = it is none. */
export function recordOf(line: string): AuditRecord | null {
  try {
    const record = JSON.parse(line) as Partial<AuditRecord> | null;
    const isRecord =
      typeof record?.seq === 'number' && typeof record.time === 'string' && typeof record.prev === 'string';
    return isRecord ? (record as AuditRecord) : null;
  } catch {
    return null;
  }
}

/** Where a chain is broken, for people; null = it is whole. */
export interface ChainOutcome {
  readonly lines: number;
  readonly broken: string | null;
}

/** Judges the lines of all files, the oldest first. Older files may have been rotated away: the first line there is counts as the first. */
export function verifyChain(lines: readonly string[]): ChainOutcome {
  let head: ChainHead | null = null;
  for (const [at, line] of lines.entries()) {
    const record = recordOf(line);
    const place = `line ${String(at + 1)}`;
    if (record === null) return { lines: at, broken: `${place} is no record` };
    if (head !== null && record.seq !== head.seq + 1)
      return {
        lines: at,
        broken: `${place} has number ${String(record.seq)}, and ${String(head.seq + 1)} should follow`,
      };
    if (head !== null && record.prev !== head.hash)
      return { lines: at, broken: `the line before number ${String(record.seq)} was changed (${place})` };
    head = { seq: record.seq, hash: hashOf(line) };
  }
  return { lines: lines.length, broken: null };
}
