/** Time as a dependency, so that tests can move it. */
export interface Clock {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Calls back once after `delayMs`; the result cancels it. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: Date.now,
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Unix ms that never step: as the wall clock said when the process began, and counted from there. */
export const monotonicNow = (): number => performance.timeOrigin + performance.now();

/** Resolves after `delayMs`, or at once when the signal aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener('abort', finish);
  });
}
