import { createServer, type AddressInfo } from 'node:net';

/** Ports that nobody listens on at `address`, all different. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  // All are held open until the last one is known.
  const servers = await Promise.all(Array.from({ length: count }, () => listen(address)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(host: string): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      resolve(server);
    });
  });
}
