import { spawn } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { OldHost } from './old-host.ts';

/** The machine (or namespace) that the process runs on. */
export const realOldHost: OldHost = {
  readFile: (path) =>
    readFile(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }),
  // Mode 0644, as it does (N6).
  writeFile: (path, text) => writeFile(path, text, { mode: 0o644 }),
  rename,
  remove: (path) => rm(path),
  async run([program = '', ...args]) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        resolve(code ?? 1);
      });
    });
    const [stdout, stderr, exitCode] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
    return { exitCode, stdout, stderr };
  },
};
