import { randomBytes } from 'node:crypto';
import { type DesiredInterface, NAME_PATH } from '../../../agent/protocol/compare.ts';
import type { HealthResponse } from '../../../agent/protocol/messages.ts';
import { isAbove } from '../../../agent/protocol/impact.ts';
import { refusal } from '../../policy/refusal.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
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
import { AgentUnreachable, answered, Unable } from '../http/agent-failure.ts';
import { livePeerOf } from '../http/live-peer.ts';
import type { SignedClient } from '../http/signed-client.ts';
import { carryOut, type End } from './carry-out.ts';
import { OldAgentFailed } from './old-answers.ts';
import { OldClient, type OldInterface } from './old-client.ts';
import { planAnew, planChange, type PlannedChange } from './plan-change.ts';
import { identityOf, observationOf, type Reading, readingOf } from './reading.ts';
import type { Work } from './work.ts';

/** What a driver is for. */
export interface WgdashboardDriverOptions {
  /** Of the interface. */
  readonly name: string;
  /** Of the agent, for messages. */
  readonly url: string;
  /** As its /health says. */
  readonly version: string;
}

/** The file of an interface that is going to be removed. */
const STANDIN: OldInterface = {
  ...{ private_key: randomBytes(32).toString('base64'), listen_port: null, address: null, mtu: null },
  ...{ dns: null, table: null, post_up: null, pre_down: null },
};

/** What runs may not be what the file says: a difference that a restart settles. */
const withDoubt = (observation: Observation): Observation => ({
  ...observation,
  reported: [{ path: NAME_PATH, file: 'as it was written last', live: 'not known to have it', impact: 'Restart' }],
});

/** Whether the answer to /health is that of a WGDashboard node agent that has what we need: `config`, `enable` and `disable` came with 2.2.0. */
export function isOldAgent({ name, version }: HealthResponse): boolean {
  const [, minor = '-1'] = /^2\.([0-9]{1,4})\.[0-9]{1,4}$/.exec(version) ?? [];
  return name === undefined && Number(minor) >= 2;
}

/** One interface behind a WGDashboard node agent, which knows no plan, no undo and no read-back: what it lacks is done from here. */
export class WgdashboardDriver implements Driver {
  readonly #signed: SignedClient;
  readonly #client: OldClient;
  readonly #options: WgdashboardDriverOptions;
  /** Of the connection at which the agent was looked at. */
  #known: HealthResponse | undefined;
  /** A change ended in silence: the file may be newer than what runs, which no call would show. */
  #isUnproven = false;
  /** Undefined = the agent was not looked at yet. */
  #canDelete: boolean | undefined;

  constructor(client: SignedClient, options: WgdashboardDriverOptions) {
    this.#signed = client;
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
      const { agent, reading } = await this.#look(options);
      if (revision === reading.revision && !this.#isUnproven) return { kind: 'unchanged' };
      const observation = observationOf(agent, reading);
      return { kind: 'observed', observation: this.#isUnproven ? withDoubt(observation) : observation };
    });
  }

  /** Who answers. At every new connection it is looked at first: whether it may be trusted, and what this build of it can. */
  async #agent(options: CallOptions): Promise<AgentIdentity> {
    const health = await this.#signed.health(options);
    if (health !== this.#known) {
      if (await this.#client.isOpenToAll(options)) throw new Unable(refusal('InsecureAgent', this.#insecureText()));
      this.#canDelete = await this.#client.canDelete(options);
      this.#known = health;
    }
    return identityOf(health.version, this.#canDelete === true, this.#client.certificateNotAfterMs);
  }

  #insecureText(): string {
    return `The agent at ${this.#options.url} can be called by anybody without a signature, by way of the Host header (CVE-2026-48710): nothing is sent to it. Upgrade starlette there to 1.0.1 or later`;
  }

