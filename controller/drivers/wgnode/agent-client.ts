import pRetry from 'p-retry';
import { Client } from 'undici';
import {
  AGENT_NAME,
  type ConfigResponse,
  type DumpResponse,
  type HealthResponse,
  type PutConfigResponse,
  type PutConfigBody,
} from '../../../agent/protocol/messages.ts';
import type { Secret } from '../../../agent/protocol/secret.ts';
import { headersV1 } from '../../../agent/protocol/signature-v1.ts';
import { withDeadline } from '../../runtime/deadline.ts';
import { parseRetryAfter } from '../../runtime/retry-after.ts';
import type { CallOptions } from '../driver.ts';
import { AgentRefused, AgentUnreachable, isReset, unreachable } from './agent-error.ts';
import { type AgentTlsOptions, createConnector } from './connector.ts';
import { type AgentResponse, explain, parseObject } from './explain-response.ts';
import { exchange } from './exchange.ts';
import { isConfigResponse, isDumpResponse, isHealthResponse, isPutResponse } from './parse-response.ts';
import type { UrlGuard } from './url-guard.ts';

/** Where an agent is, and what proves both sides. `origin`: scheme, host and port. */
export interface AgentAddress {
  readonly origin: string;
  readonly tls: AgentTlsOptions;
  /** In the order in which they are tried: the present key, and while it is changed the next one. */
  readonly hmacKeys: readonly Secret[];
}

/** What GET config gave; `unchanged`: nothing moved since the read with that etag. */
export type ConfigRead =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly response: ConfigResponse; readonly etag: string };

/** One agent. Every call throws AgentUnreachable or AgentRefused, nothing else. */
export interface AgentClient {
  /** When the certificate that the agent showed last ends, Unix ms; undefined = it showed none yet. */
  readonly certificateNotAfterMs: number | undefined;
  /** Asked once a connection: it is the agent's, not the interface's. */
  health(options: CallOptions): Promise<HealthResponse>;
  readConfig(name: string, etag: string | undefined, options: CallOptions): Promise<ConfigRead>;
  /** Undefined = there is no such device. */
  dump(name: string, options: CallOptions): Promise<DumpResponse | undefined>;
  putConfig(name: string, body: PutConfigBody, options: CallOptions): Promise<PutConfigResponse>;
  setState(name: string, verb: 'enable' | 'disable', options: CallOptions): Promise<void>;
  remove(name: string, options: CallOptions): Promise<void>;
  close(): Promise<void>;
}

/** What a client works with. */
export interface AgentClientOptions {
  readonly address: AgentAddress;
  readonly guard: UrlGuard;
  readonly now: () => number;
  /** After every call; `outcome` is `ok`, `not_found`, `refused` or why it is unreachable: words of ours, as it becomes a label. */
  readonly called: (operation: string, outcome: string, seconds: number) => void;
}

// Below the agent's own 130 s, so that we never write into a connection that it is just closing.
const KEEP_ALIVE_MS = 120_000;
/** Most of what an answer may hold, bytes. A file of 10,000 peers has some 2 MB. */
const MAX_BYTES = { config: 4 * 1024 * 1024, put: 1024 * 1024, error: 1024 * 1024, other: 64 * 1024 } as const;
const MAX_READ_MS = 10_000;

interface TaggedResponse extends AgentResponse {
  readonly etag: string;
}

interface Call {
  readonly operation: string;
  /** Of the answer. */
  readonly maxBytes: number;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: PutConfigBody;
  readonly etag?: string | undefined;
}

/** A connection that was closed at the wrong moment says nothing of the agent. */
const ONCE_MORE = { retries: 1, minTimeout: 0, shouldRetry: ({ error }: { readonly error: Error }) => isReset(error) };

const HEALTH: Call = { operation: 'health', method: 'GET', path: '/health', maxBytes: MAX_BYTES.other };

/** Opens no connection yet. */
export const createAgentClient = (options: AgentClientOptions): AgentClient => new HttpAgentClient(options);

const pathOf = (name: string, verb: string): string => `/v1/wg/${name}${verb}`;

class HttpAgentClient implements AgentClient {
  readonly #options: AgentClientOptions;
  /** One connection; while a change takes its time reads have another one. */
  readonly #main: Client;
  #beside: Client | undefined;
  /** Changes under way. */
  #changes = 0;
  #health: Promise<HealthResponse> | undefined;
  #certificateNotAfterMs: number | undefined;
  /** Which of the keys the agent took last. */
  #keyIndex = 0;

  constructor(options: AgentClientOptions) {
    this.#options = options;
    this.#main = this.#connect();
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

  async #askHealth(options: CallOptions): Promise<HealthResponse> {
    const { origin } = this.#options.address;
    const response = await this.#send(HEALTH, options);
    const health = parseObject(response.text, origin);
    if (isHealthResponse(health)) return health;
    throw new AgentUnreachable('ProtocolError', `${origin} is no WireGuard agent: its /health has no version`);
  }

