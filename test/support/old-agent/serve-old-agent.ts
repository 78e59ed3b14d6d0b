import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { OldAgent, OldAnswer } from './old-agent.ts';

/** The old agent behind a port, plain HTTP as it is. */
export interface ServedOldAgent {
  readonly port: number;
  /** `METHOD path` of every request so far but those to /health. */
  readonly requests: readonly string[];
  /** The connection is cut, and nothing is done, wherever this says so of `METHOD path`. */
  breakOn(breaks: (request: string) => boolean): void;
  /** Every connection is cut now; what was asked is done all the same. */
  cutAll(): void;
  close(): Promise<void>;
}

/** uvicorn closes idle connections after five seconds. */
const IDLE_MS = 5_000;

/** One worker that runs its commands in the event loop: a call that takes its time holds all others up, /health too. */
export async function serveOldAgent(
  agent: Pick<OldAgent, 'answer'>,
  { address = '127.0.0.1', port = 0 } = {},
): Promise<ServedOldAgent> {
  const requests: string[] = [];
  let breaks = (_request: string): boolean => false;
  let last: Promise<unknown> = Promise.resolve();
  const server: Server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
    void buffer(request).then(async (body) => {
      const { method = '', url = '', headers } = request;
      const header = (name: string): string | undefined => {
        const value = headers[name];
        return typeof value === 'string' ? value : undefined;
      };
      if (breaks(`${method} ${url}`)) {
        request.socket.destroy();
        return;
      }
      if (url !== '/health') requests.push(`${method} ${url}`);
      const work = last.then(() =>
        agent.answer({
          ...{ method, target: url, body, host: headers.host ?? '', contentType: header('content-type') ?? '' },
          ...{ timestamp: header('x-timestamp'), signature: header('x-signature') },
        }),
      );
      last = work.catch(() => undefined);
      const answer: OldAnswer = await work;
      response.writeHead(answer.status, { 'content-type': answer.contentType ?? 'application/json' });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    breakOn: (next) => {
      breaks = next;
    },
    cutAll: () => {
      server.closeAllConnections();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
