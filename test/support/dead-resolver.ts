import { createSocket, type Socket } from 'node:dgram';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A name server that takes every question and answers none. */
export interface DeadResolver {
  /** A resolv.conf(5) that names it. */
  readonly resolvConf: string;
  /** Questions that it has taken. */
  readonly asked: () => number;
  stop(): void;
}

/** Listens on port 53 of a loopback address that nobody else uses. */
export async function startDeadResolver(folder: string, address: string): Promise<DeadResolver> {
  const socket: Socket = createSocket('udp4');
  let questions = 0;
  socket.on('message', () => {
    questions += 1;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port: 53 }, resolve);
  });
  const resolvConf = join(folder, 'dead-resolv.conf');
  await writeFile(resolvConf, `nameserver ${address}\n`);
  return {
    resolvConf,
    asked: () => questions,
    stop: () => {
      socket.close();
    },
  };
}
