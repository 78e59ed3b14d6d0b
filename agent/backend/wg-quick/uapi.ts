import { createConnection } from 'node:net';
import { stat } from 'node:fs/promises';
import { AgentError } from '../../core/agent-error.ts';

const DEADLINE_MS = 5_000;

/** The socket of wireguard-go for that device. */
export const uapiPath = (name: string): string => `/run/wireguard/${name}.sock`;

/** Whether a userspace WireGuard serves the device. */
export const isUserspace = async (name: string): Promise<boolean> => {
  try {
    return (await stat(uapiPath(name))).isSocket();
  } catch {
    return false;
  }
};

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
      if (!Buffer.concat(chunks.slice(-2)).toString('latin1').endsWith('\n\n')) return;
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
    socket.once('end', fail);
    socket.write('get=1\n\n');
  });
}
