import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { AgentError } from '../core/agent-error.ts';

/** Limits and inputs of one run. */
export interface CommandOptions {
  /** Milliseconds until the whole process group is killed. Default 10,000. */
  readonly timeoutMs?: number;
  readonly stdin?: string;
  /** File descriptors that the child gets as 3, 4, ... (`/dev/fd/3`). */
  readonly fds?: readonly number[];
  /** `none`: what it prints goes nowhere, also that of a daemon which it leaves behind. Default `read`. */
  readonly output?: 'read' | 'none';
  /** Of the environment, beside what all have; never a secret. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What hears of a program that goes on. */
export interface Follower {
  readonly onLine: (line: string) => void;
  /** It complains: what it printed may be wanting. */
  readonly onError: () => void;
  readonly onEnd: () => void;
}

/** A program that goes on. */
export interface Followed {
  readonly pid: number | undefined;
  stop(): void;
}

/** How a run ended. A program that is not installed throws `command_missing` instead. */
export interface CommandResult {
  /** Null when the command was killed at its deadline. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** Tainted: wg(8) prints malformed private keys verbatim. Match against it; never pass it on. */
  readonly stderr: string;
}

/** Runs a program by argv, never a shell. The one place of the agent where processes are made. */
export interface CommandRunner {
  run(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs a program that prints lines for as long as it lives. Never throws: one that cannot be started ends at once. */
  follow(program: string, args: readonly string[], follower: Follower): Followed;
  /** How many processes were made, by program name: the proof that a no-op spawns none. */
  readonly spawned: ReadonlyMap<string, number>;
}

const OUTPUT_LIMIT = 64 * 1024 * 1024; // a dump of 100,000 peers has 25 MB
const PIPE_GRACE_MS = 250;
/** Where programs are looked for. */
export const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const ENVIRONMENT = {
  PATH: PROGRAM_FOLDERS.join(':'),
  LC_ALL: 'C',
  // Names are ours to resolve; a wg that meets one all the same shall not wait for it.
  WG_ENDPOINT_RESOLUTION_RETRIES: '0',
};

/** The runner of this process: a fixed PATH and locale, nothing of our own environment. */
export function createCommandRunner(): CommandRunner {
  const spawned = new Map<string, number>();
  return {
    spawned,
    run: (program, args, options = {}) => {
      spawned.set(program, (spawned.get(program) ?? 0) + 1);
      return runCommand(program, args, options);
    },
    follow: (program, args, follower) => {
      spawned.set(program, (spawned.get(program) ?? 0) + 1);
      return followCommand(program, args, follower);
    },
  };
}

function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs = 10_000, stdin, fds = [], output = 'read', env = {} } = options;
  const out = output === 'none' ? 'ignore' : 'pipe';
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // A group of its own: hooks may fork, and all of them must end at the deadline.
      detached: true,
      env: { ...ENVIRONMENT, ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', out, out, ...fds],
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    let expired = false;
    const killGroup = (): void => {
      expired = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(killGroup, timeoutMs);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const missing = error.code === 'ENOENT';
      const text = missing
        ? `The program ${program} is not installed on this host`
        : `The program ${program} cannot be started`;
      reject(new AgentError(missing ? 'command_missing' : 'command_failed', text, { cause: error }));
    });
    const finish = (exitCode: number | null): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      resolve({ exitCode: expired ? null : exitCode, stdout: stdout(), stderr: stderr() });
      letGo(child.stdout);
      letGo(child.stderr);
    };
    let grace: NodeJS.Timeout | undefined;
    child.once('close', finish);
    // A daemon that a hook leaves behind keeps our pipes open for ever, so `close` may never come.
    child.once('exit', (exitCode) => {
      clearTimeout(timer);
      grace = setTimeout(finish, PIPE_GRACE_MS, exitCode);
    });
    if (stdin !== undefined) {
      child.stdin?.on('error', () => undefined); // the child may end without reading; its exit code tells
      child.stdin?.end(stdin);
    }
  });
}

function followCommand(program: string, args: readonly string[], { onLine, onError, onEnd }: Follower): Followed {
  const child = spawn(program, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
  createInterface({ input: child.stdout }).on('line', onLine);
  child.stderr.on('data', onError);
  let ended = false;
  const end = (): void => {
    if (!ended) onEnd();
    ended = true;
  };
  child.once('error', end);
  child.once('close', end);
  // It does not keep the agent alive.
  child.unref();
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  return { pid: child.pid, stop: () => child.kill('SIGKILL') };
}

/** Goes on reading and throws it away: a daemon that a hook leaves behind would die of a pipe that is closed (SIGPIPE). */
function letGo(stream: Readable | null): void {
  stream?.removeAllListeners('data');
  stream?.resume();
  // Neither keeps the process alive.
  if (stream instanceof Socket) stream.unref();
}

/** Reads a stream into memory, at most OUTPUT_LIMIT bytes; the rest is thrown away, so a flood cannot fill memory. */
function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < OUTPUT_LIMIT) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Runs a program that must succeed; its output is returned. */
export async function mustRun(
  runner: CommandRunner,
  argv: readonly [string, ...string[]],
  options?: CommandOptions,
): Promise<string> {
  const [program, ...args] = argv;
  const result = await runner.run(program, args, options);
  if (result.exitCode === 0) return result.stdout;
  const how =
    result.exitCode === null
      ? 'was killed, most likely at its deadline'
      : `failed with exit code ${String(result.exitCode)}`;
  throw new AgentError('command_failed', `${program} ${args[0] ?? ''} ${how}`.trim());
}
