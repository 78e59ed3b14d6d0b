import { createServer } from 'node:net';

/** Below the range from which Linux gives ports to those that name none (ip_local_port_range): none of them is taken meanwhile. */
const FIRST = 20_000;
const LAST = 32_000;

let next = FIRST;

/** Ports that nobody listens on at `address`, all different, and none that this process was given before. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > LAST - FIRST) throw new Error(`No free ports from ${String(FIRST)} to ${String(LAST)} at ${address}`);
    const port = next;
    next = next === LAST ? FIRST : next + 1;
    if (await isFree(address, port)) ports.push(port);
  }
  return ports;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host, port }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
