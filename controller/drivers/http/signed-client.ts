import pRetry from 'p-retry';
import { Client } from 'undici';
import type { HealthResponse } from '../../../agent/protocol/messages.ts';
import type { Secret } from '../../../agent/protocol/secret.ts';
import { headersV1 } from '../../../agent/protocol/signature-v1.ts';
import { withDeadline } from '../../runtime/deadline.ts';
import { parseRetryAfter } from '../../runtime/retry-after.ts';
import type { CallOptions } from '../driver.ts';
import { AgentFailure, AgentUnreachable, isReset, unreachable } from './agent-failure.ts';
import { type AgentResponse, parseObject, unauthorized } from './answers.ts';
import { type AgentTlsOptions, createConnector } from './connector.ts';
import { exchange, type RawAnswer } from './exchange.ts';
import { isHealthResponse } from './health.ts';
import type { UrlGuard } from './url-guard.ts';

/** Where an agent is, and what proves both sides. `origin`: scheme, host and port. */
export interface AgentAddress {
  readonly origin: string;
  readonly tls: AgentTlsOptions;
  /** In the order in which they are tried: the present key, and while it is changed the next one. */
  readonly hmacKeys: readonly Secret[];
}

/** What a client works with. */
export interface AgentClientOptions {
  readonly address: AgentAddress;
  readonly guard: UrlGuard;
  readonly now: () => number;
  /** After every call; `outcome` is `ok`, `not_found`, `refused` or why it is unreachable: words of ours, as it becomes a label. */
  readonly called: (operation: string, outcome: string, seconds: number) => void;
}

/** An answer of 2xx, or 304 where an etag was sent. */
export interface TaggedResponse extends AgentResponse {
  readonly etag: string;
}

/** One call of an agent. */
export interface Call {
  /** A word of ours for metrics. */
  readonly operation: string;
  /** Of the answer. */
  readonly maxBytes: number;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly etag?: string | undefined;
  /** Of a read, ms; no read waits for hooks. */
  readonly maxReadMs?: number;
  /** It must not reach the agent twice: a connection that broke under it may have carried it. */
  readonly isOnce?: true;
  /** Undefined = as the client explains answers. */
  readonly explain?: Explain;
}

/** The failure that an answer of 400 and above stands for; 401 is known to all agents and never comes here. */
export type Explain = (response: AgentResponse, origin: string) => AgentFailure;

/** One agent behind one address, whatever kind it is of. Every call throws an AgentFailure, nothing else. */
export interface SignedClient {
  readonly origin: string;
  /** When the certificate that the agent showed last ends, Unix ms; undefined = it showed none yet. */
  readonly certificateNotAfterMs: number | undefined;
  /** Asked once a connection: it is the agent's, not the interface's. */
  health(options: CallOptions): Promise<HealthResponse>;
  send(call: Call, options: CallOptions): Promise<TaggedResponse>;
  /** The answer to an unsigned GET under another Host header, on a connection of its own. */
  sendUnsigned(path: string, host: string, options: CallOptions): Promise<RawAnswer>;
  /** Asks /health anew at the next call: what was answered is not what the agent that was known would say. */
  forgetHealth(): void;
  close(): Promise<void>;
}

// Below our agent's own 130 s, so that we never write into a connection that it is just closing.
const KEEP_ALIVE_MS = 120_000;
/** Most of what an answer may hold, bytes. */
const MAX_ERROR_BYTES = 1024 * 1024;
const MAX_HEALTH_BYTES = 64 * 1024;
const MAX_READ_MS = 10_000;

/** A connection that was closed at the wrong moment says nothing of the agent. */
const ONCE_MORE = { retries: 1, minTimeout: 0, shouldRetry: ({ error }: { readonly error: Error }) => isReset(error) };

const HEALTH: Call = { operation: 'health', method: 'GET', path: '/health', maxBytes: MAX_HEALTH_BYTES };

