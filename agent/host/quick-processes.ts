import { readdirSync, readlinkSync } from 'node:fs';
import { readKernelFile } from './kernel-file.ts';

/** The namespace of mounts of a process; undefined = it has ended meanwhile. */
function mountsOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

/** In how many namespaces of pids a process is, one in the other: more than we, where it is in a container. Others cannot hide it. */
const depthOf = (pid: string): number =>
  /^NSpid:\t(.*)$/m.exec(readKernelFile(`/proc/${pid}/status`) ?? '')?.[1]?.split('\t').length ?? 0;

/**
 * Whether a process belongs to this host. A service of systemd (INVOCATION_ID, systemd.exec(5)) has mounts of its own and may not see
 * those of others; elsewhere containers without their own pids are told apart, too.
 */
const isOfHost = (pid: string): boolean =>
  process.env['INVOCATION_ID'] === undefined ? mountsOf(pid) === mountsOf('self') : depthOf(pid) === depthOf('self');

/** Processes of this host, not of containers on it, whose arguments (after the program's name) are such; the youngest first, as they are asked for. */
export function* findProcesses(matches: (argv: readonly string[], pid: string) => boolean): Generator<number> {
  const pids = readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry));
  for (const pid of pids.sort((left, right) => Number(right) - Number(left))) {
    const argv = (readKernelFile(`/proc/${pid}/cmdline`) ?? '').split('\0');
    if (matches(argv, pid) && isOfHost(pid)) yield Number(pid);
  }
}

/** Whether the process leads its group: what it has left in the background does not. */
export function leadsGroup(pid: number): boolean {
  const stat = readKernelFile(`/proc/${String(pid)}/stat`) ?? '';
  // proc(5): `pid (name) state ppid pgrp ...`, and a name may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[3]) === pid;
}

/** Processes of wg-quick(8) that bring the interface up or down: those of wg-quick@ and of people. */
export const quickProcesses = (name: string): number[] => [
  ...findProcesses((argv) => {
    const at = argv.findIndex((argument) => /(^|\/)wg-quick$/.test(argument));
    const [verb = '', config = ''] = at < 0 ? [] : argv.slice(at + 1);
    return /^(up|down)$/.test(verb) && (config === name || config.endsWith(`/${name}.conf`));
  }),
];
