import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { cpuMsOf } from './bench-host.ts';

/** A controller under test: ours, or a rival. */
export interface Program {
  readonly pid: number;
  readonly cpuMs: () => number;
  readonly rssMb: () => number;
  readonly descriptors: () => number;
  stop(): Promise<void>;
}

/** Starts it; what it says goes into the file. */
export function startProgram(
  argv: readonly string[],
  { env, logFile }: { readonly env: Readonly<Record<string, string>>; readonly logFile: string },
): Program {
  const [program = '', ...args] = argv;
  const log = openSync(logFile, 'a', 0o600);
  const child: ChildProcess = spawn(program, args, { env, stdio: ['ignore', log, log] });
  closeSync(log);
  const pid = child.pid ?? 0;
  return {
    pid,
    cpuMs: () => cpuMsOf(pid),
    rssMb: () => {
      const status = readFileSync(`/proc/${String(pid)}/status`, 'latin1');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    },
    descriptors: () => readdirSync(`/proc/${String(pid)}/fd`).length,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          resolve();
        });
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), 15_000).unref();
      }),
  };
}
