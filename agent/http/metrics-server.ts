import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Registry } from 'prom-client';
import type { Logger } from '../log.ts';
import { expositionOf } from '../protocol/exposition.ts';
import { type AgentSettings, isLoopback, type MetricsSettings, SettingsError, type TlsFiles } from '../settings.ts';
import { followTls, readTls } from './tls-files.ts';

const LIMITS = { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 10_000 };
const MIN_TOKEN_BYTES = 16;

/** What the listener for Prometheus works with. */
export interface MetricsServerOptions {
  readonly settings: AgentSettings;
  readonly log: Logger;
  readonly read: () => Promise<Registry>;
}

/**
 * Serves /metrics where the host's policy says so: on loopback in plain HTTP, elsewhere with the agent's certificate and a bearer token.
 * Undefined = it says nothing, or it cannot be: hosts are managed all the same, and the log says why.
 */
export async function serveMetrics({ settings, log, read }: MetricsServerOptions): Promise<Server | undefined> {
  const { metrics } = settings;
  if (metrics === null) return undefined;
  const place = `${metrics.host}:${String(metrics.port)}`;
  try {
    const allowed = createTokenCheck(metrics);
    const page = shared(async () => (await read()).metrics());
    let told = '';
    const failed = (error: unknown): void => {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== told) log.error('the metrics cannot be read', { error: text });
      told = text;
    };
    const server = createServer(settings, log, (request, response) => {
      void answer(request, { allowed, page }).then(
        ({ status, headers, body }) => {
          response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
        },
        (error: unknown) => {
          failed(error);
          response.writeHead(503, TEXT).end('the metrics cannot be read; see the log\n');
        },
      );
    });
    await listen(server, metrics);
    return server;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = error instanceof SettingsError ? message : (code ?? message);
    log.warn(`cannot serve metrics at ${place}: ${why}; see metrics in /etc/wgnode/agent.yaml`);
    return undefined;
  }
}

/** The agent's own certificate, where others than this host may read; without a certificate of theirs. */
const createTls = ({ tls, metrics }: AgentSettings): TlsFiles | undefined =>
  tls === null || metrics === null || isLoopback(metrics.host) ? undefined : { ...tls, clientCa: null };

function createServer(settings: AgentSettings, log: Logger, listener: RequestListener): Server {
  const tls = createTls(settings);
  if (tls === undefined) return createHttpServer(LIMITS, listener);
  const server = createHttpsServer({ ...LIMITS, ...readTls(tls), minVersion: 'TLSv1.2' }, listener);
  server.once('close', followTls(server, tls, log));
  return server;
}

function listen(server: Server, { host, port }: MetricsSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const plain = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { ...TEXT, ...headers },
  body: `${text}\n`,
});

async function answer(
  { method, url = '', headers }: IncomingMessage,
  {
    allowed,
    page,
  }: { readonly allowed: (authorization: string | undefined) => boolean; readonly page: () => Promise<string> },
): Promise<Answer> {
  if (!allowed(headers.authorization)) return plain(401, 'a bearer token is needed', { 'www-authenticate': 'Bearer' });
  if (url.split('?', 1)[0] !== '/metrics') return plain(404, 'only /metrics is here');
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD', { allow: 'GET, HEAD' });
  const { type, body } = expositionOf(await page(), headers.accept);
  return { status: 200, headers: { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }, body };
}

/** Scrapes at one time share one read. */
function shared(read: () => Promise<string>): () => Promise<string> {
  let reading: Promise<string> | undefined;
  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The file is read at each scrape: a token is changed without a restart. */
function createTokenCheck({ tokenFile }: MetricsSettings): (authorization: string | undefined) => boolean {
  if (tokenFile === null) return () => true;
  readToken(tokenFile);
  return (authorization) => {
    const [, given = ''] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? [];
    return given !== '' && timingSafeEqual(digestOf(given), digestOf(readToken(tokenFile)));
  };
}

function readToken(path: string): string {
  try {
    const { mode, uid } = statSync(path);
    if (uid !== 0 || (mode & 0o027) !== 0)
      throw new SettingsError(
        `metrics.tokenFile ${path} must belong to root with mode 0600: run chown root ${path} && chmod 600 ${path}`,
      );
    const token = readFileSync(path, 'utf8').trim();
    if (Buffer.byteLength(token) >= MIN_TOKEN_BYTES) return token;
    throw new SettingsError(
      `metrics.tokenFile ${path} must hold at least ${String(MIN_TOKEN_BYTES)} bytes: openssl rand -hex 32`,
    );
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    throw new SettingsError(`metrics.tokenFile: cannot read ${path}: ${String((error as NodeJS.ErrnoException).code)}`);
  }
}
