import type { Retry } from '../policy/retry.ts';
import { delayAfter } from '../runtime/backoff.ts';

/** Milliseconds until an object is looked at again; undefined = only a change wakes it. `failures`: in a row, the last one included. */
export function delayOf(retry: Retry, failures: number, random: () => number): number | undefined {
  switch (retry.kind) {
    case 'on-change':
      return undefined;
    case 'after':
      return retry.delayMs;
    case 'backoff':
      return Math.max(retry.leastMs, delayAfter(failures, { ...retry, random }));
  }
}
