/** Objects of one kind by key, with indexes; what the reflector fills and everybody else reads. */
export interface Store<T> {
  readonly get: (key: string) => T | undefined;
  readonly keys: () => string[];
  readonly size: () => number;
  /** Keys of the objects for which the index function gave this value. */
  readonly withIndex: (index: string, value: string) => string[];
  /** Takes an object unless that version or a newer one is there already; true = it was taken. */
  readonly apply: (object: T) => boolean;
  /** Takes an object whatever its version: after a list, which is the truth even where versions went back (a restored etcd). */
  readonly put: (object: T) => void;
  readonly remove: (key: string) => void;
}

/** How objects of a kind are told apart, and what they are found by. */
export interface StoreOptions<T> {
  readonly keyOf: (object: T) => string;
  /** The API server's resourceVersion, a number that grows (KEP-5504). */
  readonly versionOf: (object: T) => string;
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
}

const isOlder = (left: string, right: string): boolean =>
  left.length < right.length || (left.length === right.length && left < right);

/** An empty store. */
export function createStore<T>({ keyOf, versionOf, indexes = {} }: StoreOptions<T>): Store<T> {
  const objects = new Map<string, T>();
  const byIndex = new Map<string, Set<string>>();
  const entries = (object: T): string[] =>
    Object.entries(indexes).flatMap(([index, values]) => values(object).map((value) => `${index}\0${value}`));

  const unindex = (key: string, object: T): void => {
    for (const entry of entries(object)) {
      const keys = byIndex.get(entry);
      keys?.delete(key);
      if (keys?.size === 0) byIndex.delete(entry);
    }
  };
  const put = (object: T): void => {
    const key = keyOf(object);
    const previous = objects.get(key);
    if (previous !== undefined) unindex(key, previous);
    objects.set(key, object);
    for (const entry of entries(object)) byIndex.set(entry, (byIndex.get(entry) ?? new Set()).add(key));
  };
  return {
    get: (key) => objects.get(key),
    keys: () => [...objects.keys()],
    size: () => objects.size,
    withIndex: (index, value) => [...(byIndex.get(`${index}\0${value}`) ?? [])],
    apply(object) {
      const previous = objects.get(keyOf(object));
      // The answer to a write of ours comes a second time, by the watch.
      if (previous !== undefined && !isOlder(versionOf(previous), versionOf(object))) return false;
      put(object);
      return true;
    },
    put,
    remove(key) {
      const previous = objects.get(key);
      if (previous === undefined) return;
      unindex(key, previous);
      objects.delete(key);
    },
  };
}
