import { setFlagsFromString } from 'node:v8';
import type { Clock } from './clock.ts';
import type { Queue } from './queue.ts';

/** So many keys ready at one moment are much to do. */
const BUSY_DEPTH = 16;
/** After so long without, it is calm. */
const CALM_MS = 10_000;
const LOOK_MS = 1_000;

/** What decides how V8 uses its heap. */
export interface HeapModeOptions {
  readonly queue: Pick<Queue, 'depth'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Undefined = V8 itself. */
  readonly setFlag?: (flag: string) => void;
}

/**
 * While there is much to do V8 favours speed, as it does by itself: its heap grows, by half of the process at 1,000 hosts, and stays
 * so. When it is calm it favours memory, and gives back what it has. The signal ends it.
 */
export function followLoad({ queue, clock, signal, setFlag = setFlagsFromString }: HeapModeOptions): void {
  let isCalm = false;
  let busyMs = clock.now();
  let stop: () => void = () => undefined;
  const look = (): void => {
    const now = clock.now();
    if (queue.depth('change') + queue.depth('resync') > BUSY_DEPTH) busyMs = now;
    const wasCalm = isCalm;
    isCalm = now - busyMs >= CALM_MS;
    if (isCalm !== wasCalm) setFlag(isCalm ? '--optimize-for-size' : '--no-optimize-for-size');
    stop = clock.after(LOOK_MS, look);
  };
  stop = clock.after(LOOK_MS, look);
  signal.addEventListener('abort', () => {
    stop();
  });
}
