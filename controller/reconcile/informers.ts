import { createHash } from 'node:crypto';
import { type ReconciledKind, type ReferencedKind, SECRET, WIREGUARD_NODE } from '../api/kinds.ts';
import { keyOf } from '../api/node.ts';
import type { ObjectVersion } from '../api/trim.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { KubeClient } from '../cluster/kube-client.ts';
import { createListWatch } from '../cluster/list-watch.ts';
import type { Logger } from '../log.ts';
import { stable } from '../policy/status.ts';
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
  /** The status that is being written: its coming by the watch is no news. */
  readonly expect: (key: string, status: unknown) => void;
}

const markOf = (status: unknown): string => createHash('sha256').update(stable(status)).digest('base64');

type Failed = ReflectorHandler<unknown>['failed'];

/** What a handler works with. */
export interface HandlerOptions<T> {
  readonly kind: ReconciledKind<T>;
  readonly objects: Store<T>;
  readonly queue: Queue;
  readonly failed: Failed;
  /** Whose objects this handler keeps; undefined = all. */
  readonly namespace?: string | undefined;
}

/** Whether somebody else wrote the status; what we write ourselves is announced. */
interface StatusWatch<T> {
  readonly isForeign: (object: T, previous: T) => boolean;
  readonly expect: (key: string, status: unknown) => void;
  readonly forget: (key: string) => void;
}

function watchStatuses<T>({ keyOf, versionOf, statusOf }: ReconciledKind<T>): StatusWatch<T> {
  const expected = new Map<string, string>();
  return {
    isForeign(object, previous) {
      if (versionOf(object) === versionOf(previous)) return false;
      const now = markOf(statusOf(object));
      return now !== markOf(statusOf(previous)) && now !== expected.get(keyOf(object));
    },
    expect(key, status) {
      expected.set(key, markOf(status));
    },
    forget: (key) => {
      expected.delete(key);
    },
  };
}

/** Maps events of a reconciled kind to keys: the object's own, and those of the objects that wait for a claim to come free. */
export function objectHandler<T>({ kind, objects, queue, failed, namespace }: HandlerOptions<T>): ObjectHandler<T> {
  const { keyOf, uidOf, claimOf, fingerprint } = kind;
  let synced = false;
  const statuses = watchStatuses(kind);
  const wakeWaiting = (object: T): void => {
    for (const key of objects.withIndex('waiting', 'Conflict')) if (key !== keyOf(object)) queue.add(key, 'change');
  };
  const wake = (object: T, previous: T | undefined): void => {
    if (previous !== undefined && fingerprint(previous) === fingerprint(object)) {
      if (statuses.isForeign(object, previous)) queue.add(keyOf(object), 'resync');
      return;
    }
    const isResync = previous === undefined && !synced && kind.isJudged(object);
    queue.add(keyOf(object), isResync ? 'resync' : 'change');
    if (previous !== undefined && claimOf(previous) !== claimOf(object)) wakeWaiting(previous);
  };
  const apply = (object: T): void => {
    const previous = objects.get(keyOf(object));
    if (objects.apply(object)) wake(object, previous);
  };
  const remove = (object: T): void => {
    objects.remove(keyOf(object));
    statuses.forget(keyOf(object));
    queue.add(keyOf(object), 'change');
    wakeWaiting(object);
  };
  const replace = (listed: readonly T[]): void => {
    const present = new Set(listed.map(keyOf));
    const gone = objects
      .keys()
      .filter((key) => (namespace === undefined || key.startsWith(`${namespace}/`)) && !present.has(key));
    for (const object of gone.flatMap((key) => objects.get(key) ?? [])) remove(object);
    for (const object of listed) {
      const previous = objects.get(keyOf(object));
      objects.put(object);
      wake(object, previous);
    }
    synced = true;
  };
  const takeWritten = (object: T): void => {
    const known = objects.get(keyOf(object));
    if (known === undefined || uidOf(known) !== uidOf(object)) return;
    // Our own finalizer is no edit that somebody waits for.
    if (kind.differsInFinalizers(known, object)) objects.apply(object);
    else apply(object);
  };
  return { synced: () => synced, apply, remove, failed, expect: statuses.expect, takeWritten, replace };
}

