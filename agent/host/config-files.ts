import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsync as fsyncWithCallback,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import { promisify } from 'node:util';
import { decodeBytes, encodeText } from './text-bytes.ts';

const fsync = promisify(fsyncWithCallback);

const TEMP_PREFIX = '.wgnode-';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

// Small files, as good as always in memory: on this thread an open or a read takes a tenth of the time that the pool takes to answer.
// What waits for a disk, fsync, goes through the pool.

/** The text of a regular file, or null when there is none. Links are refused: what they point at is not ours. A pipe does not block. */
export const readText = (path: string): Promise<string | null> =>
  new Promise((resolve) => {
    resolve(textOf(path));
  });

function textOf(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return null;
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new AgentError('invalid_file', `${path} is a symbolic link; only a regular file can be managed`, {
      cause: error,
    });
  }
  try {
    if (!fstatSync(fd).isFile()) throw new AgentError('invalid_file', `${path} is not a regular file`);
    return decodeBytes(readFileSync(fd));
  } finally {
    closeSync(fd);
  }
}

/** How long a file has to last. `boot`: nobody reads it after the next start of the host, so that no disk has to be waited for. */
export type Lifetime = 'ever' | 'boot';

/**
 * Replaces a file so that any reader, and any boot after a power loss if it is to last for `ever`, finds the whole previous or the
 * whole new text: temporary file of mode 0600 beside it, fsync, rename, fsync of the folder.
 */
export async function replaceFile(path: string, text: string, lifetime: Lifetime): Promise<void> {
  const temporary = join(dirname(path), `${TEMP_PREFIX}${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(fd, encodeText(text));
      if (lifetime === 'ever') await fsync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    if (lifetime === 'ever') await syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw cannotWrite(path, error);
  }
}

/** Replaces a file for good. */
export const writeDurably = (path: string, text: string): Promise<void> => replaceFile(path, text, 'ever');

/** What people can do something about; anything else stays as it is. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the file system',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk failed (input/output error)',
  EACCES: 'permission is denied',
  EPERM: 'it is not permitted (an immutable file?)',
  ENOENT: 'its folder does not exist',
  EBUSY: 'it is a mount of its own; mount its folder instead',
};

/** A failure of the file system in words: which path, and why. */
export function cannotWrite(path: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const cause = CAUSES[code];
  return cause === undefined
    ? error
    : new AgentError('command_failed', `Cannot write ${path}: ${cause} (${code})`, { cause: error });
}

/** Takes room on the file system of a folder, so that what must be written later finds it free. `release` gives it back, and never throws. */
export interface Reserve {
  release(): void;
}

/** Writes `bytes` into a file that a crash leaves to `removeTemporaries`. Throws AgentError where there is no room. */
export function reserveRoom(folder: string, bytes: number): Reserve {
  const path = join(folder, `${TEMP_PREFIX}reserve.${randomBytes(6).toString('hex')}`);
  try {
    writeFileSync(path, Buffer.alloc(bytes, 1), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    rmSync(path, { force: true });
    throw cannotWrite(path, error);
  }
  return {
    release() {
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        try {
          rmSync(path, { force: true });
          return;
        } catch {
          // Tried once more; else it stays until the next start of the agent, and what was decided by then goes on.
        }
      }
    },
  };
}

/** Who but root may look at a file by its mode and owner, as `0640 0:4`; null = nobody, or there is no such file. */
export function widerAccess(path: string): string | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  const mode = stat.mode & 0o7777;
  if (mode === 0o600 && stat.uid === 0 && stat.gid === 0) return null;
  return `${mode.toString(8).padStart(4, '0')} ${String(stat.uid)}:${String(stat.gid)}`;
}

/** Removes a file; a missing one is fine. */
export async function removeFile(path: string, lifetime: Lifetime): Promise<void> {
  try {
    unlinkSync(path);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (lifetime === 'ever') await syncFolder(dirname(path));
}

/** Removes a file for good. */
export const removeDurably = (path: string): Promise<void> => removeFile(path, 'ever');

async function syncFolder(path: string): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await fsync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a folder and its parents, 0700; fine when it is there. */
export const makeFolder = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 });
};

/** Names in a folder; none when the folder is missing. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Removes temporary files that a crash left; they may hold keys. */
export async function removeTemporaries(folder: string): Promise<void> {
  const names = await listFolder(folder);
  for (const name of names.filter((candidate) => candidate.startsWith(TEMP_PREFIX)))
    await removeDurably(join(folder, name));
}
