import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly stdin?: string;
  /** Milliseconds until the command and its process group are killed, as it counts as hung. Default 120,000. */
  readonly timeoutMs?: number;
  /** The whole environment. Default: that of the caller. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  /** Null when the command was killed, at its deadline or by somebody else. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PIPE_GRACE_MS = 200;

/** Runs a program by argv, without a shell. Rejects only when it cannot be started. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const { stdin, timeoutMs = 120_000, env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, ...(env === undefined ? {} : { env }) });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    let grace: NodeJS.Timeout | undefined;
    const finish = (exitCode: number | null): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ exitCode, stdout, stderr });
    };
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', finish);
    // What it has printed lies in the pipes by now, but a timer of a busy process may fire before they are read: so until no more comes.
    const drain = (exitCode: number | null, seen: number): void => {
      const length = stdout.length + stderr.length;
      if (length === seen) finish(exitCode);
      else setImmediate(drain, exitCode, length);
    };
    // A daemon left behind by the command keeps our pipes open for ever, so `close` may never come.
    child.once('exit', (exitCode) => {
      grace = setTimeout(drain, PIPE_GRACE_MS, exitCode, -1);
    });
    child.stdin.on('error', () => undefined); // a command may end without reading; its exit code tells
    child.stdin.end(stdin ?? '');
  });
}

/** Runs a program that must succeed, and returns what it printed. */
export async function mustRun(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return outputOf(argv, await run(argv, options));
}

/** What a command printed; throws when it failed, with its words. */
export function outputOf(argv: readonly string[], { exitCode, stdout, stderr }: RunResult): string {
  if (exitCode === 0) return stdout;
  const how = exitCode === null ? 'was killed' : `ended with exit code ${String(exitCode)}`;
  throw new Error(`\`${argv.join(' ')}\` ${how}: ${stderr.trim() || stdout.trim()}`);
}
