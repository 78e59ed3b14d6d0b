import { readFileSync } from 'node:fs';

/**
 * A file of /proc or /sys as text, or null where it cannot be read: its process has ended, its device has gone. It is in memory, and
 * read at once; as UTF-8, because Node reads that in one call.
 */
export function readKernelFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
