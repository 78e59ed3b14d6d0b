import type { Store } from '../runtime/store.ts';
import { conditionOf } from './conditions.ts';
import { claimOf, keyOf, secretKeysOf } from './node.ts';
import { isReadableNode, type ObjectVersion, trimNode, trimReferenced } from './trim.ts';
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
  /** Whether `trim` can be given it; what cannot be read is as if it were not there. */
  readonly isReadable: (raw: object) => boolean;
}

/** A kind whose objects are reconciled. Its CRD is `crds/PLURAL.GROUP.yaml`; its types are made from that. */
export interface ReconciledKind<T> extends WatchedKind<T> {
  /** `namespace/name` */
  readonly keyOf: (object: T) => string;
  readonly uidOf: (object: T) => string;
  readonly versionOf: (object: T) => string;
  /** What an edit changes; our own writes of status change none of it and must not wake us. */
  readonly fingerprint: (object: T) => string;
  /** Whether two states of an object differ in nothing of the fingerprint but their finalizers. */
  readonly differsInFinalizers: (left: T, right: T) => boolean;
  /** Whether it was judged before: at start such an object is a mere resync. */
  readonly isJudged: (object: T) => boolean;
  readonly indexes: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** What an object may keep from others: as long as this text stays, so does that. */
  readonly claimOf: (object: T) => string;
  /** What others may have made of the object's status. */
  readonly statusOf: (object: T) => unknown;
}

/** A kind whose objects are referred to by those that are reconciled. */
export interface ReferencedKind extends WatchedKind<ObjectVersion> {
  /** The keys of the objects that a change of the object with this key concerns. */
  readonly wakes: (objects: Pick<Store<unknown>, 'withIndex'>, key: string) => readonly string[];
}

/** What people change of an object. */
const editsOf = ({ metadata: { uid, generation, deletionTimestamp, annotations } }: WireGuardNode): unknown[] => [
  uid,
  generation,
  deletionTimestamp,
  annotations,
];

/** The kind that this controller is for. */
export const WIREGUARD_NODE: ReconciledKind<WireGuardNode> = {
  group: 'wgnode.dev',
  version: 'v1alpha1',
  kind: 'WireGuardNode',
  plural: 'wireguardnodes',
  view: 'whole',
  trim: trimNode,
  isReadable: isReadableNode,
  keyOf,
  uidOf: ({ metadata }) => metadata.uid,
  versionOf: ({ metadata }) => metadata.resourceVersion,
  fingerprint: (node) => JSON.stringify([...editsOf(node), node.metadata.finalizers]),
  differsInFinalizers: (left, right) =>
    JSON.stringify(editsOf(left)) === JSON.stringify(editsOf(right)) &&
    JSON.stringify(left.metadata.finalizers) !== JSON.stringify(right.metadata.finalizers),
  isJudged: ({ metadata, status }) => status.observedGeneration === metadata.generation,
  indexes: {
    claim: (node) => [claimOf(node)],
    secret: secretKeysOf,
    uid: ({ metadata }) => [metadata.uid],
    // Those that wait for somebody else to let go.
    waiting: ({ status }) => (conditionOf(status.conditions, 'Ready')?.reason === 'Conflict' ? ['Conflict'] : []),
  },
  claimOf: (node) => {
    const { uid, deletionTimestamp } = node.metadata;
    return JSON.stringify([uid, deletionTimestamp, claimOf(node), node.spec.suspend, node.spec.management.mode]);
  },
  statusOf: ({ status }) => status,
};

/** Secrets are watched by their metadata; a reconcile reads the few that it needs. */
export const SECRET: ReferencedKind = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  view: 'metadata',
  trim: trimReferenced,
  isReadable: () => true,
  wakes: (objects, key) => objects.withIndex('secret', key),
};

/** The kinds that are reconciled: each has a CRD, and types that are made from it. */
export const RECONCILED = [WIREGUARD_NODE] as const;

/** What we tell people of; written, never watched. */
export const EVENT: Kind = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events' };

/** Who leads. */
export const LEASE: Kind = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases' };

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
