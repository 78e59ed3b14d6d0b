import { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type { AgentIdentity, Observation } from '../../controller/policy/observation.ts';
import { cidr } from '../fixtures/cidr.ts';

export const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
export const KEY_PAIR = InterfaceKey.fromPrivate(KEY);
export const PUBLIC_KEY = KEY_PAIR.publicKey;
export const NOW_MS = Date.parse('2026-02-01T00:00:00Z');

export const agent: AgentIdentity = { version: '0.1.0', epoch: 'epoch-1', capabilities: ['plan', 'dry-run'] };

/** What a driver sees of a host that has exactly this, in its file and, if it is up, in its kernel; what is open the kernel has chosen. */
export const observationOf = (config: InterfaceConfig, state: 'up' | 'down' = 'up'): Observation => ({
  agent,
  interface: {
    // An agent tells the public half alone.
    file: { ...config, privateKey: publicOf(config) },
    device:
      state === 'down'
        ? null
        : {
            key: publicOf(config),
            listenPort: config.listenPort ?? 34_567,
            fwMark: config.fwMark,
            addresses: [...config.addresses].reverse(),
            mtu: config.mtu ?? 1_420,
            linkUp: true,
          },
    running: null,
    settled: [],
  },
  peerCount: state === 'down' ? null : 2,
  reported: [],
  owner: null,
  revision: 'digest-1',
});

const publicOf = ({ privateKey }: InterfaceConfig): InterfaceKey | null =>
  privateKey === null ? null : InterfaceKey.fromPublic(privateKey.publicKey);

/** Neither file nor device. */
export const nothingThere: Observation = {
  agent,
  interface: { file: null, device: null, running: null, settled: [] },
  peerCount: null,
  reported: [],
  owner: null,
  revision: undefined,
};

const config: InterfaceConfig = {
  ...EMPTY_CONFIG,
  privateKey: InterfaceKey.fromPrivate(KEY),
  listenPort: 51_820,
  addresses: [cidr('10.0.0.1/24')],
};

/** What a look at a host shows on which all is well. */
export const observation: Observation = observationOf(config);

/** The same host with its interface taken down. */
export const observationDown: Observation = observationOf(config, 'down');
