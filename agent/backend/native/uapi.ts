import { createConnection } from 'node:net';
import { statSync } from 'node:fs';
import { AgentError } from '../../core/agent-error.ts';

/** Of an answer. */
const END = Buffer.from('\n\n');
const DEADLINE_MS = 5_000;

/** The socket of wireguard-go for that device. */
export const uapiPath = (name: string): string => `/run/wireguard/${name}.sock`;

/** Whether a userspace WireGuard serves the device. */
export const isUserspace = (name: string): boolean =>
  statSync(uapiPath(name), { throwIfNoEntry: false })?.isSocket() === true;

/** Asks wireguard-go for the state of its device: half a millisecond and no process, where `wg show` takes five. */
export function readUapi(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(uapiPath(name));
    const chunks: Buffer[] = [];
    const fail = (cause?: unknown): void => {
      socket.destroy();
      reject(new AgentError('command_failed', `wireguard-go does not answer for ${name}`, { cause }));
    };
    socket.setTimeout(DEADLINE_MS, fail);
    socket.once('error', fail);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      // The answer ends with an empty line; the socket stays open for the next question.
      if (!Buffer.concat(chunks.slice(-2)).subarray(-2).equals(END)) return;
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
    socket.once('end', fail);
    socket.write('get=1\n\n');
  });
}

const END_LIMIT_MS = 5_000;

/** Resolves when the wireguard-go of the device has ended, which it says by closing; at once where there is none. */
export async function userspaceEnd(name: string): Promise<void> {
  if (!isUserspace(name)) return;
  await new Promise<void>((resolve) => {
    const socket = createConnection(uapiPath(name));
    const done = (): void => {
      socket.destroy();
      resolve();
    };
    socket.setTimeout(END_LIMIT_MS, done);
    socket.once('error', done);
    socket.once('close', done);
  });
}
