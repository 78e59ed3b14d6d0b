import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a TCP server that can be cut. */
export interface Relay {
  readonly port: number;
  /** From now on nothing passes in either direction, and nobody is told: as with a cable that is pulled. */
  cut(): void;
  /** New connections pass again. What hung is reset, as by a host that knows nothing of it. */
  mend(): void;
  stop(): Promise<void>;
}

/** Listens on a free port of `address`, and passes everything on to that port of it. */
export async function startRelay(address: string, toPort: number): Promise<Relay> {
  let isCut = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    keep(client);
    if (isCut) return;
    const upstream = connect(toPort, address);
    keep(upstream);
    pass(client, upstream);
    pass(upstream, client);
  });
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (isCut) socket.pause();
  };
  /** By hand and not by pipe(), which would resume what `cut` has paused. */
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (!isCut) from.resume();
    });
    from.on('close', () => {
      if (!isCut) to.destroy();
    });
  };
  await new Promise<void>((resolve) => {
    server.listen({ host: address, port: 0 }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
