import type { Store } from '../runtime/store.ts';
import { claimOf, keyOf, secretKeysOf } from './node.ts';
import { type ObjectVersion, trimNode, trimReferenced } from './trim.ts';
import type { WireGuardNode } from './wireguardnode.generated.ts';

/** A kind of object of the API server. */
export interface Kind {
  /** Empty = the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** As in paths: `wireguardnodes`. */
  readonly plural: string;
}

/** A kind that is watched. */
export interface WatchedKind<T> extends Kind {
  /** `metadata`: contents never reach this process. */
  readonly view: 'whole' | 'metadata';
  /** What is kept of an object. */
  readonly trim: (raw: never) => T;
}

/** A kind whose objects are reconciled. Its CRD is `crds/PLURAL.GROUP.yaml`; its types are made from that. */
export interface ReconciledKind<T> extends WatchedKind<T> {
  /** `namespace/name` */
  readonly keyOf: (object: T) => string;
  readonly uidOf: (object: T) => string;
  readonly versionOf: (object: T) => string;
  /** What an edit changes; our own writes of status change none of it and must not wake us. */
  readonly fingerprint: (object: T) => string;
  /** Whether it was judged before: at start such an object is a mere resync. */
  readonly isJudged: (object: T) => boolean;
  readonly indexes: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** What only one object may have; the others that want it wake when one lets go. */
  readonly claimOf: (object: T) => string;
}

/** A kind whose objects are referred to by those that are reconciled. */
export interface ReferencedKind extends WatchedKind<ObjectVersion> {
  /** The keys of the objects that a change of the object with this key concerns. */
  readonly wakes: (objects: Pick<Store<unknown>, 'withIndex'>, key: string) => readonly string[];
}

/** The kind that this controller is for. */
export const WIREGUARD_NODE: ReconciledKind<WireGuardNode> = {
  group: 'wgnode.dev',
  version: 'v1alpha1',
  kind: 'WireGuardNode',
  plural: 'wireguardnodes',
  view: 'whole',
  trim: trimNode,
  keyOf,
  uidOf: ({ metadata }) => metadata.uid,
  versionOf: ({ metadata }) => metadata.resourceVersion,
  fingerprint: ({ metadata: { uid, generation, deletionTimestamp, annotations, finalizers } }) =>
    JSON.stringify([uid, generation, deletionTimestamp, annotations, finalizers]),
  isJudged: ({ metadata, status }) => status.observedGeneration === metadata.generation,
  indexes: { claim: (node) => [claimOf(node)], secret: secretKeysOf },
  claimOf,
};

/** Secrets are watched by their metadata; a reconcile reads the few that it needs. */
export const SECRET: ReferencedKind = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  view: 'metadata',
  trim: trimReferenced,
  wakes: (objects, key) => objects.withIndex('secret', key),
};

/** The kinds that are reconciled: each has a CRD, and types that are made from it. */
export const RECONCILED = [WIREGUARD_NODE] as const;

/** The kinds that a spec refers to: one more is a row here, an index of the kind that refers to it, and a rule in the controller's role. */
export const REFERENCED: readonly ReferencedKind[] = [SECRET];

/** What we tell people of; written, never watched. */
export const EVENT: Kind = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events' };

/** As in `apiVersion`. */
export const apiVersionOf = ({ group, version }: Kind): string => (group === '' ? version : `${group}/${version}`);

/** The path of all objects of a kind, or of those of one namespace. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}${scope}/${kind.plural}`;
}

/** The path of the object with this key. */
export function objectPath(kind: Kind, key: string): string {
  const [namespace = '', name = ''] = key.split('/');
  return `${collectionPath(kind, namespace)}/${name}`;
}
