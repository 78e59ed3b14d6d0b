/** Length of a tick, ms. */
const TICK_MS = 100;

export interface TickCounter {
  /** Ends the counting, and gives the ticks so far. */
  readonly stop: () => number;
}

/**
 * Counts time in turns of this process's own event loop, and not by the clock: a process that does not get the processor misses ticks
 * instead of making them up, so a count is never above what the same wait takes on an idle machine.
 */
export function countTicks(): TickCounter {
  let count = 0;
  const timer = setInterval(() => (count += 1), TICK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return count;
    },
  };
}

/** How many ticks a wait of so long is, and three more for what the loop does besides. */
export const ticksOf = (ms: number): number => Math.ceil(ms / TICK_MS) + 3;
