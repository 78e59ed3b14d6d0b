import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Client, type Dispatcher, Pool } from 'undici';
import { parseRetryAfter } from '../runtime/retry-after.ts';
import { splitLines } from './split-lines.ts';

interface KubeErrorOptions {
  readonly retryAfterMs?: number;
  readonly fields?: readonly string[];
  readonly detail?: string;
}

/** An answer of the API server that is no success. `reason` is the machine word of its Status object. */
export class KubeError extends Error {
  readonly code = 'kube';
  readonly status: number;
  readonly isRead: boolean;
  readonly reason: string;
  /** Milliseconds that the server asks us to wait; 0 = it does not say. */
  readonly retryAfterMs: number;
  /** The fields that it does not take, as paths. */
  readonly fields: readonly string[];
  /** Its own words, for the person who asked alone: they may hold what was sent. */
  readonly detail: string;

  constructor(
    request: string,
    status: number,
    reason: string,
    { retryAfterMs = 0, fields = [], detail = '' }: KubeErrorOptions = {},
  ) {
    const which = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
    super(`The API server answered ${request} with ${String(status)} ${reason}${which}`);
    this.name = 'KubeError';
    this.status = status;
    this.isRead = request.startsWith('GET ');
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.fields = fields;
    this.detail = detail;
  }
}

/** Who refuses, by the words of the API server: a webhook or a policy. */
const REFUSER = /(?:admission|calling) webhook "([^"]{1,253})"|ValidatingAdmissionPolicy '([^']{1,253})'/;

/** Why the API server does not take a write, with the name of the webhook or policy behind it; undefined = that is not what failed. */
export function refusedWrite(error: unknown): string | undefined {
  if (!(error instanceof KubeError) || error.isRead) return undefined;
  const [, webhook, policy] = REFUSER.exec(error.detail) ?? [];
  const who = webhook ?? policy;
  // A webhook that cannot be called is a 500; without one it is a failure of the server.
  if (![400, 403, 422].includes(error.status) && !(error.status === 500 && who !== undefined)) return undefined;
  return who === undefined ? error.message : `${error.message}, by ${who}`;
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
  /** How far the clock of the API server is ahead of ours, ms, as far as its answers tell. */
  readonly clockOffsetMs: () => number;
  close(): Promise<void>;
}

/** Where the API server is, and who counts the calls. */
export interface KubeClientOptions {
  /** Read anew once a minute, and whenever the API server or we do not know each other any more. */
  readonly loadConfig: () => KubeConfig;
  /** Called after every answer, for rest_client_requests_total; code `<error>` = none came. */
  readonly answered: (method: string, code: string, host: string) => void;
  /** Milliseconds that only go forward; by default those of this process. */
  readonly nowMs?: () => number;
}

const REQUEST_TIMEOUT_MS = 15_000;
/** Bookmarks come about once a minute on a quiet watch: 90 s of silence are a dead connection. */
const IDLE_WATCH_MS = 90_000;
const REFRESH_MS = 60_000;
/** However often something fails, files are read no more often. */
const LEAST_REFRESH_MS = 1_000;
const MAX_CONNECTIONS = 8;
/** Below this a difference of clocks says nothing: the header has whole seconds. */
const LEAST_OFFSET_MS = 2_000;

/** Who we are and whom we trust, as it was read last. */
interface Access {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly connect: object;
  /** Tells what TLS is made of apart. */
  readonly tls: string;
  readonly pool: Pool;
}

/** Opens no connection yet. Throws when the kubeconfig names no cluster. */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const client = new HttpKubeClient(options);
  await client.refresh();
  return client;
}

async function readAccess(config: KubeConfig, previous: Access | undefined): Promise<Access> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new Error('The kubeconfig has no current cluster: set current-context, or KUBECONFIG to another file');
  }
  // `client-node` knows all the ways to authenticate, and reads the files that the configuration names.
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const material = { ca, cert, key, servername, rejectUnauthorized };
  const tls = JSON.stringify([server, ...Object.values(material).map(String)]);
  const headers = (options.headers ?? {}) as Record<string, string>;
  if (previous?.tls === tls) return { ...previous, headers };
  const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
  const connect = { ...given, keepAlive: true, keepAliveInitialDelay: 15_000, timeout: 10_000 };
  const url = new URL(server);
  const pool = new Pool(url.origin, {
    connect,
    connections: MAX_CONNECTIONS,
    allowH2: false,
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  });
  return { url, headers, connect, tls, pool };
}

class HttpKubeClient implements KubeClient {
  readonly #options: KubeClientOptions;
  readonly #nowMs: () => number;
  #access: Access | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<Access> | undefined;
  #offsetMs = 0;

