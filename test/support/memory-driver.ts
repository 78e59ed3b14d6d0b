import type { DesiredInterface } from '../../agent/protocol/compare.ts';
import { type Impact, isAbove } from '../../agent/protocol/impact.ts';
import { mayOwn, type Owner } from '../../agent/protocol/owner.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type {
  Applied,
  ApplyOptions,
  CallOptions,
  Capability,
  Done,
  Driver,
  Failure,
  LivePeer,
  Observed,
  PeersRead,
  Planned,
} from '../../controller/drivers/driver.ts';
import type { AgentIdentity, Observation } from '../../controller/policy/observation.ts';
import { agent, nothingThere, observationOf } from './observed-host.ts';

const MTU = 'spec.interface.mtu';

/** A driver whose host is in memory, with one interface or none: what an apply asks for is what the next read shows. */
export class MemoryDriver implements Driver {
  readonly capabilities = new Set<Capability>(['atomic', 'plan', 'max-impact', 'remove', 'owner']);
  /** Who answers. */
  agent: AgentIdentity = agent;
  /** Undefined = the agent does not remember such a thing. */
  owner: Owner | null | undefined = null;
  /** Undefined = neither file nor device. */
  config: InterfaceConfig | undefined;
  state: 'up' | 'down' = 'up';
  /** What any change of it does to its traffic. */
  impact: Impact = 'None';
  reads = 0;
  /** What each read was given to compare with. */
  readonly previous: (string | undefined)[] = [];
  /** How long each read may last. */
  readonly timeoutsMs: number[] = [];
  /** Changes that were asked for, refused ones too. */
  readonly applies: (DesiredInterface & Pick<ApplyOptions, 'maxImpact' | 'claim' | 'replaces'>)[] = [];
  plans = 0;
  /** What happens on the host between the arrival of an apply and its work; an answer ends it. */
  meanwhile: (signal: AbortSignal) => Promise<Applied | undefined> | Applied | undefined = () => undefined;
  /** What happens elsewhere while it is read. */
  whileRead: () => void = () => undefined;
  /** The answer to everything but an apply, in place of its work. */
  failure: Failure | undefined;
  /** The answer to every plan. */
  planFailure: Failure | undefined;
  livePeers: readonly LivePeer[] = [];
  /** Reports success and does nothing. */
  isIdle = false;
  /** Tells after an apply what it reads then. */
  readsBack = false;

  edit(over: Partial<InterfaceConfig>): void {
    this.config = { ...(this.config ?? EMPTY_CONFIG), ...over };
  }

  observe(revision: string | undefined, { timeoutMs }: Pick<CallOptions, 'timeoutMs'>): Promise<Observed> {
    this.reads += 1;
    this.timeoutsMs.push(timeoutMs);
    this.previous.push(revision);
    this.whileRead();
    if (this.failure !== undefined) return Promise.resolve(this.failure);
    const now = this.seen();
    const isSame = revision !== undefined && revision === now.revision;
    return Promise.resolve(isSame ? { kind: 'unchanged' } : { kind: 'observed', observation: now });
  }

  /** What a whole read shows now. */
  seen(): Observation {
    const own = { agent: this.agent, owner: this.owner };
    if (this.config === undefined) return { ...nothingThere, ...own };
    return { ...observationOf(this.config, this.state), ...own, revision: this.#revision() };
  }

  peers(): Promise<PeersRead> {
    return Promise.resolve(this.failure ?? { kind: 'peers', peers: this.livePeers });
  }

  plan(): Promise<Planned> {
    this.plans += 1;
    if (this.planFailure !== undefined) return Promise.resolve(this.planFailure);
    const { impact } = this;
    return Promise.resolve({ kind: 'planned', plan: { impact, steps: [{ action: 'set-mtu', path: MTU, impact }] } });
  }

  async apply(
    { config, state }: DesiredInterface,
    { revision, maxImpact, claim, replaces, signal }: ApplyOptions,
  ): Promise<Applied> {
    this.applies.push({ config, state, maxImpact, claim, replaces });
    const response = await this.meanwhile(signal);
    if (response !== undefined) return response;
    if (revision !== undefined && revision !== this.#revision())
      return { kind: 'superseded', message: 'the host changed after it was read' };
    if (isAbove(this.impact, maxImpact)) return { kind: 'impact-not-allowed' };
    const { owner } = this;
    if (owner !== null && owner !== undefined && !mayOwn(claim, owner, replaces))
      return { kind: 'superseded', message: 'another object was faster' };
    if (!this.isIdle) Object.assign(this, { config, state });
    if (owner !== undefined) this.owner = { ...claim, since: '2026-02-01T00:00:00Z' };
    return {
      kind: 'applied',
      impact: this.impact,
      outageMs: this.impact === 'Restart' ? 340 : 0,
      warnings: [],
      after: this.readsBack ? this.seen() : undefined,
    };
  }

  setState(state: 'up' | 'down'): Promise<Done> {
    return this.#done(() => {
      this.state = state;
    });
  }

  remove(): Promise<Done> {
    return this.#done(() => {
      this.config = undefined;
    });
  }

  /** Attempts to change the state or to remove the interface. */
  attempts = 0;

  #done(work: () => void): Promise<Done> {
    this.attempts += 1;
    if (this.failure !== undefined) return Promise.resolve(this.failure);
    work();
    return Promise.resolve({ kind: 'done' });
  }

  #revision(): string | undefined {
    return this.config === undefined ? undefined : JSON.stringify([this.config, this.state, this.owner]);
  }
}
