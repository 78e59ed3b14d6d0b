import { REFERENCED, type ReconciledKind, type ReferencedKind, WIREGUARD_NODE } from '../api/kinds.ts';
import type { ObjectVersion } from '../api/trim.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { KubeClient } from '../cluster/kube-client.ts';
import { createListWatch } from '../cluster/list-watch.ts';
import type { Logger } from '../log.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Queue } from '../runtime/queue.ts';
import { type ReflectorHandler, runReflector } from '../runtime/reflector.ts';
import { createStore, type Store } from '../runtime/store.ts';

/** An empty cache of WireGuardNodes, indexed as their kind says. */
export const createNodeStore = (): Store<WireGuardNode> => createStore(WIREGUARD_NODE);

/** Keeps a store equal to the API server and wakes keys. */
export interface ObjectHandler<T> extends ReflectorHandler<T> {
  /** Whether every object is known. */
  readonly synced: () => boolean;
  /** Takes the answer to a write of our own: it may hold an edit that the watch has not brought yet, and the object may be gone. */
  readonly takeWritten: (object: T) => void;
}

type Failed = ReflectorHandler<unknown>['failed'];

/** What a handler works with. */
export interface HandlerOptions<T> {
  readonly kind: ReconciledKind<T>;
  readonly objects: Store<T>;
  readonly queue: Queue;
  readonly failed: Failed;
}

/** Maps events of a reconciled kind to keys: the object's own, and those of the objects that conflict with it when a claim comes free. */
export function objectHandler<T>({ kind, objects, queue, failed }: HandlerOptions<T>): ObjectHandler<T> {
  const { keyOf, uidOf, claimOf, fingerprint } = kind;
  let synced = false;
  const wakeConflicting = (object: T): void => {
    for (const key of objects.withIndex('claim', claimOf(object))) if (key !== keyOf(object)) queue.add(key, 'change');
  };
  const wake = (object: T, previous: T | undefined): void => {
    if (previous !== undefined && fingerprint(previous) === fingerprint(object)) return;
    const isResync = previous === undefined && !synced && kind.isJudged(object);
    queue.add(keyOf(object), isResync ? 'resync' : 'change');
    const letsGo =
      previous !== undefined && (uidOf(previous) !== uidOf(object) || claimOf(previous) !== claimOf(object));
    if (letsGo) wakeConflicting(previous);
  };
  const apply = (object: T): void => {
    const previous = objects.get(keyOf(object));
    if (objects.apply(object)) wake(object, previous);
  };
  const remove = (object: T): void => {
    objects.remove(keyOf(object));
    queue.add(keyOf(object), 'change');
    wakeConflicting(object);
  };
  return {
    synced: () => synced,
    apply,
    remove,
    failed,
    takeWritten(object) {
      const known = objects.get(keyOf(object));
      if (known !== undefined && uidOf(known) === uidOf(object)) apply(object);
    },
    replace(listed) {
      const present = new Set(listed.map(keyOf));
      for (const object of objects.keys().flatMap((key) => objects.get(key) ?? []))
        if (!present.has(keyOf(object))) remove(object);
      for (const object of listed) {
        const previous = objects.get(keyOf(object));
        objects.put(object);
        wake(object, previous);
      }
      synced = true;
    },
  };
}

/** Maps an object that is referred to, and that came, changed or went, to the objects that it concerns. */
export function referencedHandler(
  kind: ReferencedKind,
  { nodes, queue }: { readonly nodes: Store<WireGuardNode>; readonly queue: Queue },
  failed: Failed,
): ReflectorHandler<ObjectVersion> {
  const known = new Map<string, string>();
  let filled = false;
  const wake = (key: string): void => {
    for (const node of kind.wakes(nodes, key)) queue.add(node, 'change');
  };
  const apply = ({ key, resourceVersion }: ObjectVersion): void => {
    if (known.get(key) === resourceVersion) return;
    known.set(key, resourceVersion);
    wake(key);
  };
  const remove = ({ key }: ObjectVersion): void => {
    known.delete(key);
    wake(key);
  };
  return {
    apply,
    remove,
    failed,
    replace(objects) {
      if (!filled) {
        // Reconciles may have read the objects before this list: they look again, but no edit waits for that.
        for (const { key, resourceVersion } of objects) {
          known.set(key, resourceVersion);
          for (const node of kind.wakes(nodes, key)) queue.add(node, 'resync');
        }
      }
      filled = true;
      const present = new Set(objects.map(({ key }) => key));
      for (const key of [...known.keys()]) if (!present.has(key)) remove({ key, resourceVersion: '' });
      objects.forEach(apply);
    },
  };
}

/** What the watches work with. */
export interface InformerDependencies {
  readonly client: KubeClient;
  /** Undefined = all. */
  readonly namespace: string | undefined;
  readonly nodes: Store<WireGuardNode>;
  readonly queue: Queue;
  readonly clock: Clock;
  /** 0..1, exclusive of 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The watches, running. */
export interface Informers {
  /** Whether every WireGuardNode is known. */
  readonly synced: () => boolean;
  readonly takeWritten: (node: WireGuardNode) => void;
  readonly ended: Promise<unknown>;
}

/** Starts a watch of every kind. */
export function startInformers(dependencies: InformerDependencies): Informers {
  const { client, namespace, nodes, queue, log, random } = dependencies;
  const failed =
    (plural: string): Failed =>
    (what, error) => {
      const text = error instanceof Error ? error.message : String(error);
      log.warn(`cannot ${what} ${plural}; trying again`, { error: text });
    };
  const kind = WIREGUARD_NODE;
  const handler = objectHandler({ kind, objects: nodes, queue, failed: failed(kind.plural) });
  const source = createListWatch({ client, kind, namespace, random });
  const watches = [
    runReflector({ ...dependencies, handler, source }),
    ...REFERENCED.map((referenced) =>
      runReflector({
        ...dependencies,
        handler: referencedHandler(referenced, dependencies, failed(referenced.plural)),
        source: createListWatch({ client, kind: referenced, namespace, random }),
      }),
    ),
  ];
  return { synced: handler.synced, takeWritten: handler.takeWritten, ended: Promise.all(watches) };
}
