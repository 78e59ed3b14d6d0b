import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** A server on 127.0.0.1 that plays an agent which misbehaves. */
export interface ModelServer {
  readonly port: number;
  readonly origin: string;
  readonly close: () => Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ModelAgent extends ModelServer {
  readonly requests: readonly SeenRequest[];
}

export interface ModelResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Answers every HTTP request with what `respond` says. */
export async function startModelAgent(respond: (request: SeenRequest) => ModelResponse): Promise<ModelAgent> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    void text(request).then((body) => {
      const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      requests.push(seen);
      const { status, headers = {}, body: responseBody = '' } = respond(seen);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(responseBody);
    });
  };
  return { ...(await listen(createHttpServer(listener))), requests };
}

/** Hands every TCP connection, by its number from 1, to `connected`. */
export const startTcp = (connected: (socket: Socket, count: number) => void): Promise<ModelServer> => {
  let count = 0;
  return listen(
    createTcpServer((socket) => {
      connected(socket, (count += 1));
    }),
  );
};

async function listen(server: Server): Promise<ModelServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${String(port)}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
