import type { CallOptions } from '../driver.ts';
import { AgentUnreachable } from '../http/agent-failure.ts';
import { notUnderstood, parseObject } from '../http/answers.ts';
import type { Call, SignedClient } from '../http/signed-client.ts';
import {
  explainOld,
  FileAbsent,
  isOldConfig,
  isOldDump,
  isOldRoutes,
  isOldStatus,
  OldAgentFailed,
  type OldPeer,
} from './old-answers.ts';

/** The body of its PUT config: what is left out, null or empty is removed from the file. */
export interface OldInterface {
  readonly private_key: string;
  readonly listen_port: number | null;
  readonly address: string | null;
  readonly mtu: number | null;
  readonly dns: string | null;
  readonly table: string | null;
  readonly post_up: string | null;
  readonly pre_down: string | null;
}

const MAX_BYTES = { config: 4 * 1024 * 1024, other: 1024 * 1024 } as const;
/** It answers nobody while a hook runs, so a read may have to wait for somebody else's. */
const MAX_READ_MS = 30_000;

const DELETE_ROUTE = '/v1/wg/{interface}';

/** The calls of the WGDashboard node agent about one interface. Every one throws an AgentFailure, nothing else. */
export class OldClient {
  readonly #client: SignedClient;
  readonly #name: string;

  constructor(client: SignedClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  get certificateNotAfterMs(): number | undefined {
    return this.#client.certificateNotAfterMs;
  }

  /**
   * Whether anybody may call it unsigned, by a Host header that makes its check of the signature look at another path (CVE-2026-48710).
   */
  async isOpenToAll(options: CallOptions): Promise<boolean> {
    const { status, text } = await this.#client.sendUnsigned('/openapi.json', 'x/health?', options);
    // Past the check, also what it does not have is answered in its own words.
    return status < 300 || (status !== 401 && text.startsWith('{"detail":'));
  }

  /** Whether this build can delete an interface: its version does not tell. */
  async canDelete(options: CallOptions): Promise<boolean> {
    const routes = await this.#read('/openapi.json', 'routes', options);
    if (!isOldRoutes(routes)) throw notUnderstood(this.#client.origin, 'GET openapi.json');
    return 'delete' in (routes.paths[DELETE_ROUTE] ?? {});
  }

  /** The text of the file; undefined = there is none. */
  async file(options: CallOptions): Promise<string | undefined> {
    try {
      const config = await this.#read(this.#path('/config'), 'read', options);
      if (!isOldConfig(config)) throw notUnderstood(this.#client.origin, 'GET config');
      this.#mustBeOurs(config.interface);
      return config.config.raw_config;
    } catch (error) {
      if (error instanceof FileAbsent) return undefined;
      throw error;
    }
  }

  /**
   * The peers of the running interface; undefined = it does not run. A dump that fails says in changing words why: whether the interface
   * runs is then asked by the call that lists those that do, which holds the whole agent up for 0.1 s.
   */
  async peers(options: CallOptions): Promise<readonly OldPeer[] | undefined> {
    try {
      const dump = await this.#read(this.#path('/dump'), 'dump', options);
      if (!isOldDump(dump)) throw notUnderstood(this.#client.origin, 'GET dump');
      this.#mustBeOurs(dump.interface);
      return dump.peers;
    } catch (error) {
      if (!(error instanceof OldAgentFailed)) throw error;
      if (!(await this.#runs(options))) return undefined;
      throw new AgentUnreachable('AgentError', `The agent cannot read ${this.#name}, which runs: ${error.message}`);
    }
  }

  async #runs(options: CallOptions): Promise<boolean> {
    const status = await this.#read('/v1/status', 'status', options);
    if (!isOldStatus(status)) throw notUnderstood(this.#client.origin, 'GET status');
    return Object.hasOwn(status.wireguard.interfaces, this.#name);
  }

  /** Writes the file, and takes a running interface down and up. 200 says no more than that it was written. */
  async put(body: OldInterface, options: CallOptions): Promise<void> {
    const [method, path] = ['PUT', this.#path('/config')] as const;
    await this.#send({ operation: 'put', maxBytes: MAX_BYTES.other, method, path, body, isOnce: true }, options);
  }

  /** Runs `wg syncconf` with the text, and then `wg-quick save`, which writes the file anew from the kernel. */
  async syncConf(text: string, options: CallOptions): Promise<void> {
    const body = { config: Buffer.from(text).toString('base64') };
    const [method, path] = ['POST', this.#path('/syncconf')] as const;
    await this.#send({ operation: 'sync', maxBytes: MAX_BYTES.other, method, path, body, isOnce: true }, options);
  }

  async setState(verb: 'enable' | 'disable', options: CallOptions): Promise<void> {
    const path = this.#path(`/${verb}`);
    await this.#send({ operation: verb, maxBytes: MAX_BYTES.other, method: 'POST', path }, options);
  }

  async remove(options: CallOptions): Promise<void> {
    await this.#send(
      { operation: 'remove', maxBytes: MAX_BYTES.other, method: 'DELETE', path: this.#path('') },
      options,
    );
  }

  #path(verb: string): string {
    return `/v1/wg/${this.#name}${verb}`;
  }

  #mustBeOurs(name: string): void {
    if (name === this.#name) return;
    throw new AgentUnreachable('ProtocolError', `${this.#client.origin} answered for another interface`);
  }

  async #read(path: string, operation: string, options: CallOptions): Promise<object> {
    const call = { operation, maxBytes: MAX_BYTES.config, method: 'GET', path, maxReadMs: MAX_READ_MS } as const;
    return parseObject((await this.#send(call, options)).text, this.#client.origin);
  }

  #send(call: Call, options: CallOptions): ReturnType<SignedClient['send']> {
    const what = `${call.method} ${call.path}`;
    return this.#client.send({ ...call, explain: (response, origin) => explainOld(response, origin, what) }, options);
  }
}
