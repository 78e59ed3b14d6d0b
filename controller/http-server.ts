import { createServer, type Server } from 'node:http';
import { SettingsError, type Listen } from './settings.ts';

/** One page as it is served. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** By path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

export const textPage = (status: number, body: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** Serves a few read-only pages by exact path. */
export function servePages({ host, port }: Listen, pages: Pages): Promise<Server> {
  const server = createServer((request, response) => {
    const page = request.method === 'GET' ? pages[(request.url ?? '').split('?', 1)[0] ?? ''] : undefined;
    void Promise.resolve()
      .then(() => page?.() ?? textPage(404, 'not found'))
      .catch(() => textPage(500, 'this page cannot be made; see the log'))
      .then(({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new SettingsError(`Cannot listen on ${host}:${String(port)}: ${error.code ?? error.message}`));
    });
    server.listen({ host, port }, () => {
      resolve(server);
    });
  });
}
