import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { EventRecorder } from '../cluster/events.ts';
import type { NodeWriter } from '../cluster/node-writer.ts';
import type { SecretReader } from '../cluster/secrets.ts';
import type { Drivers } from '../drivers/driver.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { OperatorPolicy } from '../policy/input.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../runtime/store.ts';
import type { Hosts } from './hosts.ts';
import type { LocalStates } from './local-state.ts';

/** Everything that a reconcile works with, put together in main.ts. */
export interface Dependencies {
  readonly secrets: SecretReader;
  readonly nodes: Store<WireGuardNode>;
  /** Takes the answers to our own writes into the cache, and wakes the object if they hold more than we wrote. */
  readonly takeWritten: (node: WireGuardNode) => void;
  readonly writer: NodeWriter;
  readonly events: EventRecorder;
  readonly drivers: Drivers;
  readonly hosts: Hosts;
  readonly localStates: LocalStates;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly policy: OperatorPolicy;
  readonly clock: Clock;
  /** How far the clock of the API server is ahead of ours, ms. */
  readonly serverOffsetMs: () => number;
  /** Whether this controller is certain to lead now: asked right before a host is changed. */
  readonly mayChange: () => boolean;
  /** 0..1, exclusive of 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}
