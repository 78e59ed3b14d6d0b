import {
  AGENT_NAME,
  type ConfigResponse,
  type DumpResponse,
  type HealthResponse,
  type PutConfigResponse,
  type PutConfigBody,
} from '../../../agent/protocol/messages.ts';
import type { CallOptions } from '../driver.ts';
import { AgentUnreachable } from '../http/agent-failure.ts';
import { notUnderstood, parseObject } from '../http/answers.ts';
import { type AgentClientOptions, type Call, createSignedClient, type SignedClient } from '../http/signed-client.ts';
import { AgentRefused } from './agent-refused.ts';
import { explain } from './explain-response.ts';
import { isConfigResponse, isDumpResponse, isPutResponse } from './parse-response.ts';

/** What GET config gave; `unchanged`: nothing moved since the read with that etag. */
export type ConfigRead =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly response: ConfigResponse; readonly etag: string };

/** One agent of ours. Every call throws AgentUnreachable or AgentRefused, nothing else. */
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

/** Most of what an answer may hold, bytes. A file of 10,000 peers has some 2 MB. */
const MAX_BYTES = { config: 4 * 1024 * 1024, put: 1024 * 1024, other: 64 * 1024 } as const;

/** An agent at an address of its own. Opens no connection yet. */
export const createAgentClient = (options: AgentClientOptions): AgentClient =>
  new WgnodeClient(createSignedClient(options, explain));

/** The calls of our agent over a client that others may use, too. */
export const agentClientOf = (client: SignedClient): AgentClient => new WgnodeClient(client);

const pathOf = (name: string, verb: string): string => `/v1/wg/${name}${verb}`;

class WgnodeClient implements AgentClient {
  readonly #client: SignedClient;

  constructor(client: SignedClient) {
    this.#client = client;
  }

  get certificateNotAfterMs(): number | undefined {
    return this.#client.certificateNotAfterMs;
  }

  health(options: CallOptions): Promise<HealthResponse> {
    return this.#client.health(options);
  }

  async readConfig(name: string, etag: string | undefined, options: CallOptions): Promise<ConfigRead> {
    const { origin } = this.#client;
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
    const { origin } = this.#client;
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
    const { origin } = this.#client;
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

  close(): Promise<void> {
    return this.#client.close();
  }

  #send(call: Call, options: CallOptions): ReturnType<SignedClient['send']> {
    return this.#client.send({ ...call, explain }, options);
  }
}

/** Whether the answer to /health is that of our agent; others do not know what we ask of them. */
export const isOurAgent = (health: HealthResponse): boolean => health.name === AGENT_NAME;
