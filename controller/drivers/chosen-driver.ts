import type { DesiredInterface } from '../../agent/protocol/compare.ts';
import type { HealthResponse } from '../../agent/protocol/messages.ts';
import { refusal } from '../policy/refusal.ts';
import type {
  Applied,
  ApplyOptions,
  CallOptions,
  Capability,
  Done,
  Driver,
  Failure,
  Observed,
  PeersRead,
  Planned,
} from './driver.ts';
import { answered, Unable } from './http/agent-failure.ts';
import type { SignedClient } from './http/signed-client.ts';
import { isOldAgent, WgdashboardDriver } from './wgdashboard/wgdashboard-driver.ts';
import { agentClientOf, isOurAgent } from './wgnode/agent-client.ts';
import { WgnodeDriver } from './wgnode/wgnode-driver.ts';

/** What a driver is for. */
export interface DriverOptions {
  /** Of the interface. */
  readonly name: string;
  /** Of the agent, for messages. */
  readonly url: string;
  /** Unix ms. */
  readonly now: () => number;
}

const NOTHING: ReadonlySet<Capability> = new Set();

/** One interface of a host, by the driver that its agent asks for. It is chosen anew whenever another agent may answer: at every connection. */
export class ChosenDriver implements Driver {
  readonly #client: SignedClient;
  readonly #options: DriverOptions;
  #chosen: Driver | undefined;

  constructor(client: SignedClient, options: DriverOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Of the agent that answered last. */
  get capabilities(): ReadonlySet<Capability> {
    return this.#chosen?.capabilities ?? NOTHING;
  }

  observe(revision: string | undefined, options: CallOptions): Promise<Observed> {
    return answered(async () => {
      const before = this.#chosen;
      const driver = await this.#choose(options);
      // What one kind of agent calls a revision says nothing to another.
      return driver.observe(driver === before ? revision : undefined, options);
    });
  }

  peers(options: CallOptions): Promise<PeersRead> {
    return this.#through(options, (driver) => driver.peers(options));
  }

  plan(desired: DesiredInterface, options: CallOptions): Promise<Planned> {
    return this.#through(options, (driver) => driver.plan(desired, options));
  }

  apply(desired: DesiredInterface, options: ApplyOptions): Promise<Applied> {
    return this.#through(options, (driver) => driver.apply(desired, options));
  }

  setState(state: 'up' | 'down', options: CallOptions): Promise<Done> {
    return this.#through(options, (driver) => driver.setState(state, options));
  }

  remove(options: CallOptions): Promise<Done> {
    return this.#through(options, (driver) => driver.remove(options));
  }

  #through<T>(options: CallOptions, work: (driver: Driver) => Promise<T>): Promise<T | Failure> {
    return answered(async () => work(await this.#choose(options)));
  }

  /** By what the agent says of itself; asked once a connection. Throws where it is none that we know. */
  async #choose(options: CallOptions): Promise<Driver> {
    const health = await this.#client.health(options);
    if (isOurAgent(health)) {
      if (!(this.#chosen instanceof WgnodeDriver))
        this.#chosen = new WgnodeDriver(agentClientOf(this.#client), this.#options);
      return this.#chosen;
    }
    if (isOldAgent(health)) {
      if (!(this.#chosen instanceof WgdashboardDriver) || !this.#chosen.isOf(health))
        this.#chosen = new WgdashboardDriver(this.#client, { ...this.#options, version: health.version });
      return this.#chosen;
    }
    this.#chosen = undefined;
    throw new Unable(refusal('Unsupported', this.#stranger(health)));
  }

  #stranger({ name, version }: HealthResponse): string {
    const who = name === undefined ? 'an agent' : name.slice(0, 32);
    return `The agent at ${this.#options.url} calls itself ${who} ${version.slice(0, 32)}: this version drives wgnode-agent, and the WGDashboard node agent from 2.2.0 up to 2.x`;
  }
}
