import { createHash } from 'node:crypto';
import { mayOwn, type Owner } from '../../../agent/protocol/owner.ts';
import { CAPABILITIES, type PutConfigBody, type ReadBack } from '../../../agent/protocol/messages.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { configFromPut, specFromConfig } from '../../../agent/protocol/wgquick/wire.ts';

/** How a host behaves: `hang`: takes every connection and answers nothing; `hang-put`: answers reads alone. */
export type Mode = 'well' | 'hang' | 'hang-put' | 'refuse';

/** A mutation that a host has answered. */
export interface Mutation {
  readonly host: string;
  readonly method: string;
  /** Of the leader that asked; null = it told none. */
  readonly term: number | null;
  readonly uid: string | null;
  /** By the clock of the machine. */
  readonly atMs: number;
}

/** What a host answers. */
export interface Answer {
  readonly status: number;
  readonly etag?: string;
  readonly body: string;
}

/** One interface of a host: state, not canned replies. */
class ModelInterface {
  config: InterfaceConfig | undefined;
  state: 'up' | 'down' = 'up';
  owner: Owner | null = null;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  view(): ReadBack | undefined {
    if (this.config === undefined) return undefined;
    const { config } = this;
    const key = config.privateKey?.publicKey ?? null;
    const isUp = this.state === 'up';
    const state = JSON.stringify([config, key, this.state, this.owner]);
    return {
      interface: this.#name,
      spec: specFromConfig(config, false),
      live: isUp
        ? {
            listen_port: config.listenPort ?? 40_000,
            fw_mark: config.fwMark,
            address: config.addresses,
            mtu: config.mtu ?? 1420,
            link_up: true,
            peer_count: 2,
          }
        : null,
      state: isUp ? 'up' : 'down',
      public_key: key,
      live_public_key: isUp ? key : null,
      unmanaged: [],
      drift: [],
      owner: this.owner,
      digest: createHash('sha256').update(state).digest('base64url'),
    };
  }

  put(body: PutConfigBody): Answer {
    const { owner: claim, replaces, dry_run: isDryRun, state, if_digest: digest } = body.options ?? {};
    if (digest !== undefined && digest !== this.view()?.digest)
      return json(409, { error: 'It moved', code: 'digest_mismatch', details: [] });
    if (claim !== undefined && !mayOwn(claim, this.owner, replaces))
      return json(409, { error: 'It is owned', code: 'owned', details: [] });
    const plan = { plan: [{ action: 'set-mtu', path: 'spec.interface.mtu', impact: 'None' }], impact: 'None' };
    const told = { status: 'success', message: '', reloaded: true, changed: true, outage_ms: 0, ...plan };
    if (isDryRun === true) return json(200, { ...told, digest: digest ?? '' });
    const { keep_key: kept } = body.options ?? {};
    const before = this.config ?? EMPTY_CONFIG;
    if (kept !== undefined && before.privateKey?.publicKey !== kept)
      return json(409, { error: 'It moved', code: 'digest_mismatch', details: [] });
    const next = configFromPut(body, before);
    this.config = kept === undefined ? next : { ...next, privateKey: before.privateKey };
    if (state !== undefined) this.state = state;
    if (claim !== undefined && this.owner?.id !== claim.id) this.owner = { ...claim, since: new Date().toISOString() };
    const after = this.view();
    return json(200, { ...told, digest: after?.digest ?? '', after });
  }
}

/** One host and its interfaces, as our agent would answer for them. */
export class ModelHost {
  readonly name: string;
  mode: Mode = 'well';
  /** Members of every answer to GET config that replace its own; for answers that no agent should give. */
  odd: Readonly<Record<string, unknown>> | undefined;
  /** Of /health. */
  oddHealth: Readonly<Record<string, unknown>> | undefined;
  readonly mutations: Mutation[] = [];
  reads = 0;
  readonly #interfaces = new Map<string, ModelInterface>();

  constructor(name: string) {
    this.name = name;
  }

  /** Of wg0. */
  get mtu(): number | null | undefined {
    return this.#interfaces.get('wg0')?.config?.mtu;
  }

  /** Somebody changes wg0 on the host. */
  drift(mtu: number): void {
    const own = this.#open('wg0');
    own.config = { ...(own.config ?? EMPTY_CONFIG), mtu };
  }

  /** As if nobody had ever been there. */
  reset(): void {
    this.#interfaces.clear();
    this.mutations.length = 0;
    this.reads = 0;
  }

  answer(method: string, path: string, body: string, etag: string | undefined): Answer {
    if (path === '/health') return json(200, { ...this.#health(), ...this.oddHealth });
    const name = path.split('/')[3] ?? '';
    const own = this.#open(name);
    if (method === 'GET') return this.#read(own, etag);
    if (method === 'PUT') {
      const sent = JSON.parse(body) as PutConfigBody;
      const answer = own.put(sent);
      if (answer.status === 200 && sent.options?.dry_run !== true) this.#note('PUT', sent.options?.owner);
      return answer;
    }
    this.#note(method, undefined);
    if (method === 'DELETE') this.#interfaces.delete(name);
    else own.state = path.endsWith('/enable') ? 'up' : 'down';
    return json(200, { status: 'success' });
  }

  #open(name: string): ModelInterface {
    const own = this.#interfaces.get(name) ?? new ModelInterface(name);
    this.#interfaces.set(name, own);
    return own;
  }

  #health(): object {
    const now = Date.now();
    return {
      ...{ status: 'ok', timestamp: Math.floor(now / 1000), uptime: 1, time: now },
      ...{ name: 'wgnode-agent', version: '0.0.0-model', capabilities: CAPABILITIES, epoch: `epoch-${this.name}` },
    };
  }

  #read(own: ModelInterface, etag: string | undefined): Answer {
    this.reads += 1;
    const view = own.view();
    if (view === undefined) return json(404, { error: 'There is none', code: 'not_found', details: [] });
    const tag = `"${view.digest}"`;
    if (etag === tag && this.odd === undefined) return { status: 304, etag: tag, body: '' };
    return { ...json(200, { ...view, ...this.odd }), etag: tag };
  }

  #note(method: string, claim: NonNullable<PutConfigBody['options']>['owner']): void {
    const who = { term: claim?.term ?? null, uid: claim?.id ?? null };
    this.mutations.push({ host: this.name, method, ...who, atMs: Date.now() });
  }
}

const json = (status: number, value: object): Answer => ({ status, body: JSON.stringify(value) });
