import { spawn } from 'node:child_process';
import { until } from './until.ts';

export interface TracerOptions {
  readonly pid: number;
  /** strace's own arguments: what to trace or inject. */
  readonly args: readonly string[];
  /** Where strace writes what it saw. */
  readonly output: string;
}

export interface Tracer {
  /** Detaches. */
  stop(): Promise<void>;
  /** Resolves when it ends with the traced process. */
  ended(): Promise<void>;
}

/** Attaches strace(1) to a running process and its children; resolves when it is attached. */
export async function attachTracer({ pid, args, output }: TracerOptions): Promise<Tracer> {
  const child = spawn('strace', ['-f', '-o', output, ...args, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  let ended = false;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.once('close', () => (ended = true));
  await until('strace to attach', () => stderr.includes('attached'), {
    intervalMs: 5,
    giveUp: () => (ended ? `it ended: ${stderr}` : undefined),
  });
  const end = (): Promise<unknown> => until('strace to end', () => ended, { intervalMs: 5 });
  return {
    stop: async () => {
      child.kill('SIGINT');
      await end();
    },
    ended: async () => {
      await end();
    },
  };
}
