import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOCK_FOLDER, MAX_LABS } from './lab-names.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface LabLock {
  readonly number: number;
  readonly owner: ProcessIdentity;
  readonly isStale: boolean;
}

/**
 * Runs `work` while no other process reads or changes the set of labs. The kernel's lock of flock(1) ends with our pipe to it,
 * so a process that dies in here never blocks the others.
 */
export async function withLabsLocked<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(LOCK_FOLDER, { recursive: true, mode: 0o700 });
  const holder = spawn('flock', [join(LOCK_FOLDER, '.mutex'), 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      holder.once('error', reject);
      holder.once('exit', (exitCode) => {
        reject(new Error(`flock ended with exit code ${String(exitCode)}`));
      });
      holder.stdout.once('data', () => {
        resolve();
      });
    });
    return await work();
  } finally {
    holder.stdin.end();
  }
}

/** Takes the lowest free number for this process. Call it under `withLabsLocked`, so that two labs never take the same one. */
export function claimNumber(): number {
  const taken = new Set(readLocks().map((lock) => lock.number));
  for (let number = 1; number <= MAX_LABS; number += 1) {
    if (taken.has(number)) continue;
    writeFileSync(lockPath(number), JSON.stringify(identityOf(process.pid)), { flag: 'wx', mode: 0o600 });
    return number;
  }
  throw new Error(`All ${String(MAX_LABS)} labs are in use; see hack/lab-clean`);
}

export function releaseNumber(number: number): void {
  rmSync(lockPath(number), { force: true });
}

/** All labs of this machine, living and stale. */
export function readLocks(): LabLock[] {
  mkdirSync(LOCK_FOLDER, { recursive: true, mode: 0o700 });
  return readdirSync(LOCK_FOLDER).flatMap((file) => {
    const number = Number(/^(\d+)\.lock$/.exec(file)?.[1]);
    if (Number.isNaN(number)) return [];
    const owner = readOwner(number);
    return [{ number, owner, isStale: !isAlive(owner) }];
  });
}

function readOwner(number: number): ProcessIdentity {
  try {
    return JSON.parse(readFileSync(lockPath(number), 'utf8')) as ProcessIdentity;
  } catch {
    return { pid: 0, startTime: '' }; // half-written by a process that was killed: nobody's
  }
}

const lockPath = (number: number): string => join(LOCK_FOLDER, `${String(number)}.lock`);
