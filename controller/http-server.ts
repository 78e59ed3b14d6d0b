import { createServer, type Server } from 'node:http';
import { SettingsError, type Listen } from './settings.ts';

/** One page as it is served. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What of a request a page is made of. */
export interface Asked {
  readonly accept: string | undefined;
  readonly query: URLSearchParams;
}

/** By path. */
export type Pages = Readonly<Record<string, (asked: Asked) => Page | Promise<Page>>>;

export const textPage = (status: number, body: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** Serves a few read-only pages by exact path. */
export function servePages(
  { host, port }: Listen,
  pages: Pages,
  failed: (path: string, error: unknown) => void = () => undefined,
): Promise<Server> {
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    const [path = '', query = ''] = url.split('?', 2);
    const page = isRead && Object.hasOwn(pages, path) ? pages[path] : undefined;
    void Promise.resolve()
      .then(() => page?.({ accept: headers.accept, query: new URLSearchParams(query) }) ?? textPage(404, 'not found'))
      .catch((error: unknown) => {
        failed(path, error);
        return textPage(500, 'this page cannot be made; see the log');
      })
      .then(({ status, type, body }) => {
        const length = String(Buffer.byteLength(body));
        response.writeHead(status, { 'content-type': type, 'content-length': length });
        response.end(method === 'HEAD' ? undefined : body);
      });
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
