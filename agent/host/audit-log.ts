import {
  closeSync,
  existsSync,
  fstatSync,
  fsync as fsyncWithCallback,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AgentError } from '../core/agent-error.ts';
import { type AuditEntry, CHAIN_START, type ChainHead, hashOf, nextLine, recordOf } from '../core/audit-record.ts';
import type { Logger } from '../log.ts';
import { cannotWrite } from './config-files.ts';

const fsync = promisify(fsyncWithCallback);

/** What was changed on this host and who asked, as lines of JSON in which each has the hash of the one before. */
export interface AuditLog {
  /** Throws `audit_unavailable` where a line could not be written: nothing may be begun then. */
  mustBeWritable(): void;
  /** Never throws: what was begun goes on, above all an undo. A line that cannot be written goes to the log of the agent. */
  write(entry: AuditEntry): void;
  /** Once what was written is on the disk. Never throws. */
  sync(): Promise<void>;
}

const MAX_BYTES = 8 * 1024 * 1024;
/** How many older files are kept. */
const KEPT = 7;
/** Room on the disk that is held back for the lines of a change that has begun. */
const RESERVE_BYTES = 256 * 1024;

/** `audit.log` in this folder, then the older ones, `audit.log.1` the youngest of them. */
export const auditFiles = (folder: string): string[] =>
  [
    join(folder, 'audit.log'),
    ...Array.from({ length: KEPT }, (_, at) => join(folder, `audit.log.${String(at + 1)}`)),
  ].filter((path) => existsSync(path));

/** Opens the log, and cuts off a line that a crash left half written: nobody was answered before it was whole. */
export function openAuditLog(
  folder: string,
  { log, nowMs }: { readonly log: Logger; readonly nowMs: () => number },
): AuditLog {
  return new FileAuditLog(folder, log, nowMs);
}

class FileAuditLog implements AuditLog {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** Null = the last line has to be looked up. */
  #head: ChainHead | null = null;
  #isDirty = false;

  constructor(folder: string, log: Logger, nowMs: () => number) {
    this.#folder = folder;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  mustBeWritable(): void {
    try {
      closeSync(this.#open());
      this.#head ??= headOf(this.#folder);
      this.#reserve();
    } catch (error) {
      const cause = cannotWrite(this.#path, error);
      const reason = cause instanceof AgentError ? cause.message : `Cannot write ${this.#path}`;
      throw new AgentError('audit_unavailable', `${reason}; nothing is changed while no audit line can be written`, {
        cause: error,
      });
    }
  }

  write(entry: AuditEntry): void {
    try {
      this.#append(entry);
    } catch (error) {
      this.#log.error('an audit line could not be written', { ...entry, error: String(error) });
    }
  }

  async sync(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      const fd = openSync(this.#path, 'r');
      try {
        await fsync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      this.#log.error('audit lines may not be on the disk', { error: String(error) });
    }
  }

  get #path(): string {
    return join(this.#folder, 'audit.log');
  }

  get #reservePath(): string {
    return join(this.#folder, '.audit-reserve');
  }

  #open(): number {
    return openSync(this.#path, 'a', 0o600);
  }

  /** Room for what comes, taken once: as good as always it is there. */
  #reserve(): void {
    const path = this.#reservePath;
    if (statSync(path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return;
    try {
      writeFileSync(path, Buffer.alloc(RESERVE_BYTES, 1), { mode: 0o600 });
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  #append(entry: AuditEntry): void {
    const { line, head } = nextLine((this.#head ??= headOf(this.#folder)), entry, this.#nowMs());
    try {
      this.#write(line);
    } catch {
      // The disk is full: this is what the reserve is for. The next change takes a new one, or is refused.
      rmSync(this.#reservePath, { force: true });
      this.#write(line);
    }
    this.#head = head;
    this.#isDirty = true;
  }

  #rotate(): void {
    if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) < MAX_BYTES) return;
    try {
      rotate(this.#path);
    } catch (error) {
      this.#log.error('the audit log cannot be rotated, and grows', { error: String(error) });
    }
  }

  /** A whole line or nothing. */
  #write(line: string): void {
    this.#rotate();
    const fd = this.#open();
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.from(`${line}\n`);
      try {
        if (writeSync(fd, bytes) < bytes.length) throw new Error('the disk is full');
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** Moves each file on by one number; the oldest one goes. */
function rotate(path: string): void {
  for (let at = KEPT; at >= 1; at -= 1) {
    const older = at === 1 ? path : `${path}.${String(at - 1)}`;
    if (existsSync(older)) renameSync(older, `${path}.${String(at)}`);
  }
}

/** The end of the chain on the disk: the last whole line of the youngest file that has one. */
function headOf(folder: string): ChainHead {
  for (const path of auditFiles(folder)) {
    const text = readFileSync(path, 'utf8');
    const end = text.lastIndexOf('\n');
    if (end + 1 < text.length) {
      const fd = openSync(path, 'r+');
      ftruncateSync(fd, Buffer.byteLength(text.slice(0, end + 1)));
      closeSync(fd);
    }
    const line = end < 0 ? '' : text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
    const record = recordOf(line);
    // A damaged line is told by `audit verify`.
    if (record !== null) return { seq: record.seq, hash: hashOf(line) };
  }
  return CHAIN_START;
}
