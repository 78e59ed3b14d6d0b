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

export interface NodeHandler extends ReflectorHandler<WireGuardNode> {
  readonly synced: () => boolean;
  /** Takes the answer to a write of our own: it may hold an edit that the watch has not brought yet, and the object may be gone. */
  readonly takeWritten: (node: WireGuardNode) => void;
}

/** Maps events of WireGuardNodes to keys: the object's own, and those of the objects that conflict with it when a claim comes free. */
export function nodeHandler(
  nodes: Store<WireGuardNode>,
  queue: Queue,
  failed: ReflectorHandler<WireGuardNode>['failed'],
): NodeHandler {
  let synced = false;
  const wakeConflicting = (node: WireGuardNode): void => {
    for (const key of nodes.withIndex('claim', claimOf(node))) if (key !== keyOf(node)) queue.add(key, 'edit');
  };
  const wake = (node: WireGuardNode, former: WireGuardNode | undefined): void => {
    if (former !== undefined && fingerprint(former) === fingerprint(node)) return;
    // At start, objects that were judged before a restart are mere checks.
    const isJudged = !synced && node.status.observedGeneration === node.metadata.generation;
    queue.add(keyOf(node), former === undefined && isJudged ? 'check' : 'edit');
    const letsGo =
      former !== undefined && (former.metadata.uid !== node.metadata.uid || claimOf(former) !== claimOf(node));
    if (letsGo) wakeConflicting(former);
  };
  const apply = (node: WireGuardNode): void => {
    const former = nodes.get(keyOf(node));
    if (nodes.apply(node)) wake(node, former);
  };
  const remove = (node: WireGuardNode): void => {
    nodes.remove(keyOf(node));
    queue.add(keyOf(node), 'edit');
    wakeConflicting(node);
  };
  return {
    synced: () => synced,
    apply,
    remove,
    failed,
    takeWritten(node) {
      if (nodes.get(keyOf(node))?.metadata.uid === node.metadata.uid) apply(node);
    },
    replace(objects) {
      const present = new Set(objects.map(keyOf));
      for (const node of nodes.keys().flatMap((key) => nodes.get(key) ?? []))
        if (!present.has(keyOf(node))) remove(node);
      for (const node of objects) {
        const former = nodes.get(keyOf(node));
        nodes.put(node);
        wake(node, former);
      }
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
      if (!filled) {
        // Reconciles may have read Secrets before this list: they look again, but no edit waits for that.
        for (const { key, resourceVersion } of objects) {
          known.set(key, resourceVersion);
          for (const node of nodes.withIndex('secret', key)) queue.add(node, 'check');
        }
      }
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

export interface Informers {
  /** Whether every WireGuardNode is known. */
  readonly synced: () => boolean;
  readonly takeWritten: (node: WireGuardNode) => void;
  readonly ended: Promise<unknown>;
}

/** Starts both watches. */
export function startInformers(parts: InformerParts): Informers {
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
  return { synced: handler.synced, takeWritten: handler.takeWritten, ended };
}
