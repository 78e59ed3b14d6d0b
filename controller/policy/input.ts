import type { Secret } from '../../agent/protocol/secret.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';

/** One Secret as it was read for this reconcile. */
export type SecretRead =
  | { readonly kind: 'found'; readonly data: ReadonlyMap<string, Secret> }
  | { readonly kind: 'missing' }
  /** RBAC does not let us read it. */
  | { readonly kind: 'forbidden' };

/** What the operator of the controller allows. */
export interface OperatorPolicy {
  readonly allowHttpAgents: boolean;
  /** The least signature scheme where an object names none. */
  readonly minSignature: 'v1' | 'v2';
}

/** Everything of the cluster that one reconcile judges, gathered before anything is decided. */
export interface Input {
  readonly node: WireGuardNode;
  readonly agentSecret: SecretRead;
  readonly keySecret: SecretRead;
  /** The other objects that claim the same interface of the same host. */
  readonly conflicting: readonly WireGuardNode[];
  readonly policy: OperatorPolicy;
}
