import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import { InterfaceKey } from '../../../agent/protocol/interface-key.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { ChosenDriver } from '../../../controller/drivers/chosen-driver.ts';
import type { Applied, ApplyOptions, Driver } from '../../../controller/drivers/driver.ts';
import { createSignedClient, type SignedClient } from '../../../controller/drivers/http/signed-client.ts';
import { explain } from '../../../controller/drivers/wgnode/explain-response.ts';
import type { Observation } from '../../../controller/policy/observation.ts';
import { cidr } from '../../fixtures/cidr.ts';
import { newPrivateKey, newSecretText } from '../../support/canary.ts';
import { MemoryOldHost } from '../../support/old-agent/memory-old-host.ts';
import { OldAgent, type OldAgentOptions } from '../../support/old-agent/old-agent.ts';
import { serveOldAgent, type ServedOldAgent } from '../../support/old-agent/serve-old-agent.ts';
import { patient } from './test-client.ts';
import { LOOPBACK_GUARD } from './test-client.ts';

export const NAME = 'wg0';
export const CALLS = patient();

/** A host in memory behind a model of the old agent, and the driver that the controller would open for it. */
export class OldScene {
  readonly host = new MemoryOldHost();
  readonly key = newPrivateKey();
  readonly secret = newSecretText();
  readonly #options: Partial<OldAgentOptions>;
  #agent: OldAgent | undefined;
  #served: ServedOldAgent | undefined;
  #client: SignedClient | undefined;
  #driver: Driver | undefined;
  /** `METHOD path`, of calls from here on. */
  #from = 0;

  constructor(options: Partial<OldAgentOptions> = {}) {
    this.#options = { hasDelete: true, ...options };
  }

  async start(secret = this.secret, now: () => number = Date.now): Promise<this> {
    this.#agent = this.#newAgent();
    const served = await serveOldAgent({ answer: (request) => (this.#agent ?? this.#newAgent()).answer(request) });
    this.#served = served;
    const tls = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, pins: [] };
    const origin = `http://127.0.0.1:${String(served.port)}`;
    const options = { guard: LOOPBACK_GUARD, now, called: () => undefined };
    this.#client = createSignedClient(
      { ...options, address: { origin, tls, hmacKeys: [new Secret(secret)] } },
      explain,
    );
    this.#driver = new ChosenDriver(this.#client, { name: NAME, url: origin, now });
    return this;
  }

  #newAgent(over: Partial<OldAgentOptions> = {}): OldAgent {
    return new OldAgent({ host: this.host, secret: this.secret, now: Date.now, ...this.#options, ...over });
  }

  /** Another build answers from now on, on the same connections. */
  become(over: Partial<OldAgentOptions>): void {
    this.#agent = this.#newAgent(over);
  }

  /** The agent is restarted as another build, on the same host. */
  restartAs(over: Partial<OldAgentOptions>): void {
    this.become(over);
    this.cutAll();
  }

  async stop(): Promise<void> {
    await this.#client?.close();
    await this.#served?.close();
  }

  get driver(): Driver {
    if (this.#driver === undefined) throw new Error('The scene is not started');
    return this.#driver;
  }

  /** Every connection is cut now; what was asked is done all the same. */
  cutAll(): void {
    this.#served?.cutAll();
  }

  get port(): number {
    return this.#served?.port ?? 0;
  }

  /** The connection is cut, and nothing is done, wherever this says so of `METHOD path`. */
  breakOn(breaks: (request: string) => boolean): void {
    this.#served?.breakOn(breaks);
  }

  /** Since the last call of this. */
  takeRequests(): string[] {
    const all = this.#served?.requests ?? [];
    const taken = all.slice(this.#from);
    this.#from = all.length;
    return taken;
  }

  /** The mutations among them, without the path in front. */
  takeMutations(): string[] {
    return this.takeRequests()
      .filter((request) => !request.startsWith('GET'))
      .map((request) => request.replace(`/v1/wg/${NAME}`, '').replace(' /', ' '));
  }

  desired(over: Partial<InterfaceConfig> = {}, state: 'up' | 'down' = 'up'): DesiredInterface {
    const own = { listenPort: 51_820, addresses: [cidr('10.7.0.1/24')] };
    const privateKey = InterfaceKey.fromPrivate(new Secret(this.key));
    return { config: { ...EMPTY_CONFIG, privateKey, ...own, ...over }, state };
  }

  /** As a person would write the file of `desired()`. */
  fileText(more = '', peers = ''): string {
    return `[Interface]\nPrivateKey = ${this.key}\nListenPort = 51820\nAddress = 10.7.0.1/24\n${more}${peers}`;
  }

  /** Writes the file, and brings the interface up by it. */
  async running(text = this.fileText()): Promise<void> {
    this.host.setFile(NAME, text);
    const { exitCode, stderr } = await this.host.run(['wg-quick', 'up', NAME]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    this.host.ran.length = 0;
  }

  async look(): Promise<Observation> {
    const observed = await this.driver.observe(undefined, CALLS);
    if (observed.kind !== 'observed') throw new Error(JSON.stringify(observed));
    return observed.observation;
  }

  async apply(desired: DesiredInterface, over: Partial<ApplyOptions> = {}): Promise<Applied> {
    const { revision } = await this.look();
    this.takeRequests();
    const claim = { id: 'uid', name: 'edge/one', cluster: '' };
    const options = { ...CALLS, revision, maxImpact: 'Restart', claim, replaces: undefined } as const;
    return this.driver.apply(desired, { ...options, ...over });
  }
}
