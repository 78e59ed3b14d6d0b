import type { ConfigAnswer, HealthAnswer } from '../../agent/protocol/messages.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { desired } from '../../controller/reconcile/desired.ts';
import type { Seen } from '../../controller/reconcile/outcome.ts';
import { nodeWith } from './node-builder.ts';

export const KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));
export const PUBLIC_KEY = desired(nodeWith(), KEY).publicKey;
export const NOW_MS = Date.parse('2026-02-01T00:00:00Z');

export const health: HealthAnswer = {
  status: 'ok',
  timestamp: 1_767_225_600,
  uptime: 3_600,
  version: '0.1.0',
  name: 'wgnode-agent',
  capabilities: ['plan', 'dry-run'],
  epoch: 'epoch-1',
};

export const answer: ConfigAnswer = {
  interface: 'wg0',
  config: {
    private_key: null,
    listen_port: 51_820,
    address: '10.0.0.1/24',
    post_up: null,
    pre_down: null,
    mtu: null,
    dns: null,
    table: null,
    raw_config: '',
  },
  spec: {
    listen_port: 51_820,
    address: ['10.0.0.1/24'],
    mtu: null,
    dns: [],
    table: null,
    fw_mark: null,
    pre_up: [],
    post_up: [],
    pre_down: [],
    post_down: [],
    save_config: false,
  },
  live: { listen_port: 51_820, fw_mark: null, address: ['10.0.0.1/24'], mtu: 1_420, link_up: true, peer_count: 2 },
  state: 'up',
  public_key: PUBLIC_KEY,
  live_public_key: PUBLIC_KEY,
  unmanaged: [],
  drift: [],
  digest: 'digest-1',
};

/** What a look at a host shows on which all is well. */
export const seen: Seen = { health, answer };