  constructor(options: KubeClientOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  readonly clockOffsetMs = (): number => this.#offsetMs;

  async request<T>(request: KubeRequest): Promise<T> {
    const response = await this.#withFreshAccess(({ pool }) => pool, request);
    if (response.statusCode < 300) return (await response.body.json()) as T;
    throw await errorOf(response, request);
  }

  async *lines(path: string, accept: string, signal: AbortSignal): AsyncGenerator<string> {
    const timeouts = { headersTimeout: REQUEST_TIMEOUT_MS, bodyTimeout: IDLE_WATCH_MS };
    const clients: Client[] = [];
    const dial = ({ url, connect }: Access): Client => {
      const client = new Client(url.origin, { connect, allowH2: false, ...timeouts });
      clients.push(client);
      return client;
    };
    try {
      const request: KubeRequest = { method: 'GET', path, accept, signal };
      const response = await this.#withFreshAccess(dial, request);
      if (response.statusCode >= 300) throw await errorOf(response, request);
      yield* splitLines(response.body);
    } finally {
      await Promise.all(clients.map((client) => client.destroy()));
    }
  }

  async close(): Promise<void> {
    await this.#access?.pool.destroy();
  }

  /** Reads files, tokens and certificates again; callers at one time share one read. */
  refresh(): Promise<Access> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #read(): Promise<Access> {
    const previous = this.#access;
    const access = await readAccess(this.#options.loadConfig(), previous);
    this.#readMs = this.#nowMs();
    this.#access = access;
    if (previous !== undefined && previous.pool !== access.pool) void previous.pool.close();
    return access;
  }

  async #current(): Promise<Access> {
    const known = this.#access;
    if (known === undefined) return this.refresh();
    if (this.#nowMs() - this.#readMs <= REFRESH_MS) return known;
    try {
      return await this.refresh();
    } catch {
      // A file that is just being replaced: what was read before may still serve, and is read anew in a moment.
      this.#readMs = this.#nowMs() - REFRESH_MS + LEAST_REFRESH_MS;
      return known;
    }
  }

  /** A token that is not taken, or a certificate that we do not know, may have been changed since we read ours. */
  async #withFreshAccess(
    dispatcherOf: (access: Access) => Dispatcher,
    request: KubeRequest,
  ): Promise<Dispatcher.ResponseData> {
    const access = await this.#current();
    const mayBeOld = (): boolean => this.#nowMs() - this.#readMs > LEAST_REFRESH_MS;
    try {
      const response = await this.#send(access, dispatcherOf(access), request);
      if (response.statusCode !== 401 || !mayBeOld()) return response;
      await response.body.dump();
    } catch (error) {
      if (!isCertificateError(error) || !mayBeOld()) throw error;
    }
    const fresh = await this.refresh();
    return this.#send(fresh, dispatcherOf(fresh), request);
  }

  async #send(
    { url, headers: authorization }: Access,
    dispatcher: Dispatcher,
    request: KubeRequest,
  ): Promise<Dispatcher.ResponseData> {
    const { method, path, body, contentType = 'application/json', accept = 'application/json', signal } = request;
    const { answered } = this.#options;
    const headers = { ...authorization, accept, ...(body === undefined ? {} : { 'content-type': contentType }) };
    // Of a server behind a path, as behind some proxies.
    const prefix = url.pathname.replace(/\/$/, '');
    try {
      const response = await dispatcher.request({
        method,
        path: prefix + path,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      answered(method, String(response.statusCode), url.host);
      this.#noteClock(response.headers['date']);
      return response;
    } catch (error) {
      answered(method, '<error>', url.host);
      throw error;
    }
  }

  #noteClock(header: string | string[] | undefined): void {
    const offsetMs = Date.parse(typeof header === 'string' ? header : '') - Date.now();
    if (Number.isFinite(offsetMs)) this.#offsetMs = Math.abs(offsetMs) < LEAST_OFFSET_MS ? 0 : offsetMs;
  }
}

const isCertificateError = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|INVALID_CA)/.test(code);
};

interface StatusBody {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly causes?: readonly { readonly field?: unknown }[] };
}

const MAX_FIELDS = 16;
const MAX_DETAIL = 1_024;

async function errorOf(response: Dispatcher.ResponseData, { method, path }: KubeRequest): Promise<KubeError> {
  const { reason, message, details } = (await response.body.json().catch(() => ({}))) as StatusBody;
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], Date.now());
  const [plain = ''] = path.split('?', 1);
  const causes = Array.isArray(details?.causes) ? details.causes.slice(0, MAX_FIELDS) : [];
  const fields = causes.flatMap(({ field }) => (typeof field === 'string' ? [field.slice(0, 128)] : []));
  const word = typeof reason === 'string' ? reason.slice(0, 64) : 'Unknown';
  const detail = typeof message === 'string' ? message.slice(0, MAX_DETAIL) : '';
  return new KubeError(`${method} ${plain}`, response.statusCode, word, { retryAfterMs, fields, detail });
}

/**
 * Whether the API server is away, or asks to be left alone: whoever asks next will hear the same. A write that ends in 500 says nothing of
 * others: so answers the API server where an admission webhook of that one object cannot be called.
 */
export function isAwayError(error: unknown): boolean {
  if (error instanceof KubeError) {
    const { status, isRead } = error;
    return status > 500 || (status === 500 && isRead) || status === 429 || status === 401;
  }
  const { code } = error as { code?: unknown };
  return (
    typeof code === 'string' &&
    /^(UND_ERR_|E[A-Z]+$|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)
  );
}