  /** Who answers is asked before and after: what was read by a connection that broke may be another agent's. */
  async #look(options: CallOptions): Promise<{ readonly agent: AgentIdentity; readonly reading: Reading }> {
    await this.#agent(options);
    const reading = await this.#read(options);
    return { reading, agent: await this.#agent(options) };
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
      return { kind: 'planned', plan: this.#planned(desired, (await this.#look(options)).reading).plan };
    });
  }

  apply(desired: DesiredInterface, { revision, maxImpact, ...options }: ApplyOptions): Promise<Applied> {
    return answered<Applied>(async () => {
      const { agent, reading: before } = await this.#look(options);
      if (revision !== undefined && revision !== before.revision)
        return { kind: 'superseded', message: 'the host changed after it was read' };
      const change = this.#planned(desired, before);
      if (isAbove(change.plan.impact, maxImpact)) return { kind: 'impact-not-allowed' };
      const end = await this.#carryOut({ before, desired, actions: change.actions, options });
      if (end.kind === 'failed') return end;
      const warnings = [...change.warnings, ...end.warnings];
      const after = observationOf(agent, end.after);
      return { kind: 'applied', impact: change.plan.impact, outageMs: end.outageMs, warnings, after };
    });
  }

  #planned(desired: DesiredInterface, reading: Reading): PlannedChange {
    const change = this.#isUnproven ? planAnew(desired, reading) : planChange(desired, reading);
    if (change.kind === 'change') return change;
    throw new Unable(refusal('Unsupported', change.message));
  }

  async #carryOut(work: Pick<Work, 'before' | 'desired' | 'actions' | 'options'>): Promise<End> {
    const read = (options: CallOptions): Promise<Reading> => this.#read(options);
    const { before, actions } = work;
    // Only a PUT under a running interface can leave a file that is newer than what runs.
    const isBare = before.peers !== undefined && actions.includes('put') && !actions.includes('disable');
    try {
      const end = await carryOut(this.#client, { ...work, canDelete: this.#canDelete === true, read });
      if (actions.length > 0) this.#isUnproven = false;
      return end;
    } catch (error) {
      if (isBare && error instanceof AgentUnreachable) this.#isUnproven = true;
      throw error;
    }
  }

  /** Down with what a change to down would do, so that peers which only run are not gone with the interface. */
  setState(state: 'up' | 'down', options: CallOptions): Promise<Done> {
    return answered(async () => {
      const { reading } = await this.#look(options);
      if (state === 'up') await this.#client.setState('enable', options);
      else await this.#down(reading, options);
      return { kind: 'done' };
    });
  }

  async #down(before: Reading, options: CallOptions): Promise<void> {
    if (before.file === undefined) {
      await this.#client.setState('disable', options);
      return;
    }
    const desired = { config: before.file, state: 'down' } as const;
    const change = this.#planned(desired, before);
    const end = await this.#carryOut({ before, desired, actions: change.actions, options });
    if (end.kind === 'failed') throw new Unable(refusal('ConfigRefused', `The agent failed: ${end.message}`));
  }

  /** Down first, as the agent would delete the file of an interface that it could not take down; and proven, as it says success either way. */
  remove(options: CallOptions): Promise<Done> {
    return answered(async () => {
      const { reading: before } = await this.#look(options);
      // wg-quick takes nothing down without a file: with one of a key that nobody uses it does.
      if (before.file === undefined && before.peers !== undefined) await this.#client.put(STANDIN, options);
      try {
        await this.#client.setState('disable', options);
      } catch (error) {
        // A PostDown fails when the device is gone already.
        if (!(error instanceof OldAgentFailed) || (await this.#read(options)).peers !== undefined) throw error;
      }
      await this.#client.remove(options);
      const after = await this.#read(options);
      if (after.file === undefined && after.peers === undefined) return { kind: 'done' };
      const left = after.peers === undefined ? 'its file is still there' : 'the interface still runs';
      throw new Unable(refusal('ConfigRefused', `The agent says that it removed ${this.#options.name}, but ${left}`));
    });
  }
}
