import { randomUUID } from 'node:crypto';
import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import type { HealthResponse, PutConfigBody, PutOptions } from '../../../agent/protocol/messages.ts';
import { putFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import { isEnding } from '../../policy/certificate.ts';
import { refusal } from '../../policy/refusal.ts';
import type {
  Applied,
  ApplyOptions,
  CallOptions,
  Capability,
  Done,
  Driver,
  Observed,
  PeersRead,
  Planned,
} from '../driver.ts';
import { livePeerOf } from '../http/live-peer.ts';
import { answered, Unable } from '../http/agent-failure.ts';
import { type AgentClient, isOurAgent } from './agent-client.ts';
import { AgentRefused } from './agent-refused.ts';
import { MEANING } from './code-meaning.ts';
import { type AgentAnswer, observationOf, presentOf } from './observation.ts';

const MAX_STEPS = 128;

/** What a driver is for. */
export interface WgnodeDriverOptions {
  /** Of the interface. */
  readonly name: string;
  /** Of the agent, for messages. */
  readonly url: string;
  /** Unix ms. */
  readonly now: () => number;
}

/** One interface behind our own agent. */
export class WgnodeDriver implements Driver {
  readonly capabilities: ReadonlySet<Capability> = new Set(['atomic', 'plan', 'max-impact', 'remove', 'owner']);
  readonly #client: AgentClient;
  readonly #name: string;
  readonly #url: string;
  readonly #now: () => number;
  /** What was told of the certificate last: as yet that there is none. */
  #told = certificateWord(undefined, 0);

  constructor(client: AgentClient, { name, url, now }: WgnodeDriverOptions) {
    this.#now = now;
    this.#client = client;
    this.#name = name;
    this.#url = url;
  }

  observe(revision: string | undefined, options: CallOptions): Promise<Observed> {
    return answered(async () => {
      // Of an agent that is not ours the answer would not be understood.
      if (revision === undefined) await this.#ourAgent(options);
      // Another certificate, or one that ends soon by now, is news that no ETag tells.
      const etag = revision === undefined || this.#certificate() !== this.#told ? undefined : `"${revision}"`;
      const read = await this.#client.readConfig(this.#name, etag, options);
      if (read.kind === 'unchanged') return { kind: 'unchanged' };
      const agent = await this.#ourAgent(options);
      this.#told = this.#certificate();
      return { kind: 'observed', observation: observationOf(agent, read) };
    });
  }

  #certificate(): string {
    return certificateWord(this.#client.certificateNotAfterMs, this.#now());
  }

  /** Who answers on this connection. Throws where it is no agent of ours. */
  async #ourAgent(options: CallOptions): Promise<AgentAnswer> {
    const health = await this.#client.health(options);
    const { certificateNotAfterMs } = this.#client;
    if (isOurAgent(health)) return { ...health, certificateNotAfterMs };
    const text = `The agent at ${this.#url} is no wgnode-agent: this version cannot drive it yet`;
    throw new Unable(refusal('Unsupported', text));
  }

  peers(options: CallOptions): Promise<PeersRead> {
    return answered(async () => {
      const dump = await this.#client.dump(this.#name, options);
      return { kind: 'peers', peers: (dump?.peers ?? []).map(livePeerOf) };
    });
  }

  plan(desired: DesiredInterface, options: CallOptions): Promise<Planned> {
    return answered(async () => {
      const body = bodyOf(desired, { dry_run: true }, await this.#abilities(options));
      const { impact, plan } = await this.#client.putConfig(this.#name, body, options);
      const steps = plan.slice(0, MAX_STEPS).map(({ action, path, impact: own }) => ({ action, path, impact: own }));
      return { kind: 'planned', plan: { impact, steps } };
    });
  }

  apply(
    desired: DesiredInterface,
    { revision, maxImpact, claim, replaces, ...options }: ApplyOptions,
  ): Promise<Applied> {
    return answered<Applied>(async () => {
      const health = await this.#ourAgent(options);
      const abilities = abilitiesOf(health, this.#url);
      const limits = {
        max_impact: maxImpact,
        ...(revision === undefined ? {} : { if_digest: revision }),
        ...(abilities.owner ? { owner: claim, ...(replaces === undefined ? {} : { replaces }) } : {}),
        ...(abilities.readBack ? { read_back: true } : {}),
      };
      try {
        const response = await this.#client.putConfig(this.#name, bodyOf(desired, limits, abilities), options);
        const { impact, outage_ms: outageMs, warnings = [], after } = response;
        const seen = after === undefined ? undefined : presentOf(health, after);
        return { kind: 'applied', impact, outageMs, warnings, after: seen };
      } catch (error) {
        if (error instanceof AgentRefused) return notApplied(error);
        throw error;
      }
    });
  }

  async #abilities(options: CallOptions): Promise<Abilities> {
    return abilitiesOf(await this.#ourAgent(options), this.#url);
  }

  setState(state: 'up' | 'down', options: CallOptions): Promise<Done> {
    return answered(async () => {
      await this.#client.setState(this.#name, state === 'up' ? 'enable' : 'disable', options);
      return { kind: 'done' };
    });
  }

  remove(options: CallOptions): Promise<Done> {
    return answered(async () => {
      await this.#client.remove(this.#name, options);
      return { kind: 'done' };
    });
  }
}

const certificateWord = (notAfterMs: number | undefined, nowMs: number): string =>
  `${String(notAfterMs)} ${String(isEnding(notAfterMs, nowMs))}`;

/** What a PUT to this agent may say; older ones refuse what they do not know. */
interface Abilities {
  readonly firewall: boolean;
  readonly owner: boolean;
  readonly readBack: boolean;
  /** Of the agent, for messages. */
  readonly url: string;
}

const abilitiesOf = ({ capabilities = [] }: HealthResponse, url: string): Abilities => ({
  firewall: capabilities.includes('firewall'),
  owner: capabilities.includes('owner'),
  readBack: capabilities.includes('read-back'),
  url,
});

/** Every PUT has an id of its own: scheme v1 takes two equal ones of one second for a replay. Throws where the agent cannot do it. */
function bodyOf({ config, state }: DesiredInterface, options: PutOptions, { firewall, url }: Abilities): PutConfigBody {
  const { privateKey } = config;
  // A key that is known by its public half alone stays as the host has it.
  const kept = privateKey?.privateKey === null ? { keep_key: privateKey.publicKey } : {};
  const whole = { ...putFromConfig(config), options: { state, request_id: randomUUID(), ...kept, ...options } };
  if (firewall) return whole;
  const { firewall: _, ...body } = whole;
  if (config.firewall.length === 0) return body;
  const text = `The agent at ${url} is too old for spec.interface.firewall; upgrade it, or write hooks in its place`;
  throw new Unable(refusal('Unsupported', text));
}

function notApplied(error: AgentRefused): Applied {
  const meaning = MEANING[error.agentCode];
  switch (meaning.kind) {
    case 'apply-failed':
      return { kind: 'failed', message: error.message, restored: error.rolledBack !== false };
    case 'impact-not-allowed':
      return { kind: 'impact-not-allowed' };
    case 'moved':
      return {
        kind: 'superseded',
        message: error.agentCode === 'owned' ? 'another object was faster' : 'the host changed after it was read',
      };
    case 'refused':
    case 'unreachable':
      return error.failure();
  }
}
