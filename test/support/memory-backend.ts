import type {
  Backend,
  Backends,
  DownHooks,
  LiveChange,
  LiveStep,
  ResolvedEndpoint,
  Restoration,
  StartConfig,
  Started,
  StopConfig,
  UpHooks,
} from '../../agent/backend/backend.ts';
import { AgentError } from '../../agent/core/agent-error.ts';
import type { Device, Peer, Route } from '../../agent/core/device.ts';
import type { PeerDeltas } from '../../agent/core/peer-deltas.ts';
import { startText } from '../../agent/core/start-text.ts';
import { networkOf } from '../../agent/protocol/address.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import { interfaceOf } from '../../agent/protocol/wgquick/document.ts';
import { aPeer } from '../fixtures/device.ts';

type Verb = 'configure' | 'up' | 'restore' | 'setPeers' | 'resolver';

/** One device in memory, which does what it is told and counts how often it is read. */
export class MemoryBackend implements Backend, Backends {
  device: Device | null = null;
  reads = 0;
  /** Verbs that were called, in order. */
  readonly calls: string[] = [];
  /** Verbs that fail, each so many times. */
  readonly failures = new Map<Verb, number>();
  /** What somebody else does right after the change of a device. */
  meanwhile: () => void = () => undefined;
  /** What hooks make of a device that comes up. */
  hooked: (device: Device) => Device = (device) => device;
  #devices = 0;
  /** Peers of the file, which a new device has. */
  filePeers: readonly Peer[] = [aPeer()];

  open(): Backend {
    return this;
  }

  readAllPeers(): Promise<ReadonlyMap<string, readonly Peer[]>> {
    return Promise.resolve(new Map());
  }

  read(): Promise<Device | null> {
    this.reads += 1;
    return Promise.resolve(this.device);
  }

  describeRoutes(routes: readonly Route[]): Promise<readonly Route[]> {
    return Promise.resolve(routes);
  }

  ask(): void {
    // It answers at once.
  }

  fingerprint(): Promise<string | null> {
    return Promise.resolve(this.device === null ? null : JSON.stringify(this.device.peers));
  }

  async configure({ steps, desired }: LiveChange): Promise<void> {
    await this.#call('configure');
    for (const step of steps) if (this.device !== null) this.device = afterStep(this.device, step, desired);
    this.meanwhile();
  }

  async up({ document, previous, resolverFailed }: StartConfig, hooks: UpHooks): Promise<Started> {
    await hooks.preUp();
    await this.#call('up');
    this.#devices += 1;
    this.device = this.hooked(deviceOf(interfaceOf(document), this.filePeers, 100 + this.#devices));
    try {
      if (interfaceOf(document).dns.length > 0) await this.#call('resolver').catch(resolverFailed);
      await hooks.postUp();
    } catch (error) {
      this.device = null;
      throw error;
    }
    return { names: startText(document, previous).names };
  }

  async restore({ peers, listenPort }: Restoration): Promise<void> {
    await this.#call('restore');
    if (this.device === null) return;
    const names = new Set(peers.map(({ publicKey }) => publicKey));
    const others = this.device.peers.filter(({ publicKey }) => !names.has(publicKey));
    this.device = { ...this.device, peers: [...others, ...peers], listenPort: listenPort ?? this.device.listenPort };
  }

  async setPeers({ set, removed }: PeerDeltas): Promise<void> {
    await this.#call('setPeers');
    if (this.device === null) return;
    const known = new Map(this.device.peers.map((peer) => [peer.publicKey, peer]));
    const gone = new Set(removed);
    const taken = new Set(set.flatMap(({ allowedIps }) => allowedIps));
    const changed = set.map((peer) => ({
      ...peer,
      endpoint: peer.endpoint ?? known.get(peer.publicKey)?.endpoint ?? null,
    }));
    const names = new Set(set.map(({ publicKey }) => publicKey));
    const others = this.device.peers
      .filter(({ publicKey }) => !names.has(publicKey) && !gone.has(publicKey))
      .map((peer) => ({ ...peer, allowedIps: peer.allowedIps.filter((ip) => !taken.has(ip)) }));
    this.device = { ...this.device, peers: [...others, ...changed] };
  }

  async down(_stop: StopConfig, hooks: DownHooks): Promise<void> {
    await hooks.preDown();
    this.calls.push('down');
    this.device = null;
    await hooks.postDown();
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }

  setEndpoints(endpoints: readonly ResolvedEndpoint[]): Promise<void> {
    if (this.device === null) return Promise.resolve();
    const known = new Map(endpoints.map(({ publicKey, endpoint }) => [publicKey, endpoint]));
    const peers = this.device.peers.map((peer) => ({ ...peer, endpoint: known.get(peer.publicKey) ?? peer.endpoint }));
    this.device = { ...this.device, peers };
    return Promise.resolve();
  }

  #call(verb: Verb): Promise<void> {
    this.calls.push(verb);
    const left = this.failures.get(verb) ?? 0;
    if (left === 0) return Promise.resolve();
    this.failures.set(verb, left - 1);
    return Promise.reject(new AgentError('command_failed', `The backend cannot ${verb}`));
  }
}

/** The device that a configuration makes. */
export const deviceOf = (config: InterfaceConfig, peers: readonly Peer[], index = 7): Device => ({
  index,
  key: config.privateKey,
  listenPort: config.listenPort ?? 40_000,
  fwMark: config.fwMark,
  addresses: config.addresses,
  mtu: config.mtu ?? 1_420,
  linkUp: true,
  peers,
  routes: [
    ...config.addresses.map((address) => ({ destination: networkOf(address), table: 'main' })),
    ...peers.flatMap(({ allowedIps }) => allowedIps.map((destination) => ({ destination, table: 'main' }))),
  ],
  routing: [],
  rulePlaces: [],
});

function afterStep(device: Device, step: LiveStep, desired: InterfaceConfig): Device {
  switch (step.action) {
    case 'set-private-key':
      return { ...device, key: desired.privateKey };
    case 'set-listen-port':
      return { ...device, listenPort: step.port };
    case 'set-fwmark':
      return { ...device, fwMark: step.mark };
    case 'set-mtu':
      return { ...device, mtu: step.mtu ?? 1_420 };
    case 'link-up':
      return { ...device, linkUp: true };
    case 'add-address':
      return {
        ...device,
        addresses: [...device.addresses, step.address],
        routes: [...device.routes, { destination: networkOf(step.address), table: 'main' }],
      };
    case 'remove-address':
      return { ...device, addresses: device.addresses.filter((address) => address !== step.address) };
    case 'add-route':
      return { ...device, routes: [...device.routes, step.route] };
    case 'restore-routing':
    case 'set-dns':
      return device;
  }
}
