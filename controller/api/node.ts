import { LRUCache } from 'lru-cache';
import type { WireGuardNode } from './wireguardnode.generated.ts';

/** The group of our kinds, annotations and finalizers. */
const GROUP = 'wgnode.dev';
/** On an object whose deletion does something on its host. */
export const FINALIZER = `${GROUP}/interface`;
/** An annotation: any new value asks for a reconcile, and is told back in `status.lastHandledReconcileRequest`. */
export const RECONCILE_REQUEST = `${GROUP}/reconcile-requested-at`;
/** An annotation: any new value lets the object have an interface that belongs to another cluster. */
export const TAKE_OVER = `${GROUP}/take-over`;
/** As long as the schema lets `status.lastHandledReconcileRequest` and `lastHandledTakeOver` be. */
const MAX_TOKEN = 253;

/** The value of such an annotation, as status can hold it: half of a character would come back as another one, and differ for ever. */
export const tokenOf = (value: string | undefined): string | undefined =>
  value?.slice(0, MAX_TOKEN).replace(/[\uD800-\uDBFF]$/, '');

/** Field manager of our patches and reporter of our events. */
export const CONTROLLER_NAME = 'wgnode-controller';

/** Whether an annotation is one of ours. */
export const isOwnAnnotation = (key: string): boolean => key.startsWith(`${GROUP}/`);

/** `namespace/name`, the only thing that the queue carries. */
export const keyOf = ({ metadata }: WireGuardNode): string => `${metadata.namespace}/${metadata.name}`;

/** Whether the URL can be parsed at all: the schema lets a few through that no URL parser takes, such as `https://1.2.3.999`. */
export const isUrl = (text: string): boolean => URL.canParse(text);

/** Asked several times at every look. */
const origins = new LRUCache<string, string>({ max: 20_000 });

/**
 * Scheme, host and port of an agent, in one spelling for all ways to write it. Never throws, as it indexes every object: text that is no
 * URL is its own origin.
 */
export function originOf(url: string): string {
  const known = origins.get(url);
  if (known !== undefined) return known;
  const origin = parsedOrigin(url);
  origins.set(url, origin);
  return origin;
}

function parsedOrigin(url: string): string {
  if (!isUrl(url)) return url;
  const { protocol, hostname, port } = new URL(url);
  return `${protocol}//${hostname.replace(/\.$/, '')}:${port === '' ? (protocol === 'http:' ? '80' : '443') : port}`;
}

/** The origin of the object's agent. */
export const agentOrigin = (node: WireGuardNode): string => originOf(node.spec.agent.url);

/** The object as if it named the agent at another URL. */
export const nodeAt = (node: WireGuardNode, url: string): WireGuardNode =>
  node.spec.agent.url === url ? node : { ...node, spec: { ...node.spec, agent: { ...node.spec.agent, url } } };

/** Whether two URLs name the same agent. */
export const isSameAgent = (left: string | undefined, right: string): boolean =>
  left !== undefined && (left === right || originOf(left) === originOf(right));

/** One interface of one host, as the object spells it. Whose it is says the host. */
export const claimOf = (node: WireGuardNode): string => `${agentOrigin(node)} ${node.spec.interface.name}`;

/** The Secrets that the object names, as `namespace/name`; always of its own namespace. */
export const secretKeysOf = ({ metadata, spec }: WireGuardNode): string[] => [
  `${metadata.namespace}/${spec.agent.secretRef.name}`,
  `${metadata.namespace}/${spec.interface.privateKeySecretRef.name}`,
];
