import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './clock.ts';
import type { Queue } from './queue.ts';

/** So many keys ready at one moment are much to do. */
const BUSY_DEPTH = 16;
/** After so long without, it is calm. */
const CALM_MS = 10_000;
const LOOK_MS = 1_000;
/** Growth over what was needed after the last collection that is worth another one, of some 100 ms. */
const GROWTH = 1.2;

/** What decides when memory is given back. */
export interface IdleMemoryOptions {
  readonly queue: Pick<Queue, 'depth'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Undefined = of this process. */
  readonly residentBytes?: () => number;
  /** Collects all that nobody holds, and gives its pages back to the kernel. */
  readonly collect?: () => void;
}

/**
 * V8 keeps what its heap has grown to while there was much to do: once it is calm it is given back. Not by `--optimize-for-size` all
 * the time, which costs more CPU a create. The signal ends it.
 */
export function keepMemoryLow(options: IdleMemoryOptions): void {
  const { queue, clock, signal, residentBytes = () => process.memoryUsage.rss(), collect = collectorOf() } = options;
  let restBytes = 0;
  let busyMs = clock.now();
  let stop: () => void = () => undefined;
  const look = (): void => {
    const now = clock.now();
    if (queue.depth('change') + queue.depth('resync') > BUSY_DEPTH) busyMs = now;
    if (now - busyMs >= CALM_MS && residentBytes() > restBytes * GROWTH) {
      collect();
      restBytes = residentBytes();
    }
    stop = clock.after(LOOK_MS, look);
  };
  stop = clock.after(LOOK_MS, look);
  signal.addEventListener('abort', () => {
    stop();
  });
}

function collectorOf(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NodeJS.GCFunction;
  return () => {
    setFlagsFromString('--optimize-for-size');
    // Any lesser one leaves the pages with V8, for the next time.
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    setFlagsFromString('--no-optimize-for-size');
  };
}
