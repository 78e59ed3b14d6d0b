import { randomUUID } from 'node:crypto';
import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import type { PutConfigBody, PutOptions } from '../../../agent/protocol/messages.ts';
import { putFromConfig } from '../../../agent/protocol/wgquick/wire.ts';
import type { Observation } from '../../policy/observation.ts';
import type { Refused } from '../../policy/outcome.ts';
import { type Refusal, refusal } from '../../policy/refusal.ts';
import type {
  Applied,
  ApplyOptions,
  CallOptions,
  Capability,
  Done,
  Driver,
  Failure,
  Observed,
  Planned,
} from '../driver.ts';
import { type AgentClient, isOurAgent } from './agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agent-error.ts';
import { MEANING } from './code-meaning.ts';
import { observationOf } from './observation.ts';

const MAX_STEPS = 128;

/** One interface behind our own agent. */
export class WgnodeDriver implements Driver {
  readonly capabilities: ReadonlySet<Capability> = new Set(['plan', 'max-impact', 'remove']);
  readonly #client: AgentClient;
  readonly #name: string;
  readonly #url: string;
  /** Agents before 0.5 take no PUT that names them. */
  #takesFirewall = false;

  /** `url`: of the agent, for messages. */
  constructor(client: AgentClient, name: string, url: string) {
    this.#client = client;
    this.#name = name;
    this.#url = url;
  }

  observe(previous: Observation | undefined, options: CallOptions): Promise<Observed> {
    return answered(async () => {
      const revision = previous?.revision;
      const moved =
        revision === undefined ? undefined : await this.#client.readConfig(this.#name, `"${revision}"`, options);
      if (previous !== undefined && moved?.kind === 'unchanged') return { kind: 'observed', observation: previous };
      // Something moved: the agent may have been restarted, upgraded, or be another one.
      const health = await this.#client.health(options);
      if (!isOurAgent(health)) {
        const text = `The agent at ${this.#url} is no wgnode-agent: this version cannot drive it yet`;
        return { kind: 'refused', refusal: refusal('Unsupported', text) };
      }
      this.#takesFirewall = health.capabilities?.includes('firewall') === true;
      const read = moved ?? (await this.#client.readConfig(this.#name, undefined, options));
      return { kind: 'observed', observation: observationOf(health, read) };
    });
  }

  plan(desired: DesiredInterface, options: CallOptions): Promise<Planned> {
    return answered(async () => {
      const body = this.#bodyOf(desired, { dry_run: true });
      const { impact, plan } = await this.#client.putConfig(this.#name, body, options);
      const steps = plan.slice(0, MAX_STEPS).map(({ action, path, impact: own }) => ({ action, path, impact: own }));
      return { kind: 'planned', plan: { impact, steps } };
    });
  }

  apply(desired: DesiredInterface, { revision, maxImpact, ...options }: ApplyOptions): Promise<Applied> {
    return answered<Applied>(async () => {
      const limits = { max_impact: maxImpact, ...(revision === undefined ? {} : { if_digest: revision }) };
      const body = this.#bodyOf(desired, limits);
      try {
        const response = await this.#client.putConfig(this.#name, body, options);
        const { impact, outage_ms: outageMs, warnings = [] } = response;
        return { kind: 'applied', impact, outageMs, warnings };
      } catch (error) {
        if (error instanceof AgentRefused) return notApplied(error);
        throw error;
      }
    });
  }

  /** Every PUT has an id of its own: scheme v1 takes two equal ones of one second for a replay. Throws where the agent cannot do it. */
  #bodyOf({ config, state }: DesiredInterface, options: PutOptions): PutConfigBody {
    const whole = { ...putFromConfig(config), options: { state, request_id: randomUUID(), ...options } };
    if (this.#takesFirewall) return whole;
    const { firewall: _, ...body } = whole;
    if (config.firewall.length === 0) return body;
    const text = `The agent at ${this.#url} is too old for spec.interface.firewall; upgrade it, or write hooks in its place`;
    throw new Unable(refusal('Unsupported', text));
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

/** The agent lacks what is asked for: nothing is sent to it. */
class Unable extends Error {
  readonly refusal: Refusal;

  constructor(reason: Refusal) {
    super(reason.message);
    this.refusal = reason;
  }
}

/** The result of calls, or as a value why there is none. Anything else that is thrown is a failure of ours. */
async function answered<T>(work: () => Promise<T | Failure>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AgentRefused) return refusedBy(error);
    if (error instanceof Unable) return { kind: 'refused', refusal: error.refusal };
    if (!(error instanceof AgentUnreachable)) throw error;
    const { reason, message, retryAfterMs } = error;
    return { kind: 'unreachable', reason, message, ...(retryAfterMs === 0 ? {} : { retryAfterMs }) };
  }
}

function notApplied(error: AgentRefused): Applied {
  const meaning = MEANING[error.agentCode];
  switch (meaning.kind) {
    case 'apply-failed':
      return { kind: 'failed', message: error.message, restored: error.rolledBack !== false };
    case 'impact-not-allowed':
      return { kind: 'impact-not-allowed' };
    case 'moved':
      return { kind: 'superseded', message: 'the host changed after it was read' };
    case 'refused':
    case 'unreachable':
      return refusedBy(error);
  }
}

/** A refusal as the object says it; also for reads, which an agent refuses for a device that is not WireGuard. */
function refusedBy(error: AgentRefused): Refused {
  const meaning = MEANING[error.agentCode];
  const reason = meaning.kind === 'refused' ? meaning.reason : 'ConfigRefused';
  return {
    kind: 'refused',
    refusal: refusal(reason, `The agent refuses (${error.agentCode}): ${error.message}`),
  };
}
