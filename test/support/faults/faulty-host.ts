import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'undici';
import type { ConfigResponse } from '../../../agent/protocol/messages.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { headersV1 } from '../../../agent/protocol/signature-v1.ts';
import { putFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import { INTERFACE } from '../fleet.ts';
import type { LabHost } from '../lab/start-host.ts';
import { until } from '../until.ts';
import { type Effect, type Fault, numbered } from './fault.ts';
import { type HostState, readHostState } from './host-state.ts';
import type { Target } from './operations.ts';
import { RUNTIME_PEER } from './tunnel.ts';

/** How a request ended; `status` null = the agent died before it answered. */
export interface Answer {
  readonly status: number | null;
  readonly code: string | undefined;
  readonly message?: string | undefined;
  readonly rolledBack: boolean | undefined;
}

interface Request {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly verb: 'config' | 'enable' | 'disable';
  readonly body?: object;
}

/** Takes away everything that an agent, a hook or wg-quick(8) may have left. */
const WIPE = `
ip link delete ${INTERFACE}
for family in -4 -6; do
  ip $family rule show | grep -vE '^(0|32766|32767):' | while IFS=: read -r priority _; do ip $family rule delete priority "$priority"; done
done
nft flush ruleset
resolvconf -f -d ${INTERFACE}
rm -rf /etc/wireguard/* /etc/wireguard/.w* /var/lib/wgnode/* /run/wireguard/*
`;

const QUIET_MS = 150;
const mtimeMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const INJECTOR = join(import.meta.dirname, 'injector.ts');

/** A host of the lab on which faults can be made to come, one at a time. */
export class FaultyHost {
  readonly host: LabHost;
  /** What agent and test share. */
  readonly #folder: string;
  readonly #client: Client;
  #requests = 0;

  constructor(host: LabHost, folder: string) {
    this.host = host;
    this.#folder = join(folder, `faults-${host.name}`);
    mkdirSync(this.#folder);
    this.#client = new Client(host.agentUrl, { connect: { ca: host.caPem } });
  }

  readState(): Promise<HostState> {
    return readHostState(this.host);
  }

  async startAgent(): Promise<void> {
    await this.host.agent.start({ NODE_OPTIONS: `--import=${INJECTOR}`, WGNODE_FAULTS: this.#folder });
  }

  async restartAgent(): Promise<void> {
    await this.host.agent.kill();
    await this.startAgent();
  }

  /** A host as it was on its first day, with this file, and an agent that has just begun. */
  async wipe(file: string): Promise<void> {
    await this.host.agent.kill();
    await this.host.exec(['bash', '-c', WIPE]);
    await this.host.writeFile(`/etc/wireguard/${INTERFACE}.conf`, file);
    await this.startAgent();
  }

  /** Asks for what leads from one target to another. */
  async request(from: Target, to: Target): Promise<Answer> {
    this.#requests += 1;
    // Two equal calls within one second would be a repeat.
    const request_id = String(this.#requests);
    if (to.state === 'down') return this.#answer({ method: 'POST', verb: 'disable', body: { request_id } });
    if (from.state === 'down' && from.config === to.config)
      return this.#answer({ method: 'POST', verb: 'enable', body: { request_id } });
    const body = { ...putFromConfig(to.config), options: { state: 'up', request_id } };
    return this.#answer({ method: 'PUT', verb: 'config', body });
  }

  /** As `request`, and it must succeed. */
  async reach(from: Target, to: Target): Promise<HostState> {
    const { status, code } = await this.request(from, to);
    if (status !== 200) throw new Error(`an undisturbed change is answered with ${String(status)} ${code ?? ''}`);
    return this.readState();
  }

  /** A peer of a running interface that is in no file. */
  async addRuntimePeer(): Promise<HostState> {
    await this.host.mustExec(RUNTIME_PEER);
    return this.readState();
  }

  async readConfig(): Promise<ConfigResponse | undefined> {
    const { status, text } = await this.#send({ method: 'GET', verb: 'config' });
    return status === 200 ? (JSON.parse(text) as ConfigResponse) : undefined;
  }

  /** Does `work`, and lists its effects. */
  async observe(work: () => Promise<unknown>): Promise<Effect[]> {
    await this.#arm(null);
    await work();
    return this.#disarm().effects;
  }

  /** Does `work` with a fault in it; an agent that was killed is gone then. */
  async disturb(fault: Fault, work: () => Promise<Answer>): Promise<{ answer: Answer; hit: boolean }> {
    await this.#arm(fault);
    const answer = await work();
    const { hit } = this.#disarm();
    // It may have answered just before.
    if (hit && fault.fault.startsWith('agent killed')) await this.#untilGone();
    return { answer, hit };
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  async #arm(fault: Fault | null): Promise<void> {
    // Peers of a fresh device are greeted a little later; nobody waits for it.
    await until('the agent to have nothing to do', () => Date.now() - mtimeMs(this.#file('last')) > QUIET_MS, {
      intervalMs: 10,
    });
    this.#requests += 1;
    const lines = [this.#requests, ...(fault === null ? [] : [fault.fault, fault.occurrence, fault.what])];
    writeFileSync(this.#file('plan'), lines.join('\n'));
  }

  #disarm(): { effects: Effect[]; hit: boolean } {
    const read = (name: string): string => {
      try {
        return readFileSync(this.#file(name), 'utf8');
      } catch {
        return '';
      }
    };
    const seen = { effects: numbered(read('effects').split('\n').slice(0, -1)), hit: read('hit') !== '' };
    for (const name of ['plan', 'effects', 'hit']) rmSync(this.#file(name), { force: true });
    return seen;
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #untilGone(): Promise<void> {
    await until('the agent to be gone', () => !this.host.agent.running, { intervalMs: 2 });
  }

  async #answer(request: Request): Promise<Answer> {
    try {
      const { status, text } = await this.#send(request);
      const {
        code,
        error: message,
        rolled_back: rolledBack,
      } = JSON.parse(text) as { code?: string; error?: string; rolled_back?: boolean };
      return { status, code, message, rolledBack };
    } catch (error) {
      if (this.host.agent.running) await this.#untilGone().catch(() => Promise.reject(error as Error));
      return { status: null, code: undefined, rolledBack: undefined };
    }
  }

  async #send({ method, verb, body }: Request): Promise<{ status: number; text: string }> {
    const path = `/v1/wg/${INTERFACE}/${verb}`;
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const headers = headersV1({ method, target: path, body: bytes }, new Secret(this.host.hmacKey), Date.now());
    const response = await this.#client.request({
      method,
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: bytes,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }
}
