/** From `baseMs`, doubled each time, to `capMs`. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
  /** 0..1, exclusive of 1; spreads keys that fail together. */
  readonly random: () => number;
}

/** Exponential delays per key with full jitter on the upper half. */
export interface Backoff {
  /** The delay after one more failure, ms. */
  next(key: string): number;
  forget(key: string): void;
}

/** The delay before the attempt after `failures` failures in a row. */
export function delayAfter(failures: number, { baseMs, capMs, random }: BackoffOptions): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30));
  return full / 2 + (full / 2) * random();
}

/** Counts by key; nothing has failed yet. */
export function createBackoff(options: BackoffOptions): Backoff {
  const counts = new Map<string, number>();
  return {
    next(key) {
      const failures = (counts.get(key) ?? 0) + 1;
      counts.set(key, failures);
      return delayAfter(failures, options);
    },
    forget: (key) => {
      counts.delete(key);
    },
  };
}
