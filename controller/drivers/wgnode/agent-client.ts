import pRetry from 'p-retry';
import { Client } from 'undici';
import {
  AGENT_NAME,
  type ConfigResponse,
  type HealthResponse,
  type PutConfigResponse,
  type PutConfigBody,
} from '../../../agent/protocol/messages.ts';
import type { Secret } from '../../../agent/protocol/secret.ts';
import { headersV1 } from '../../../agent/protocol/signature-v1.ts';
import { parseRetryAfter } from '../../runtime/retry-after.ts';
import type { CallOptions } from '../driver.ts';
import { AgentRefused, AgentUnreachable, isReset, unreachable } from './agent-error.ts';
import { type AgentTlsOptions, createConnector } from './connector.ts';
import { type AgentResponse, explain, parseObject } from './explain-response.ts';
import { isConfigResponse, isHealthResponse, isPutResponse } from './parse-response.ts';
import type { UrlGuard } from './url-guard.ts';

/** Where an agent is, and what proves both sides. `origin`: scheme, host and port. */
export interface AgentAddress {
  readonly origin: string;
  readonly tls: AgentTlsOptions;
  readonly hmacKey: Secret;
}

/** What GET config gave; `unchanged`: nothing moved since the read with that etag. */
export type ConfigRead =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly response: ConfigResponse; readonly etag: string };

/** One agent. Every call throws AgentUnreachable or AgentRefused, nothing else. */
export interface AgentClient {
  health(options: CallOptions): Promise<HealthResponse>;
  readConfig(name: string, etag: string | undefined, options: CallOptions): Promise<ConfigRead>;
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
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_READ_MS = 10_000;

interface TaggedResponse extends AgentResponse {
  readonly etag: string;
}

interface Call {
  readonly operation: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: PutConfigBody;
  readonly etag?: string | undefined;
}

/** Opens no connection yet. */
export const createAgentClient = (options: AgentClientOptions): AgentClient => new HttpAgentClient(options);

const pathOf = (name: string, verb: string): string => `/v1/wg/${name}${verb}`;

class HttpAgentClient implements AgentClient {
  readonly #options: AgentClientOptions;
  /** Two connections, so that a read never waits for a change that takes its time; the second is made when it is needed. */
  readonly #clients: Record<'read' | 'change', Client>;

  constructor(options: AgentClientOptions) {
    this.#options = options;
    const make = (): Client =>
      new Client(options.address.origin, {
        connect: createConnector(options.guard, options.address.tls),
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        maxResponseSize: MAX_ANSWER_BYTES,
      });
    this.#clients = { read: make(), change: make() };
  }

  async health(options: CallOptions): Promise<HealthResponse> {
    const { origin } = this.#options.address;
    const response = await this.#send({ operation: 'health', method: 'GET', path: '/health' }, options);
    const health = parseObject(response.text, origin);
    if (isHealthResponse(health)) return health;
    throw new AgentUnreachable('ProtocolError', `${origin} is no WireGuard agent: its /health has no version`);
  }

  async readConfig(name: string, etag: string | undefined, options: CallOptions): Promise<ConfigRead> {
    const { origin } = this.#options.address;
    try {
      const response = await this.#send(
        { operation: 'read', method: 'GET', path: pathOf(name, '/config'), etag },
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

  async putConfig(name: string, body: PutConfigBody, options: CallOptions): Promise<PutConfigResponse> {
    const { origin } = this.#options.address;
    const call: Call = { operation: 'put', method: 'PUT', path: pathOf(name, '/config'), body };
    const response = parseObject((await this.#send(call, options)).text, origin);
    if (isPutResponse(response)) return response;
    throw notUnderstood(origin, 'PUT config');
  }

  async setState(name: string, verb: 'enable' | 'disable', options: CallOptions): Promise<void> {
    await this.#send({ operation: verb, method: 'POST', path: pathOf(name, `/${verb}`) }, options);
  }

  async remove(name: string, options: CallOptions): Promise<void> {
    await this.#send({ operation: 'remove', method: 'DELETE', path: pathOf(name, '') }, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#clients.read.destroy(), this.#clients.change.destroy()]);
  }

  /** Every call of the contract is idempotent: a connection that broke is tried once more, with a fresh signature. */
  async #send(call: Call, { timeoutMs, signal }: CallOptions): Promise<TaggedResponse> {
    const { address, now, called } = this.#options;
    const started = now();
    // No read waits for hooks, so an agent that is slow with one is as good as away, and holds a worker for nothing.
    const limitMs = call.method === 'GET' ? Math.min(timeoutMs, MAX_READ_MS) : timeoutMs;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    let outcome = 'ok';
    try {
      const retry = {
        retries: 1,
        minTimeout: 20,
        signal: deadline,
        shouldRetry: ({ error }: { error: Error }) => isReset(error),
      };
      const response = await pRetry(() => abortable(this.#sendOnce(call, deadline), deadline), retry);
      if (response.status === 304 && call.etag !== undefined) return response;
      if (response.status >= 300 && response.status < 400) {
        throw new AgentUnreachable('ProtocolError', `${address.origin} redirects, which an agent never does`);
      }
      // Half an answer, or that of some proxy, is no proof that anything was done.
      if (response.status < 300) {
        parseObject(response.text, address.origin);
        return response;
      }
      throw await explain(response, address.origin, () => this.#skewSeconds(deadline));
    } catch (error) {
      const known = error instanceof AgentRefused ? error : unreachable(error, address.origin);
      outcome = outcomeOf(known);
      throw known;
    } finally {
      called(call.operation, outcome, (now() - started) / 1000);
    }
  }

  async #sendOnce({ method, path, body, etag }: Call, signal: AbortSignal): Promise<TaggedResponse> {
    const { address, now } = this.#options;
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    const headers = {
      ...headersV1({ method, target: path, body: bytes }, address.hmacKey, now()),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
    };
    const response = await this.#clients[method === 'GET' ? 'read' : 'change'].request({
      method,
      path,
      headers,
      body: body === undefined ? null : bytes,
      signal,
    });
    const tag = response.headers['etag'];
    return {
      status: response.statusCode,
      etag: typeof tag === 'string' ? tag : '',
      text: await response.body.text(),
      retryAfterMs: parseRetryAfter(response.headers['retry-after'], now()),
    };
  }

  /** How far the agent's clock is ahead of ours, or undefined when it does not tell. */
  async #skewSeconds(signal: AbortSignal): Promise<number | undefined> {
    const response = await this.#sendOnce({ operation: 'health', method: 'GET', path: '/health' }, signal);
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

/** undici does not give up a request that still waits for its connection; whoever has a deadline must not wait with it. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}
