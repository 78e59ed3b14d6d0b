import type { OutcomeOf } from '../policy/outcome.ts';
import { SLOW_MS } from '../policy/retry.ts';
import type { Clock } from '../runtime/clock.ts';

type Applying = OutcomeOf<'applying'>;

/** How often it is asked whether a slow change is still wanted, ms. */
const ASK_MS = 1_000;

/** What a change is watched by. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Of the process. */
  readonly signal: AbortSignal;
  /** Whether anybody wants the change still; asked only once it is slow. */
  readonly isWanted: () => boolean;
}

/** How a change ended; `given-up`: nobody wanted it any more, and what came of it is not known. */
export type Watched<T> = { readonly kind: 'ended'; readonly value: T } | { readonly kind: 'given-up' };

/**
 * Makes a change and yields `applying` once, if it lasts. A slow one that nobody wants any more is not waited for: a host that hangs shall
 * not hold up the deletion of its own object.
 */
export async function* whileSlow<T>(
  change: (signal: AbortSignal) => Promise<T>,
  { clock, signal, isWanted }: WatchOptions,
): AsyncGenerator<Applying, Watched<T>> {
  const giveUp = new AbortController();
  const abort = (): void => {
    giveUp.abort(signal.reason);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const ended = change(giveUp.signal).then((value) => ({ kind: 'ended', value }) as const);
  let cancel = (): void => undefined;
  const passed = (delayMs: number): Promise<'passed'> =>
    new Promise((resolve) => {
      cancel = clock.after(delayMs, () => {
        resolve('passed');
      });
    });
  try {
    let first = await Promise.race([ended, passed(SLOW_MS)]);
    if (first === 'passed') yield { kind: 'applying' };
    while (first === 'passed') {
      if (!isWanted()) {
        giveUp.abort();
        // It ends at once, and whatever it says then is the answer of nobody.
        await ended;
        return { kind: 'given-up' };
      }
      first = await Promise.race([ended, passed(ASK_MS)]);
    }
    return first;
  } finally {
    signal.removeEventListener('abort', abort);
    cancel();
  }
}
