import type { InterfaceKey } from '../../agent/protocol/interface-key.ts';
import type { Secret } from '../../agent/protocol/secret.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';

/** One Secret as it was read for this reconcile. */
export type SecretRead =
  | { readonly kind: 'found'; readonly data: ReadonlyMap<string, Secret> }
  | { readonly kind: 'missing' }
  /** RBAC does not let us read it. */
  | { readonly kind: 'forbidden' };

/** The private key that an object names. Of the key itself only its public half is kept: the whole of it is read when it has to be sent. */
export type KeyRead =
  | { readonly kind: 'found'; readonly key: InterfaceKey }
  /** The Secret lacks the entry. */
  | { readonly kind: 'no-entry' }
  /** The entry is no private key. */
  | { readonly kind: 'no-key' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'forbidden' };

/** What the operator of the controller allows. */
export interface OperatorPolicy {
  readonly allowHttpAgents: boolean;
  /** Who reads an object may learn the namespaces of others. */
  readonly showOtherNamespaces: boolean;
  /** Tells this cluster from others; empty = not known. */
  readonly cluster: string;
  /** Of the present leader; undefined = there is no election. */
  readonly term: number | undefined;
}

/** Other objects of the cluster that may have the interface. */
export interface Conflicting {
  /** Those that name the same host in the same words, and that its agent has accepted. */
  readonly accepted: readonly WireGuardNode[];
  /** The object with this UID, if there is one. */
  readonly byUid: (uid: string) => WireGuardNode | undefined;
}

/** Everything of the cluster that one reconcile judges, gathered before anything is decided. */
export interface Input {
  readonly node: WireGuardNode;
  readonly agentSecret: SecretRead;
  readonly key: KeyRead;
  readonly conflicting: Conflicting;
  readonly policy: OperatorPolicy;
}
