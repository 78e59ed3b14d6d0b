import { isOwnAnnotation } from './node.ts';
import type { ObjectMeta, WireGuardNode } from './wireguardnode.generated.ts';

/** Our own annotations; those of others (kubectl's last-applied one is as big as the object) are not kept. */
const ownAnnotations = (annotations: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => isOwnAnnotation(key)));

/** What of a WireGuardNode is kept in memory: an allow list, because managedFields alone double an object. */
export function trimNode(object: WireGuardNode): WireGuardNode {
  const { metadata } = object;
  const trimmed: ObjectMeta = {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    generation: metadata.generation,
    creationTimestamp: metadata.creationTimestamp,
    ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
    annotations: ownAnnotations(metadata.annotations),
    finalizers: metadata.finalizers ?? [],
  };
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: trimmed,
    spec: object.spec,
    // Defaulted by the API server, if the schema under which it was stored had that.
    status: {
      ...object.status,
      conditions: (object.status as Partial<typeof object.status> | undefined)?.conditions ?? [],
    },
  };
}

/** Whether it is an object of our schema at all: one that was stored under an older, looser one need not be. */
export function isReadableNode({ spec }: { readonly spec?: unknown }): boolean {
  const { agent, interface: own, management } = partsOf(spec);
  const names = [
    partsOf(agent)['url'],
    partsOf(partsOf(agent)['secretRef'])['name'],
    partsOf(own)['name'],
    partsOf(partsOf(own)['privateKeySecretRef'])['name'],
  ];
  return names.every((name) => typeof name === 'string') && typeof management === 'object' && management !== null;
}

const partsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** An object as a watch of its metadata knows it: that it is there and that it changed, never what it holds. */
export interface ObjectVersion {
  /** `namespace/name` */
  readonly key: string;
  readonly resourceVersion: string;
}

/** What is kept of an object that is referred to. */
export const trimReferenced = ({ metadata }: { readonly metadata: ObjectMeta }): ObjectVersion => ({
  key: `${metadata.namespace}/${metadata.name}`,
  resourceVersion: metadata.resourceVersion,
});
