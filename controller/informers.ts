import { claimOf, COLLECTION_PATH, GROUP, keyOf, secretKeysOf, VERSION } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { KubeClient } from './cluster/kube-client.ts';
import { createListWatch } from './cluster/list-watch.ts';
import { type SecretMetadata, slimNode, slimSecret } from './cluster/slim.ts';
import type { Logger } from './log.ts';
import type { Clock } from './runtime/clock.ts';
import type { Queue } from './runtime/queue.ts';
import { type ReflectorHandler, runReflector } from './runtime/reflector.ts';
import { createStore, type Store } from './runtime/store.ts';

export const createNodeStore = (): Store<WireGuardNode> =>
  createStore({
    keyOf,
    versionOf: ({ metadata }) => metadata.resourceVersion,
    indexes: { claim: (node) => [claimOf(node)], secret: secretKeysOf },
  });

/** What an edit changes; our own status writes change none of it and must not wake us. */
const fingerprint = ({ metadata }: WireGuardNode): string =>
  JSON.stringify([
    metadata.uid,
    metadata.generation,
    metadata.deletionTimestamp,
    metadata.annotations,
    metadata.finalizers,
  ]);

/** Maps events of WireGuardNodes to keys: the object's own, and those of its rivals when a claim comes free. */
export function nodeHandler(
  nodes: Store<WireGuardNode>,
  queue: Queue,
  failed: ReflectorHandler<WireGuardNode>['failed'],
): ReflectorHandler<WireGuardNode> & { readonly synced: () => boolean } {
  let synced = false;
  const wakeRivals = (node: WireGuardNode): void => {
    for (const key of nodes.withIndex('claim', claimOf(node))) if (key !== keyOf(node)) queue.add(key, 'edit');
  };
  const apply = (node: WireGuardNode): void => {
    const key = keyOf(node);
    const former = nodes.get(key);
    if (!nodes.apply(node)) return;
    if (former !== undefined && fingerprint(former) === fingerprint(node)) return;
    // At start, objects that were judged before a restart are mere checks.
    const isJudged = former === undefined && !synced && node.status.observedGeneration === node.metadata.generation;
    queue.add(key, isJudged ? 'check' : 'edit');
    if (former !== undefined && claimOf(former) !== claimOf(node)) wakeRivals(former);
  };
  const remove = (node: WireGuardNode): void => {
    nodes.remove(keyOf(node));
    queue.add(keyOf(node), 'edit');
    wakeRivals(node);
  };
  return {
    synced: () => synced,
    apply,
    remove,
    failed,
    replace(objects) {
      const present = new Set(objects.map(keyOf));
      for (const node of nodes.keys().flatMap((key) => nodes.get(key) ?? []))
        if (!present.has(keyOf(node))) remove(node);
      objects.forEach(apply);
      synced = true;
    },
  };
}

/** Maps a Secret that came, changed or went to the objects that name it. */
export function secretHandler(
  nodes: Store<WireGuardNode>,
  queue: Queue,
  failed: ReflectorHandler<SecretMetadata>['failed'],
): ReflectorHandler<SecretMetadata> {
  const known = new Map<string, string>();
  // The first list wakes nobody: every object is looked at then anyway.
  let filled = false;
  const wake = (key: string): void => {
    for (const node of nodes.withIndex('secret', key)) queue.add(node, 'edit');
  };
  const apply = ({ key, resourceVersion }: SecretMetadata): void => {
    if (known.get(key) === resourceVersion) return;
    known.set(key, resourceVersion);
    wake(key);
  };
  const remove = ({ key }: SecretMetadata): void => {
    known.delete(key);
    wake(key);
  };
  return {
    apply,
    remove,
    failed,
    replace(objects) {
      if (!filled) for (const { key, resourceVersion } of objects) known.set(key, resourceVersion);
      filled = true;
      const present = new Set(objects.map(({ key }) => key));
      for (const key of [...known.keys()]) if (!present.has(key)) remove({ key, resourceVersion: '' });
      objects.forEach(apply);
    },
  };
}

export interface InformerParts {
  readonly client: KubeClient;
  readonly namespace: string | undefined;
  readonly nodes: Store<WireGuardNode>;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Starts both watches; `synced` turns true when every WireGuardNode is known. */
export function startInformers(parts: InformerParts): {
  readonly synced: () => boolean;
  readonly ended: Promise<unknown>;
} {
  const { client, namespace, nodes, queue, log, random } = parts;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const nodesPath = namespace === undefined ? COLLECTION_PATH : `/apis/${GROUP}/${VERSION}${scope}/wireguardnodes`;
  const failed = (collection: string) => (what: 'list' | 'watch', error: unknown) => {
    log.warn(`cannot ${what} ${collection}; trying again`, {
      error: error instanceof Error ? error.message : String(error),
    });
  };
  const handler = nodeHandler(nodes, queue, failed('wireguardnodes'));
  const ended = Promise.all([
    runReflector({
      ...parts,
      handler,
      source: createListWatch({ client, path: nodesPath, as: 'whole', slim: slimNode, random }),
    }),
    runReflector({
      ...parts,
      handler: secretHandler(nodes, queue, failed('secrets')),
      source: createListWatch({ client, path: `/api/v1${scope}/secrets`, as: 'metadata', slim: slimSecret, random }),
    }),
  ]);
  return { synced: handler.synced, ended };
}
