import type { InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { cidr } from '../../fixtures/cidr.ts';
import { configOf, DEFAULT_ROUTE, INTENTS, OTHER_HOOKS, OTHER_INTENTS, PLAIN, WITH_INTENTS } from './tunnel.ts';

/** What the agent is asked for: a configuration, up or down. */
export interface Target {
  readonly state: 'up' | 'down';
  readonly config: InterfaceConfig;
}

/** One way of changing an interface whose every point gets every fault. */
export interface Operation {
  readonly name: string;
  /** The file that it begins with. */
  readonly file: string;
  readonly from: Target;
  readonly to: Target;
  /** The agent has done nothing in its life yet: what it asks a host only once is asked again. */
  readonly isFirst?: boolean;
}

const up = (file: string, change: Partial<InterfaceConfig> = {}): Target => ({
  state: 'up',
  config: configOf(file, change),
});
const down = (file: string): Target => ({ state: 'down', config: configOf(file) });

const LIVE_CHANGE = {
  mtu: 1380,
  addresses: [cidr('10.7.0.1/24'), cidr('fd07::1/64'), cidr('10.7.1.1/24')],
  listenPort: 51_821,
};

export const OPERATIONS: readonly Operation[] = [
  { name: 'up', file: PLAIN, from: down(PLAIN), to: up(PLAIN) },
  { name: 'the first up of an agent', file: PLAIN, from: down(PLAIN), to: up(PLAIN), isFirst: true },
  { name: 'up with a default route', file: DEFAULT_ROUTE, from: down(DEFAULT_ROUTE), to: up(DEFAULT_ROUTE) },
  { name: 'down with a default route', file: DEFAULT_ROUTE, from: up(DEFAULT_ROUTE), to: down(DEFAULT_ROUTE) },
  { name: 'a live change', file: PLAIN, from: up(PLAIN), to: up(PLAIN, LIVE_CHANGE) },
  { name: 'a restart', file: DEFAULT_ROUTE, from: up(DEFAULT_ROUTE), to: up(DEFAULT_ROUTE, { table: 'off' }) },
  { name: 'a change of hooks', file: PLAIN, from: up(PLAIN), to: up(PLAIN, OTHER_HOOKS) },
  { name: 'firewall intents', file: PLAIN, from: up(PLAIN), to: up(PLAIN, { firewall: INTENTS }) },
  {
    name: 'other firewall intents',
    file: WITH_INTENTS,
    from: up(WITH_INTENTS),
    to: up(WITH_INTENTS, { firewall: OTHER_INTENTS }),
  },
];
