import type { ObjectMeta, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { GROUP } from '../api/node.ts';

/** Our own annotations; those of others (kubectl's last-applied one is as big as the object) are not kept. */
const ownAnnotations = (annotations: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(`${GROUP}/`)));

/** What of a WireGuardNode is kept in memory: an allow list, because managedFields alone double an object. */
export function slimNode(object: WireGuardNode): WireGuardNode {
  const { metadata } = object;
  const slim: ObjectMeta = {
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
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: slim, spec: object.spec, status: object.status };
}

/** A Secret as the watch knows it: that it is there and that it changed, never what it holds. */
export interface SecretMetadata {
  /** `namespace/name` */
  readonly key: string;
  readonly resourceVersion: string;
}

export const slimSecret = ({ metadata }: { readonly metadata: ObjectMeta }): SecretMetadata => ({
  key: `${metadata.namespace}/${metadata.name}`,
  resourceVersion: metadata.resourceVersion,
});
