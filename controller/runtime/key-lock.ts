/** Lets one holder at a time have each key, in the order in which they asked; different keys do not wait for each other. */
export interface KeyLock {
  /** Resolves when it is our turn; the result ends it, and must be called. */
  acquire(key: string): Promise<() => void>;
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Nobody holds a key yet. */
export function createKeyLock(): KeyLock {
  const tails = new Map<string, Promise<void>>();
  const acquire = async (key: string): Promise<() => void> => {
    const { promise: tail, resolve } = Promise.withResolvers<undefined>();
    const turn = tails.get(key);
    const own = tail.then(() => undefined);
    tails.set(key, own);
    await turn;
    return () => {
      if (tails.get(key) === own) tails.delete(key);
      resolve(undefined);
    };
  };
  return {
    acquire,
    async run(key, work) {
      const release = await acquire(key);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
