import { createConnection } from 'node:net';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { AgentError } from '../../core/agent-error.ts';
import { readKernelFile } from '../../host/kernel-file.ts';
import { findProcesses } from '../../host/quick-processes.ts';

/** Of an answer. */
const END = Buffer.from('\n\n');
const DEADLINE_MS = 5_000;
/** A change of thousands of peers takes a second, more on a small host. */
const DEADLINE_MS_A_LINE = 1;

/** The socket of wireguard-go for that device. */
export const uapiPath = (name: string): string => `/run/wireguard/${name}.sock`;

/** Whether a userspace WireGuard serves the device. */
export const isUserspace = (name: string): boolean =>
  statSync(uapiPath(name), { throwIfNoEntry: false })?.isSocket() === true;

/** Asks wireguard-go for the state of its device: half a millisecond and no process, where `wg show` takes five. */
export const readUapi = (name: string): Promise<string> => exchange(name, 'get=1\n\n');

/** Changes the device of a wireguard-go; `port_in_use` where that is its reason to refuse. */
export async function setUapi(name: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const deadlineMs = DEADLINE_MS + lines.length * DEADLINE_MS_A_LINE;
  const answer = await exchange(name, ['set=1', ...lines, '', ''].join('\n'), deadlineMs);
  const [, number] = /^errno=(-?[0-9]+)$/m.exec(answer) ?? [];
  if (number === '0') return;
  if (Math.abs(Number(number)) === constants.errno.EADDRINUSE)
    throw new AgentError('command_failed', 'The listen port is in use on this host');
  throw new AgentError('command_failed', `wireguard-go refuses a change of ${name} (errno ${number ?? 'unknown'})`);
}

/** One question and its answer. */
function exchange(name: string, question: string, deadlineMs = DEADLINE_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(uapiPath(name));
    const chunks: Buffer[] = [];
    const fail = (cause?: unknown): void => {
      socket.destroy();
      reject(new AgentError('command_failed', `wireguard-go does not answer for ${name}`, { cause }));
    };
    socket.setTimeout(deadlineMs, fail);
    socket.once('error', fail);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      // The answer ends with an empty line; the socket stays open for the next question.
      if (!endsWithEmptyLine(chunks)) return;
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
    socket.once('end', fail);
    socket.write(question);
  });
}

function endsWithEmptyLine(chunks: readonly Buffer[]): boolean {
  const last = chunks.at(-1)?.subarray(-2);
  if (last === undefined || last.length < 2) return Buffer.concat(chunks.slice(-2)).subarray(-2).equals(END);
  return last.equals(END);
}

/** The process that listens on the socket of the device: wireguard-go, or what the host has in its place; undefined = not found. */
export function findUserspace(name: string): number | undefined {
  const rows = (readKernelFile('/proc/self/net/unix') ?? '').split('\n');
  // `Num RefCount Protocol Flags Type St Inode Path`; it may have bound /var/run, which is the same folder.
  const row = rows.map((line) => line.split(/\s+/)).find((columns) => columns[7]?.endsWith(uapiPath(name)) === true);
  const inode = row?.[6];
  if (inode === undefined) return undefined;
  for (const pid of findProcesses((argv) => argv.includes(name))) if (hasSocket(pid, inode)) return pid;
  return undefined;
}

function hasSocket(pid: number, inode: string): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`);
  } catch {
    // It ended meanwhile.
    return false;
  }
}
