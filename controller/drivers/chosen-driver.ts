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

const isOdd = (result: { readonly kind: string } | Failure): boolean =>
  result.kind === 'refused' ||
  (result.kind === 'unreachable' && 'reason' in result && result.reason === 'ProtocolError');

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

  async observe(revision: string | undefined, options: CallOptions): Promise<Observed> {
    const before = this.#chosen;
    // What one kind of agent calls a revision says nothing to another.
    const look = (driver: Driver): Promise<Observed> =>
      driver.observe(driver === before ? revision : undefined, options);
    const seen = await this.#through(options, look);
    // Another agent has answered in words that this one does not know: who that is is asked, and it is looked at once more.
    const asked = this.#chosen;
    if (!isOdd(seen) || asked === undefined) return seen;
    const again = await answered(async () => ({ kind: 'chosen', driver: await this.#choose(options) }) as const);
    return again.kind === 'chosen' && again.driver !== asked ? this.#through(options, look) : seen;
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

  /** Behind a proxy that keeps its connections another agent may have come without a new one: an odd answer is a reason to ask who it is. */
  async #through<T extends { readonly kind: string }>(
    options: CallOptions,
    work: (driver: Driver) => Promise<T | Failure>,
  ): Promise<T | Failure> {
    const result = await answered(async () => work(await this.#choose(options)));
    if (isOdd(result)) this.#client.forgetHealth();
    return result;
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