/** Keeps the versions of objects that are referred to. */
export interface ReferencedHandler extends ReflectorHandler<ObjectVersion> {
  /** The resourceVersion of the object with this key; undefined = there is none, or it is not known yet. */
  readonly versionOf: (key: string) => string | undefined;
}

/** Maps an object that is referred to, and that came, changed or went, to the objects that it concerns. */
export function referencedHandler(
  kind: ReferencedKind,
  { nodes, queue }: { readonly nodes: Store<WireGuardNode>; readonly queue: Queue },
  failed: Failed,
): ReferencedHandler {
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
    versionOf: (key) => known.get(key),
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
  /** The namespaces whose objects are watched; empty = all. */
  readonly namespaces: readonly string[];
  /** As kubectl's `-l`; empty = every object. */
  readonly selector: string;
  /** False = of Secrets only single ones may be read: a change takes effect at the next look. */
  readonly watchSecrets: boolean;
  readonly nodes: Store<WireGuardNode>;
  readonly queue: Queue;
  readonly clock: Clock;
  /** 0..1, exclusive of 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** After every contact with the API server, good or bad. */
  readonly contact: (watch: string, isGood: boolean) => void;
}

/** The watches, running. */
export interface Informers extends Pick<ObjectHandler<WireGuardNode>, 'takeWritten' | 'expect'> {
  /** What is not known yet, in words; empty = every WireGuardNode is known. */
  readonly missing: () => readonly string[];
  /** The resourceVersion of a Secret by `namespace/name`. */
  readonly secretVersionOf: (key: string) => string | undefined;
  readonly ended: Promise<unknown>;
}

/** Starts a watch of every kind in every namespace. */
export function startInformers(dependencies: InformerDependencies): Informers {
  const { client, namespaces, selector, watchSecrets, nodes, queue, log, random, contact } = dependencies;
  const scopes = namespaces.length === 0 ? [undefined] : namespaces;
  const parts = scopes.map((namespace) => {
    const name = (plural: string): string => (namespace === undefined ? plural : `${plural} of ${namespace}`);
    const failed =
      (watch: string): Failed =>
      (what, error) => {
        contact(watch, false);
        const text = error instanceof Error ? error.message : String(error);
        log.warn(`cannot ${what} ${watch}; trying again`, { error: text });
      };
    const kind = WIREGUARD_NODE;
    const own = name(kind.plural);
    const handler = objectHandler({ kind, objects: nodes, queue, failed: failed(own), namespace });
    const leftOut = (key: string): void => {
      log.error(
        'an object is left out: it is not of the present schema. Edit it; if it is being deleted, take our finalizer from it',
        { node: key },
      );
    };
    const source = createListWatch({ client, kind, namespace, selector, random, leftOut });
    const secretHandler = referencedHandler(SECRET, dependencies, failed(name(SECRET.plural)));
    const heard = (watch: string) => (): void => {
      contact(watch, true);
    };
    const secrets = createListWatch({ client, kind: SECRET, namespace, selector: '', random, leftOut });
    const ofSecrets = { handler: secretHandler, source: secrets, contact: heard(name(SECRET.plural)) };
    const watches = [
      runReflector({ ...dependencies, handler, source, contact: heard(own) }),
      ...(watchSecrets ? [runReflector({ ...dependencies, ...ofSecrets })] : []),
    ];
    return { namespace, own, handler, secretHandler, watches };
  });
  const partOf = (key: string): (typeof parts)[number] | undefined =>
    parts.find(({ namespace }) => namespace === undefined || key.startsWith(`${namespace}/`));
  return {
    missing: () => parts.filter(({ handler }) => !handler.synced()).map(({ own }) => own),
    takeWritten: (node) => partOf(keyOf(node))?.handler.takeWritten(node),
    expect: (key, status) => partOf(key)?.handler.expect(key, status),
    secretVersionOf: (key) => partOf(key)?.secretHandler.versionOf(key),
    ended: Promise.all(parts.flatMap(({ watches }) => watches)),
  };
}
