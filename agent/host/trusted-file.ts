import { existsSync, lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import { PROGRAM_FOLDERS } from './command-runner.ts';

const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_OTHERS = 0o077;

const isRoots = ({ uid, mode }: Stats): boolean => uid === 0 && (mode & WRITABLE_BY_OTHERS) === 0;

/** The absolute path of a program that only root can have put there: it, what it links to and every folder above. Throws AgentError. */
export function trustedProgram(program: string): string {
  const places = program.startsWith('/') ? [program] : PROGRAM_FOLDERS.map((folder) => join(folder, program));
  const found = places.filter((path) => existsSync(path));
  const [first] = found;
  if (first === undefined)
    throw new AgentError('command_missing', `The program ${program} is not installed on this host`);
  const trusted = found.find((path) => openTo(path) === undefined);
  if (trusted !== undefined) return trusted;
  const part = openTo(first) ?? first;
  throw new AgentError(
    'command_failed',
    `${part} must belong to root and be writable by nobody else before ${first} may run: chown root ${part} && chmod go-w ${part}`,
  );
}

/** The first part of a path that others than root can write. */
const openTo = (path: string): string | undefined =>
  [...above(path), ...above(realpathSync(path))].find((part) => {
    const stat = lstatSync(part);
    // A link belongs to whoever can write its folder.
    return !stat.isSymbolicLink() && !isRoots(stat);
  });

/** A path and all folders that it is in. */
function above(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...above(parent)];
}

/** Throws unless the file is one that only root can read: what holds a key. */
export function mustBeKeyFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true && stat.uid === 0 && (stat.mode & READABLE_BY_OTHERS) === 0) return;
  const what = stat === undefined ? 'does not exist' : 'must be a regular file of root with mode 0600';
  throw new AgentError('command_failed', `The key file ${path} ${what}`);
}
