import type { Owner } from '../../agent/protocol/owner.ts';
import type { Secret } from '../../agent/protocol/secret.ts';
import type { RefusalReason } from '../../controller/api/conditions.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import type { ManagementSpec, WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import type { Applied, Failure } from '../../controller/drivers/driver.ts';
import { keyOf } from '../../controller/api/node.ts';
import { desired } from '../../controller/policy/desired.ts';
import type { Conflicting } from '../../controller/policy/input.ts';
import type { Outcome } from '../../controller/policy/outcome.ts';
import { type LocalState, newLocalState } from '../../controller/reconcile/local-state.ts';
import { type SyncDependencies, syncInterface } from '../../controller/reconcile/sync-interface.ts';
import { createHosts } from '../../controller/reconcile/hosts.ts';
import { createQueue } from '../../controller/runtime/queue.ts';
import { found, HMAC_KEY, type InputParts, inputOf, POLICY } from './check-input.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryDriver } from './memory-driver.ts';
import { nodeWith } from './node-builder.ts';
import { KEY, KEY_PAIR } from './observed-host.ts';

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
    const { specHash, publicKey } = desired(node, KEY_PAIR);
    node.status.applied = { generation: 3, specHash, publicKey, url: node.spec.agent.url };
    // What was asked of a spec is remembered by it.
    node.spec = structuredClone(node.spec);
    edit(node);
  });

/** What a host says that was last changed for this node. */
export const ownerOf = (node: WireGuardNode, over: Partial<Owner> = {}): Owner => ({
  ...{ id: node.metadata.uid, name: keyOf(node), cluster: POLICY.cluster, since: '2026-01-05T00:00:00Z' },
  ...over,
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
  readonly queue = createQueue(this.clock);
  /** Whose turn it is on the host, and whether that is away: as all objects of this process share it. */
  readonly hosts = createHosts(this.queue, () => 0, this.clock.now);
  /** `type reason` of what is told beside the outcome. */
  readonly told: string[] = [];
  /** Other objects that may have the interface. */
  conflicting: Conflicting = { accepted: [], byUid: () => undefined };
  /** What the Secret of the private key holds by the time that it is sent. */
  secret: Secret | undefined = KEY;
  /** What else the cluster has, or what it has not. */
  parts: InputParts = { keySecret: found({ privateKey: KEY.reveal() }) };
  readonly #node: WireGuardNode;

  /** The host has what the node wants, but for `drift`, and knows whose it is. */
  constructor(node: WireGuardNode, drift: Partial<InterfaceConfig> = {}) {
    this.#node = node;
    this.host.owner = ownerOf(node);
    this.host.edit({ ...desired(appliedNode(), KEY_PAIR).config, ...drift });
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
      hosts: this.hosts,
      secrets: { privateKey: () => Promise.resolve(this.secret) },
      clock: this.clock,
      signal: new AbortController().signal,
      isCurrent: () => true,
      isWanted: () => true,
      ...over,
    };
    const input = inputOf(this.#node, {
      agentSecret: found({ 'hmac-key': HMAC_KEY }),
      conflicting: this.conflicting,
      ...this.parts,
    });
    const steps = syncInterface(input, this.local, dependencies);
    for (;;) {
      const step = await steps.next();
      if (step.done !== true) this.interim.push(step.value.kind);
      else {
        // As after the outcome was written.
        this.local = { ...step.value.local, written: this.#node.status };
        this.told.push(...(step.value.events ?? []).map(({ type, reason }) => `${type} ${reason}`));
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
