import childProcess, { type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';

// Loaded into an agent before everything else (`node --import`). It stands between the agent and Node's own functions for all that has an
// effect on the host: it tells of each and makes one of them go wrong. strace(1) could not: it counts system calls by thread, and how many
// there are in the main thread depends on how many processes the machine has.

/** What goes wrong; `errno` names are those of a file operation. */
type Fault =
  | 'ENOSPC'
  | 'EIO'
  | 'EROFS'
  | 'fails before it acts'
  | 'fails after it acted'
  | 'agent killed before'
  | 'agent killed after';

/**
 * Files of the folder that test and agent share. `plan`: there while effects are counted; an id, a fault, its occurrence, its effect, in
 * lines. `last`: written at each effect.
 */
const FOLDER = process.env['WGNODE_FAULTS'] ?? '';
const [PLAN, LOG, HIT, LAST] = ['plan', 'effects', 'hit', 'last'].map((name) => join(FOLDER, name)) as [
  string,
  string,
  string,
  string,
];
const { readFileSync, appendFileSync, writeFileSync, readlinkSync } = fs;
const kill = process.kill.bind(process);
let counts = new Map<string, number>();
let countedFor = '';

/** Tells of an effect that is about to happen; what shall go wrong with it. */
function meet(effect: string): Fault | null {
  let plan: string;
  quietly(() => {
    writeFileSync(LAST, '');
  });
  try {
    plan = readFileSync(PLAN, 'utf8');
  } catch {
    return null;
  }
  const [id = '', fault, occurrence, planned] = plan.split('\n');
  if (id !== countedFor) [counts, countedFor] = [new Map<string, number>(), id];
  const count = (counts.get(effect) ?? 0) + 1;
  counts.set(effect, count);
  quietly(() => {
    appendFileSync(LOG, `${effect}\n`);
  });
  if (effect !== planned || String(count) !== occurrence) return null;
  quietly(() => {
    appendFileSync(HIT, 'hit');
  });
  return fault as Fault;
}

let isQuiet = false;
/** Does work that is no effect, nor are the calls that it is made of. */
function quietly<T>(work: () => T): T {
  const before = isQuiet;
  isQuiet = true;
  try {
    return work();
  } finally {
    isQuiet = before;
  }
}

const die = (): void => {
  kill(process.pid, 'SIGKILL');
};

const NUMBERS = { ENOSPC: -28, EIO: -5, EROFS: -30, EPERM: -1, ECONNRESET: -104 } as const;
const failure = (code: keyof typeof NUMBERS, syscall: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: injected, ${syscall}`), { code, errno: NUMBERS[code], syscall });

const isErrno = (fault: Fault | null): fault is 'ENOSPC' | 'EIO' | 'EROFS' =>
  fault === 'ENOSPC' || fault === 'EIO' || fault === 'EROFS';

const shortened = (text: string): string => text.replace(/[0-9a-f]{8,}|#\d+/g, 'X');

/** Of a descriptor; empty for what is no file, and for the log. */
function pathOf(target: unknown): string {
  if (typeof target === 'object' && target !== null && 'fd' in target) return pathOf(target.fd);
  if (typeof target !== 'number') return String(target);
  if (target <= 2) return '';
  const path = readlinkSync(`/proc/self/fd/${String(target)}`);
  return path.startsWith('/') ? path : '';
}

const CREATING = fs.constants.O_CREAT | fs.constants.O_TRUNC | 0o20000000;
const creates = (flags: unknown): boolean =>
  typeof flags === 'number'
    ? (flags & CREATING & ~fs.constants.O_DIRECTORY) !== 0
    : typeof flags === 'string' && /[wa]/.test(flags);

/** An operation on files in words, or null if it changes none. */
function effectOf(name: string, args: readonly unknown[]): string | null {
  if (isQuiet || (name === 'open' && !creates(args[1]))) return null;
  const paths = args.slice(0, TWO_PATHS.has(name) ? 2 : 1).map(pathOf);
  return paths.includes('') ? null : shortened([name, ...paths].join(' '));
}

const TWO_PATHS = new Set(['rename', 'link', 'symlink', 'copyFile', 'cp']);
const CHANGES = [
  ...['open', 'write', 'writev', 'writeFile', 'appendFile', 'fsync', 'fdatasync', 'rename', 'unlink', 'rm', 'rmdir'],
  ...['mkdir', 'mkdtemp', 'truncate', 'ftruncate', 'link', 'symlink', 'chmod', 'fchmod', 'chown', 'fchown', 'copyFile'],
  ...['cp', 'utimes', 'futimes'],
];

type Anything = (this: unknown, ...args: unknown[]) => unknown;
type Table = Record<string, Anything | undefined>;

/** Puts `wrap` around a function of a table, if it is there. */
function around(table: object, name: string, wrap: (original: Anything) => Anything): void {
  const own = table as Table;
  const original = own[name];
  if (original !== undefined) own[name] = wrap(original);
}

for (const name of CHANGES) {
  around(fs, `${name}Sync`, (original) => (...args) => {
    const effect = effectOf(name, args);
    const fault = effect === null ? null : meet(effect);
    if (fault === 'agent killed before') die();
    if (isErrno(fault)) throw failure(fault, name);
    const result = quietly(() => original(...args));
    if (fault === 'agent killed after') die();
    return result;
  });
  around(fs, name, (original) => (...args) => {
    const effect = effectOf(name, args);
    const fault = effect === null ? null : meet(effect);
    const done = args.at(-1) as (error: unknown, ...rest: unknown[]) => void;
    if (fault === 'agent killed before') die();
    if (isErrno(fault)) {
      process.nextTick(done, failure(fault, name));
      return undefined;
    }
    if (fault !== 'agent killed after') return original(...args);
    return original(...args.slice(0, -1), die);
  });
  around(fs.promises, name, (original) => promised(name, original));
}

function promised(name: string, original: Anything, target?: (self: unknown) => unknown): Anything {
  return async function (this: unknown, ...args: unknown[]) {
    const effect = effectOf(name, target === undefined ? args : [target(this)]);
    const fault = effect === null ? null : meet(effect);
    if (fault === 'agent killed before') die();
    if (isErrno(fault)) throw failure(fault, name);
    const result = await original.apply(this, args);
    if (fault === 'agent killed after') die();
    return result;
  };
}

const someHandle = await fs.promises.open('/dev/null');
const handles = Object.getPrototypeOf(someHandle) as object;
await someHandle.close();
for (const name of ['write', 'writev', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate', 'chmod', 'chown'])
  around(handles, name, (original) => promised(name, original, (self) => self));

around(childProcess, 'spawn', (original) => (program, args, options) => {
  const argv = [program, ...(args as string[])].map(String);
  const fault = meet(shortened(`run ${argv.join(' ')}`).replaceAll('\n', ' '));
  const shell = (script: string): unknown => original('sh', ['-c', script, 'sh', ...argv], options);
  if (fault === 'agent killed before') die();
  if (fault === 'fails before it acts') return shell('exit 1');
  if (fault === 'fails after it acted') return shell('"$@"; exit 1');
  const child = original(program, args, options) as ChildProcess;
  if (fault === 'agent killed after') child.once('exit', die);
  return child;
});

// A negative number is a group: that of a command which is at its deadline.
around(process, 'kill', (original) => (pid, signal) => {
  if (pid === process.pid || signal === 0) return original(pid, signal);
  const fault = meet(`signal ${String(signal)}`);
  if (fault === 'agent killed before') die();
  if (fault === 'fails before it acts') throw failure('EPERM', 'kill');
  const result = original(pid, signal);
  if (fault === 'agent killed after') die();
  return result;
});

/** Unix sockets: a question that begins with `set` changes the device of a wireguard-go. */
around(net, 'createConnection', (original) => (...args) => {
  const socket = original(...args) as Socket;
  if (typeof args[0] !== 'string') return socket;
  const [path] = args;
  around(socket, 'write', (write) => (chunk, ...rest) => {
    const fault = String(chunk).startsWith('set=') ? meet(`set ${path}`) : null;
    if (fault === 'agent killed before') die();
    if (fault === 'fails before it acts') return socket.destroy(failure('ECONNRESET', 'write'));
    if (fault !== null)
      around(socket, 'emit', (emit) => (event, ...values) => {
        if (event !== 'data') return emit.call(socket, event, ...values);
        if (fault === 'agent killed after') die();
        return socket.destroy(failure('ECONNRESET', 'read'));
      });
    return write.call(socket, chunk, ...rest);
  });
  return socket;
});

syncBuiltinESMExports();
