import { spawn } from 'node:child_process';
import { until } from './until.ts';

export interface TracerOptions {
  readonly pid: number;
  /** strace's own arguments: what to trace or inject. */
  readonly args: readonly string[];
  /** Where strace writes what it saw. */
  readonly output: string;
}

/** Attaches strace(1) to a running process and its children; resolves when it is attached. `stop` detaches. */
export async function attachTracer({ pid, args, output }: TracerOptions): Promise<{ stop: () => Promise<void> }> {
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
  return {
    stop: async () => {
      child.kill('SIGINT');
      await until('strace to end', () => ended, { intervalMs: 5 });
    },
  };
}
