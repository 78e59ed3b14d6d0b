import type { Secret } from '../../agent/protocol/secret.ts';
import type { RefusalReason } from '../../controller/api/conditions.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type { ManagementSpec, WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import type { Applied, Failure } from '../../controller/drivers/driver.ts';
import { desired } from '../../controller/policy/desired.ts';
import type { Outcome } from '../../controller/policy/outcome.ts';
import { type LocalState, newLocalState } from '../../controller/reconcile/local-state.ts';
import { type SyncDependencies, syncInterface } from '../../controller/reconcile/sync-interface.ts';
import { createKeyLock } from '../../controller/runtime/key-lock.ts';
import { found, HMAC_KEY, inputOf } from './check-input.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryDriver } from './memory-driver.ts';
import { nodeWith } from './node-builder.ts';
import { KEY } from './observed-host.ts';

export const MTU = 'spec.interface.mtu';

export const refusedFor = (reason: RefusalReason): Failure => ({
  kind: 'refused',
  refusal: { reason, message: 'The agent says no' },
});

export const failedApply = (restored: boolean): Applied => ({ kind: 'failed', message: 'It broke', restored });

export type Edit = (node: WireGuardNode) => void;

/** A node whose spec was applied before, unless the edit says otherwise. */
export const appliedNode = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.spec.interface, { listenPort: 51_820, addresses: ['10.0.0.1/24'], mtu: 1_400 });
    const { specHash, publicKey } = desired(node, KEY);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url };
    edit(node);
  });

/** A node, its host behind a driver, and what the controller remembers of it. */
export class SyncBench {
  readonly host = new MemoryDriver();
  readonly clock = new ManualClock();
  local: LocalState;
  /** Outcomes that were yielded before the end. */
  readonly interim: string[] = [];
  /** Credentials that drivers were asked for. */
  readonly opened: (Secret | undefined)[] = [];
  readonly #node: WireGuardNode;

  /** The host has what the node wants, but for `drift`. */
  constructor(node: WireGuardNode, drift: Partial<InterfaceConfig> = {}) {
    this.#node = node;
    this.host.edit({ ...desired(appliedNode(), KEY).config, ...drift });
    this.local = newLocalState(node.metadata.uid);
  }

  async sync(over: Partial<SyncDependencies> = {}): Promise<Outcome> {
    const dependencies: SyncDependencies = {
      drivers: {
        open: (_node, credentials) => {
          this.opened.push(credentials.get('hmac-key'));
          return this.host;
        },
        close: () => Promise.resolve(),
      },
      hostLocks: createKeyLock(),
      clock: this.clock,
      signal: new AbortController().signal,
      isCurrent: () => true,
      ...over,
    };
    const input = inputOf(this.#node, {
      agentSecret: found({ 'hmac-key': HMAC_KEY }),
      keySecret: found({ privateKey: KEY.reveal() }),
    });
    const steps = syncInterface(input, this.local, dependencies);
    for (;;) {
      const step = await steps.next();
      if (step.done !== true) this.interim.push(step.value.kind);
      else {
        this.local = step.value.local;
        return step.value.outcome;
      }
    }
  }
}

export const DRIFT = { mtu: 1_300 };
export const managed =
  (over: Partial<ManagementSpec>): Edit =>
  ({ spec }) => {
    Object.assign(spec.management, over);
  };
