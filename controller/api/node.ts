import type { WireGuardNode } from './wireguardnode.generated.ts';

/** The group of our kinds, annotations and finalizers. */
const GROUP = 'wgnode.dev';
/** On an object whose deletion does something on its host. */
export const FINALIZER = `${GROUP}/interface`;
/** An annotation: any new value asks for a reconcile, and is told back in `status.lastHandledReconcileRequest`. */
export const RECONCILE_REQUEST = `${GROUP}/reconcile-requested-at`;
/** Field manager of our patches and reporter of our events. */
export const CONTROLLER_NAME = 'wgnode-controller';

/** Whether an annotation is one of ours. */
export const isOwnAnnotation = (key: string): boolean => key.startsWith(`${GROUP}/`);

/** `namespace/name`, the only thing that the queue carries. */
export const keyOf = ({ metadata }: WireGuardNode): string => `${metadata.namespace}/${metadata.name}`;

/** Whether the URL can be parsed at all: the schema lets a few through that no URL parser takes, such as `https://1.2.3.999`. */
export const isUrl = (text: string): boolean => URL.canParse(text);

/**
 * The host and port of the agent, in one spelling for all ways to write it: two objects with equal ones mean the same host. Never
 * throws, as it indexes every object: text that is no URL is its own origin.
 */
export function agentOrigin(node: WireGuardNode): string {
  const { url } = node.spec.agent;
  if (!isUrl(url)) return url;
  const { protocol, hostname, port } = new URL(url);
  return `${protocol}//${hostname}:${port === '' ? (protocol === 'http:' ? '80' : '443') : port}`;
}

/** What only one object may own: one interface of one host. */
export const claimOf = (node: WireGuardNode): string => `${agentOrigin(node)} ${node.spec.interface.name}`;

/** The Secrets that the object names, as `namespace/name`; always of its own namespace. */
export const secretKeysOf = ({ metadata, spec }: WireGuardNode): string[] => [
  `${metadata.namespace}/${spec.agent.secretRef.name}`,
  `${metadata.namespace}/${spec.interface.privateKeySecretRef.name}`,
];