  async readConfig(name: string, etag: string | undefined, options: CallOptions): Promise<ConfigRead> {
    const { origin } = this.#options.address;
    try {
      const response = await this.#send(
        { operation: 'read', maxBytes: MAX_BYTES.config, method: 'GET', path: pathOf(name, '/config'), etag },
        options,
      );
      if (response.status === 304) return { kind: 'unchanged' };
      const config = parseObject(response.text, origin);
      if (!isConfigResponse(config)) throw notUnderstood(origin, 'GET config');
      if (config.interface === name) return { kind: 'present', response: config, etag: response.etag };
      throw new AgentUnreachable('ProtocolError', `${origin} answered for another interface`);
    } catch (error) {
      if (error instanceof AgentRefused && error.agentCode === 'not_found') return { kind: 'absent' };
      throw error;
    }
  }

  async dump(name: string, options: CallOptions): Promise<DumpResponse | undefined> {
    const { origin } = this.#options.address;
    const call: Call = { operation: 'dump', maxBytes: MAX_BYTES.config, method: 'GET', path: pathOf(name, '/dump') };
    try {
      const response = parseObject((await this.#send(call, options)).text, origin);
      if (isDumpResponse(response)) return response;
      throw notUnderstood(origin, 'GET dump');
    } catch (error) {
      if (error instanceof AgentRefused && error.agentCode === 'not_found') return undefined;
      throw error;
    }
  }

  async putConfig(name: string, body: PutConfigBody, options: CallOptions): Promise<PutConfigResponse> {
    const { origin } = this.#options.address;
    const call: Call = {
      operation: 'put',
      maxBytes: MAX_BYTES.put,
      method: 'PUT',
      path: pathOf(name, '/config'),
      body,
    };
    const response = parseObject((await this.#send(call, options)).text, origin);
    if (isPutResponse(response)) return response;
    throw notUnderstood(origin, 'PUT config');
  }

  async setState(name: string, verb: 'enable' | 'disable', options: CallOptions): Promise<void> {
    await this.#send(
      { operation: verb, maxBytes: MAX_BYTES.other, method: 'POST', path: pathOf(name, `/${verb}`) },
      options,
    );
  }

  async remove(name: string, options: CallOptions): Promise<void> {
    await this.#send(
      { operation: 'remove', maxBytes: MAX_BYTES.other, method: 'DELETE', path: pathOf(name, '') },
      options,
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#main.destroy(), this.#beside?.destroy()]);
  }

  /** Every call of the contract is idempotent: a connection that broke is tried once more, with a fresh signature. */
  async #send(call: Call, { timeoutMs, signal }: CallOptions): Promise<TaggedResponse> {
    const { address, now, called } = this.#options;
    const started = now();
    // No read waits for hooks, so an agent that is slow with one is as good as away.
    const limitMs = call.method === 'GET' ? Math.min(timeoutMs, MAX_READ_MS) : timeoutMs;
    let outcome = 'ok';
    try {
      return await withDeadline(signal, limitMs, (deadline) => this.#ask(call, deadline));
    } catch (error) {
      const known = error instanceof AgentRefused ? error : unreachable(error, address.origin);
      outcome = outcomeOf(known);
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
    throw await explain(response, origin, () => this.#skewSeconds(deadline));
  }

  /** While the key of the agent is changed, one side has the next one first: whichever was not taken, the other is tried. */
  async #withEitherKey(call: Call, deadline: AbortSignal): Promise<TaggedResponse> {
    const { length } = this.#options.address.hmacKeys;
    let response = await this.#sendTwice(call, deadline);
    for (let tried = 1; tried < length && response.status === 401; tried += 1) {
      this.#keyIndex = (this.#keyIndex + 1) % length;
      response = await this.#sendTwice(call, deadline);
    }
    return response;
  }

  #sendTwice(call: Call, deadline: AbortSignal): Promise<TaggedResponse> {
    const once = (): Promise<TaggedResponse> => this.#sendOnce(call, deadline);
    return this.#counted(call.method, () => pRetry(once, { ...ONCE_MORE, signal: deadline }));
  }

  async #sendOnce({ method, path, body, etag, maxBytes }: Call, signal: AbortSignal): Promise<TaggedResponse> {
    const { address, now } = this.#options;
    const key = address.hmacKeys[this.#keyIndex];
    if (key === undefined) throw new Error('An agent without a key cannot be asked');
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    const headers = {
      ...headersV1({ method, target: path, body: bytes }, key, now()),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
    };
    const request = { method, path, headers, body: body === undefined ? null : bytes };
    const limits = { maxBytes, maxErrorBytes: MAX_BYTES.error, signal };
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
    const { time } = parseObject(response.text, this.#options.address.origin) as Partial<HealthResponse>;
    return time === undefined ? undefined : Math.round((time - this.#options.now()) / 1000);
  }
}

const outcomeOf = (error: AgentRefused | AgentUnreachable): string => {
  if (error instanceof AgentUnreachable) return error.reason;
  return error.agentCode === 'not_found' ? 'not_found' : 'refused';
};

const notUnderstood = (origin: string, what: string): AgentUnreachable =>
  new AgentUnreachable('ProtocolError', `${origin} answers ${what} in a form that this controller does not know`);

/** Whether the answer to /health is that of our agent; others do not know what we ask of them. */
export const isOurAgent = (health: HealthResponse): boolean => health.name === AGENT_NAME;