/** Opens no connection yet. `explain`: of all calls that have no words of their own, that to /health among them. */
export const createSignedClient = (options: AgentClientOptions, explain: Explain): SignedClient =>
  new HttpSignedClient(options, explain);

class HttpSignedClient implements SignedClient {
  readonly #options: AgentClientOptions;
  readonly #explain: Explain;
  /** One connection; while a change takes its time reads have another one. */
  readonly #main: Client;
  #beside: Client | undefined;
  /** Changes under way. */
  #changes = 0;
  #health: Promise<HealthResponse> | undefined;
  #certificateNotAfterMs: number | undefined;
  /** Which of the keys the agent took last. */
  #keyIndex = 0;

  constructor(options: AgentClientOptions, explain: Explain) {
    this.#options = options;
    this.#explain = explain;
    this.#main = this.#connect();
  }

  get origin(): string {
    return this.#options.address.origin;
  }

  #connect(): Client {
    const { address, guard } = this.#options;
    const client = new Client(address.origin, {
      connect: createConnector(guard, {
        ...address.tls,
        sawCertificate: (notAfterMs) => (this.#certificateNotAfterMs = notAfterMs),
      }),
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
    // Behind the next connection may be another agent, or a newer one.
    client.on('disconnect', () => {
      this.#health = undefined;
    });
    return client;
  }

  get certificateNotAfterMs(): number | undefined {
    return this.#certificateNotAfterMs;
  }

  health(options: CallOptions): Promise<HealthResponse> {
    const known = this.#health;
    if (known !== undefined) return known;
    const asked = this.#askHealth(options);
    this.#health = asked;
    asked.catch(() => {
      if (this.#health === asked) this.#health = undefined;
    });
    return asked;
  }

  forgetHealth(): void {
    this.#health = undefined;
  }

  async #askHealth(options: CallOptions): Promise<HealthResponse> {
    const { origin } = this.#options.address;
    const response = await this.send(HEALTH, options);
    const health = parseObject(response.text, origin);
    if (isHealthResponse(health)) return health;
    throw new AgentUnreachable('ProtocolError', `${origin} is no WireGuard agent: its /health has no version`);
  }

  async sendUnsigned(path: string, host: string, { timeoutMs, signal }: CallOptions): Promise<RawAnswer> {
    const { address, guard } = this.#options;
    const limits = { maxBytes: MAX_ERROR_BYTES, maxErrorBytes: MAX_ERROR_BYTES };
    const client = new Client(address.origin, { connect: createConnector(guard, address.tls), allowH2: false });
    try {
      return await withDeadline(signal, Math.min(timeoutMs, MAX_READ_MS), async (deadline) => {
        const request = { method: 'GET' as const, path, headers: { host } };
        return exchange(client, request, { ...limits, signal: deadline });
      });
    } catch (error) {
      throw error instanceof AgentFailure ? error : unreachable(error, address.origin);
    } finally {
      await client.destroy();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#main.destroy(), this.#beside?.destroy()]);
  }

  /** A connection that broke is tried once more, with a fresh signature, where the call may be repeated. */
  async send(call: Call, { timeoutMs, signal }: CallOptions): Promise<TaggedResponse> {
    const { address, now, called } = this.#options;
    const started = now();
    // No read waits for hooks, so an agent that is slow with one is as good as away.
    const limitMs = call.method === 'GET' ? Math.min(timeoutMs, call.maxReadMs ?? MAX_READ_MS) : timeoutMs;
    let outcome = 'ok';
    try {
      return await withDeadline(signal, limitMs, (deadline) => this.#ask(call, deadline));
    } catch (error) {
      const known = error instanceof AgentFailure ? error : unreachable(error, address.origin);
      ({ outcome } = known);
      throw known;
    } finally {
      called(call.operation, outcome, (now() - started) / 1000);
    }
  }

  /** Throws what is no success, in words of ours. */
  async #ask(call: Call, deadline: AbortSignal): Promise<TaggedResponse> {
    const { origin } = this.#options.address;
    const response = await this.#withEitherKey(call, deadline);
    if (response.status === 304 && call.etag !== undefined) return response;
    if (response.status >= 300 && response.status < 400) {
      throw new AgentUnreachable('ProtocolError', `${origin} redirects, which an agent never does`);
    }
    // Half an answer, or that of some proxy, is no proof that anything was done.
    if (response.status < 300) {
      parseObject(response.text, origin);
      return response;
    }
    if (response.status !== 401) throw (call.explain ?? this.#explain)(response, origin);
    throw await unauthorized(response, origin, () => this.#skewSeconds(deadline));
  }

  /** While the key of the agent is changed, one side has the next one first: whichever was not taken, the other is tried. */
  async #withEitherKey(call: Call, deadline: AbortSignal): Promise<TaggedResponse> {
    const { length } = this.#options.address.hmacKeys;
    // Counted from the key of this call: another one may find the right key meanwhile.
    const first = this.#keyIndex;
    let response = await this.#sendTwice(call, deadline, first);
    for (let tried = 1; tried < length && response.status === 401; tried += 1) {
      const index = (first + tried) % length;
      response = await this.#sendTwice(call, deadline, index);
      if (response.status !== 401) this.#keyIndex = index;
    }
    return response;
  }

  #sendTwice(call: Call, deadline: AbortSignal, keyIndex: number): Promise<TaggedResponse> {
    const once = (): Promise<TaggedResponse> => this.#sendOnce(call, deadline, keyIndex);
    const work = call.isOnce === true ? once : () => pRetry(once, { ...ONCE_MORE, signal: deadline });
    return this.#counted(call.method, work);
  }

  async #sendOnce(
    { method, path, body, etag, maxBytes }: Call,
    signal: AbortSignal,
    keyIndex = this.#keyIndex,
  ): Promise<TaggedResponse> {
    const { address, now } = this.#options;
    const key = address.hmacKeys[keyIndex];
    if (key === undefined) throw new Error('An agent without a key cannot be asked');
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    const headers = {
      ...headersV1({ method, target: path, body: bytes }, key, now()),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
    };
    const request = { method, path, headers, body: body === undefined ? null : bytes };
    const limits = { maxBytes, maxErrorBytes: MAX_ERROR_BYTES, signal };
    const { status, headers: given, text } = await exchange(this.#dispatcherFor(method), request, limits);
    const tag = given.etag;
    const retryAfterMs = parseRetryAfter(given['retry-after'], now());
    return { status, etag: typeof tag === 'string' ? tag : '', text, retryAfterMs };
  }

  #dispatcherFor(method: Call['method']): Client {
    if (method !== 'GET' || this.#changes === 0) return this.#main;
    this.#beside ??= this.#connect();
    return this.#beside;
  }

  /** Counts changes; when the last one has ended the other connection is closed, once what it does is done. */
  async #counted<T>(method: Call['method'], work: () => Promise<T>): Promise<T> {
    if (method === 'GET') return work();
    this.#changes += 1;
    try {
      return await work();
    } finally {
      this.#changes -= 1;
      if (this.#changes === 0) {
        void this.#beside?.close().catch(() => undefined);
        this.#beside = undefined;
      }
    }
  }

  /** How far the agent's clock is ahead of ours, or undefined when it does not tell. */
  async #skewSeconds(signal: AbortSignal): Promise<number | undefined> {
    const response = await this.#sendOnce(HEALTH, signal);
    const { time, timestamp } = parseObject(response.text, this.#options.address.origin) as Partial<HealthResponse>;
    // The old agent tells whole seconds alone.
    const theirs = time ?? (timestamp === undefined ? undefined : timestamp * 1000);
    return theirs === undefined ? undefined : Math.round((theirs - this.#options.now()) / 1000);
  }
}
