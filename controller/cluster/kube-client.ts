import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Client, type Dispatcher, Pool } from 'undici';
import { parseRetryAfter } from '../runtime/retry-after.ts';
import { splitLines } from './split-lines.ts';

/** An answer of the API server that is no success. `reason` is the machine word of its Status object. */
export class KubeError extends Error {
  readonly code = 'kube';
  readonly status: number;
  readonly reason: string;
  /** Milliseconds that the server asks us to wait; 0 = it does not say. */
  readonly retryAfterMs: number;

  constructor(request: string, status: number, reason: string, retryAfterMs = 0) {
    super(`The API server answered ${request} with ${String(status)} ${reason}`);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One request to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** Our way to the API server: one long-lived pool, one connection a watch, none of them made per request. */
export interface KubeClient {
  /** The parsed answer of a success; throws KubeError on anything else. */
  request<T>(request: KubeRequest): Promise<T>;
  /** The lines of a watch, as they come. Ends when the server ends it. */
  lines(path: string, accept: string, signal: AbortSignal): AsyncIterable<string>;
  close(): Promise<void>;
}

/** Where the API server is, and who counts the calls. */
export interface KubeClientOptions {
  readonly config: KubeConfig;
  /** Called after every answer, for rest_client_requests_total; code `<error>` = none came. */
  readonly answered: (method: string, code: string, host: string) => void;
}

const REQUEST_TIMEOUT_MS = 15_000;
/** Bookmarks come about once a minute on a quiet watch: 90 s of silence are a dead connection. */
const IDLE_WATCH_MS = 90_000;
const TOKEN_REFRESH_MS = 60_000;
const MAX_CONNECTIONS = 8;

interface StatusBody {
  readonly reason?: string;
}

type Credentials = () => Promise<RequestOptions>;

/** `client-node` reads the kubeconfig and knows all its ways to authenticate; it is asked again once a minute, as tokens rotate. */
function createCredentials(config: KubeConfig): Credentials {
  let loaded: { readonly atMs: number; readonly options: Promise<RequestOptions> } | undefined;
  return () => {
    if (loaded === undefined || Date.now() - loaded.atMs > TOKEN_REFRESH_MS) {
      const fresh: RequestOptions = {};
      loaded = { atMs: Date.now(), options: config.applyToHTTPSOptions(fresh).then(() => fresh) };
      loaded.options.catch(() => {
        loaded = undefined;
      });
    }
    return loaded.options;
  };
}

/** Opens no connection yet. Throws when the kubeconfig names no cluster. */
export async function createKubeClient({ config, answered }: KubeClientOptions): Promise<KubeClient> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new Error('The kubeconfig has no current cluster: set current-context, or KUBECONFIG to another file');
  }
  const credentials = createCredentials(config);
  const { ca, cert, key, servername, rejectUnauthorized } = await credentials();
  const tls = Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(
    ([, value]) => value !== undefined,
  );
  const connect = { ...Object.fromEntries(tls), keepAlive: true, keepAliveInitialDelay: 15_000, timeout: 10_000 };
  return new HttpKubeClient({ url: new URL(server), connect, credentials, answered });
}

interface HttpKubeClientDependencies {
  readonly url: URL;
  readonly connect: object;
  readonly credentials: Credentials;
  readonly answered: KubeClientOptions['answered'];
}

class HttpKubeClient implements KubeClient {
  readonly #dependencies: HttpKubeClientDependencies;
  readonly #pool: Pool;
  /** Of a server behind a path, as behind some proxies. */
  readonly #prefix: string;

  constructor(dependencies: HttpKubeClientDependencies) {
    this.#dependencies = dependencies;
    this.#prefix = dependencies.url.pathname.replace(/\/$/, '');
    this.#pool = new Pool(dependencies.url.origin, {
      connect: dependencies.connect,
      connections: MAX_CONNECTIONS,
      allowH2: false,
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    });
  }

  async request<T>(request: KubeRequest): Promise<T> {
    const response = await this.#send(this.#pool, request);
    if (response.statusCode < 300) return (await response.body.json()) as T;
    throw await errorOf(response, request);
  }

  async *lines(path: string, accept: string, signal: AbortSignal): AsyncGenerator<string> {
    const { url, connect } = this.#dependencies;
    const timeouts = { headersTimeout: REQUEST_TIMEOUT_MS, bodyTimeout: IDLE_WATCH_MS };
    const client = new Client(url.origin, { connect, allowH2: false, ...timeouts });
    try {
      const request: KubeRequest = { method: 'GET', path, accept, signal };
      const response = await this.#send(client, request);
      if (response.statusCode >= 300) throw await errorOf(response, request);
      yield* splitLines(response.body);
    } finally {
      await client.destroy();
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #send(dispatcher: Dispatcher, request: KubeRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, body, contentType = 'application/json', accept = 'application/json', signal } = request;
    const { answered, credentials, url } = this.#dependencies;
    const authorization = ((await credentials()).headers ?? {}) as Record<string, string>;
    const headers = { ...authorization, accept, ...(body === undefined ? {} : { 'content-type': contentType }) };
    try {
      const response = await dispatcher.request({
        method,
        path: this.#prefix + path,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      answered(method, String(response.statusCode), url.host);
      return response;
    } catch (error) {
      answered(method, '<error>', url.host);
      throw error;
    }
  }
}

async function errorOf(response: Dispatcher.ResponseData, { method, path }: KubeRequest): Promise<KubeError> {
  const body = (await response.body.json().catch(() => ({}))) as StatusBody;
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], Date.now());
  const [plain = ''] = path.split('?', 1);
  return new KubeError(`${method} ${plain}`, response.statusCode, body.reason ?? 'Unknown', retryAfterMs);
}
