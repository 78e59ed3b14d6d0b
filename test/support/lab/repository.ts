import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');

/** Absolute path of a file of this repository. */
export function repositoryPath(path: string): string {
  return join(ROOT, path);
}
