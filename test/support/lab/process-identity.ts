import { readdirSync, readFileSync } from 'node:fs';

/** A process id alone may be used again by another process; with the start time it is unique until the next boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot: field 22 of proc_pid_stat(5). */
  readonly startTime: string;
}

/** The identity of a living process; undefined when there is none or only a zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readProc(pid, 'stat');
  // The command name in brackets may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTime = fields[19];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTime === startTime;
}

/** Ids of all living processes but this one that were started with `name=value` in their environment. */
export function processesWithVariable(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter(
      (pid) =>
        pid !== process.pid && readProc(pid, 'environ').split('\0').includes(wanted) && identityOf(pid) !== undefined,
    );
}

/** Whether every thread of a process is stopped, as by SIGSTOP; a signal reaches them one after the other. */
export function isStopped(pid: number): boolean {
  const threads = readdirSync(`/proc/${String(pid)}/task`);
  return threads.every((thread) => readProc(pid, `task/${thread}/stat`).split(') ').at(-1)?.startsWith('T') === true);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}
