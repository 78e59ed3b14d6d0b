import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import type { HealthResponse } from '../../../agent/protocol/messages.ts';
import { isAbove } from '../../../agent/protocol/impact.ts';
import { refusal } from '../../policy/refusal.ts';
import type { AgentIdentity } from '../../policy/observation.ts';
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
import { answered, Unable } from '../http/agent-failure.ts';
import { livePeerOf } from '../http/live-peer.ts';
import type { SignedClient } from '../http/signed-client.ts';
import { carryOut } from './carry-out.ts';
import { OldClient } from './old-client.ts';
import { endangeredPeers } from './keep-peers.ts';
import { planChange } from './plan-change.ts';
import { identityOf, observationOf, type Reading, readingOf } from './reading.ts';

/** What a driver is for. */
export interface WgdashboardDriverOptions {
  /** Of the interface. */
  readonly name: string;
  /** Of the agent, for messages. */
  readonly url: string;
  /** As its /health says. */
  readonly version: string;
}

/** Whether the answer to /health is that of a WGDashboard node agent that has what we need: `config`, `enable` and `disable` came with 2.2.0. */
export function isOldAgent({ name, version }: HealthResponse): boolean {
  const [, minor = '-1'] = /^2\.([0-9]{1,4})\.[0-9]{1,4}$/.exec(version) ?? [];
  return name === undefined && Number(minor) >= 2;
}

/** One interface behind a WGDashboard node agent, which knows no plan, no undo and no read-back: what it lacks is done from here. */
export class WgdashboardDriver implements Driver {
  readonly #client: OldClient;
  readonly #options: WgdashboardDriverOptions;
  /** Undefined = the agent was not looked at yet. */
  #canDelete: boolean | undefined;

  constructor(client: SignedClient, options: WgdashboardDriverOptions) {
    this.#client = new OldClient(client, options.name);
    this.#options = options;
  }

  /** Whether it is for the agent that says this of itself. */
  isOf({ version }: HealthResponse): boolean {
    return version === this.#options.version;
  }

  get capabilities(): ReadonlySet<Capability> {
    return new Set(this.#canDelete === true ? ['plan', 'max-impact', 'remove'] : ['plan', 'max-impact']);
  }

  observe(revision: string | undefined, options: CallOptions): Promise<Observed> {
    return answered(async () => {
      const canDelete = this.#canDelete;
      const agent = await this.#agent(revision !== undefined && canDelete !== undefined, options);
      const reading = await this.#read(options);
      if (revision === reading.revision) return { kind: 'unchanged' };
      return { kind: 'observed', observation: observationOf(agent, reading) };
    });
  }

  /** Who answers. An agent of whom nothing is known is looked at first: whether it may be trusted, and what this build of it can. */
  async #agent(isKnown: boolean, options: CallOptions): Promise<AgentIdentity> {
    if (!isKnown) {
      if (await this.#client.isOpenToAll(options)) throw new Unable(refusal('InsecureAgent', this.#insecureText()));
      this.#canDelete = await this.#client.canDelete(options);
    }
    return identityOf(this.#options.version, this.#canDelete === true, this.#client.certificateNotAfterMs);
  }

  #insecureText(): string {
    return `The agent at ${this.#options.url} can be called by anybody without a signature, by way of the Host header (CVE-2026-48710): nothing is sent to it. Upgrade starlette there to 1.0.1 or later`;
  }

  async #read(options: CallOptions): Promise<Reading> {
    // One after the other: it works on one call at a time.
    const text = await this.#client.file(options);
    return readingOf(text, await this.#client.peers(options));
  }

  peers(options: CallOptions): Promise<PeersRead> {
    return answered(async () => {
      const peers = (await this.#client.peers(options)) ?? [];
      return { kind: 'peers', peers: peers.map(livePeerOf) };
    });
  }

  /** Made here, from what the host has: the agent has no such thing. */
  plan(desired: DesiredInterface, options: CallOptions): Promise<Planned> {
    return answered(async () => {
      const change = planChange(desired, await this.#read(options));
      if (change.kind === 'refused') throw new Unable(refusal('Unsupported', change.message));
      return { kind: 'planned', plan: change.plan };
    });
  }

  apply(desired: DesiredInterface, { revision, maxImpact, ...options }: ApplyOptions): Promise<Applied> {
    return answered<Applied>(async () => {
      const before = await this.#read(options);
      if (revision !== undefined && revision !== before.revision)
        return { kind: 'superseded', message: 'the host changed after it was read' };
      const change = planChange(desired, before);
      if (change.kind === 'refused') throw new Unable(refusal('Unsupported', change.message));
      if (isAbove(change.plan.impact, maxImpact)) return { kind: 'impact-not-allowed' };
      const end = await carryOut(this.#client, {
        ...{ before, desired, actions: change.actions, canDelete: this.#canDelete === true, options },
        read: () => this.#read(options),
      });
      if (end.kind === 'failed') return end;
      const agent = await this.#agent(true, options);
      return {
        ...{ kind: 'applied', impact: change.plan.impact, outageMs: end.outageMs, warnings: change.warnings },
        after: observationOf(agent, end.after),
      };
    });
  }

  setState(state: 'up' | 'down', options: CallOptions): Promise<Done> {
    return answered(async () => {
      if (state === 'down') await this.#keepPeers(options);
      await this.#client.setState(state === 'up' ? 'enable' : 'disable', options);
      return { kind: 'done' };
    });
  }

  /** Peers that only run would be gone with the interface. */
  async #keepPeers(options: CallOptions): Promise<void> {
    const reading = await this.#read(options);
    const { file } = reading;
    if (file === undefined || reading.peers === undefined || endangeredPeers(reading).running.length === 0) return;
    const change = planChange({ config: file, state: 'down' }, reading);
    if (change.kind === 'refused') throw new Unable(refusal('Unsupported', change.message));
    const actions = change.actions.filter((action) => typeof action === 'object');
    const desired = { config: file, state: 'up' } as const;
    const end = await carryOut(this.#client, {
      ...{ before: reading, desired, actions, canDelete: false, options },
      read: () => this.#read(options),
    });
    if (end.kind === 'failed') throw new Unable(refusal('ConfigRefused', end.message));
  }

  /** Down first, as the agent would delete the file of an interface that it could not take down; and proven, as it says success either way. */
  remove(options: CallOptions): Promise<Done> {
    return answered(async () => {
      await this.#client.setState('disable', options);
      await this.#client.remove(options);
      const after = await this.#read(options);
      if (after.file === undefined && after.peers === undefined) return { kind: 'done' };
      const left = after.peers === undefined ? 'its file is still there' : 'the interface still runs';
      throw new Unable(refusal('ConfigRefused', `The agent says that it removed ${this.#options.name}, but ${left}`));
    });
  }
}
