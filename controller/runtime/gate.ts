import { delayAfter } from './backoff.ts';

/** One pause for everybody when a service that all depend on is away, in place of one that grows for each. */
export interface Gate {
  /** Until the service may be asked again, ms; 0 = now. */
  readonly waitMs: () => number;
  readonly isOpen: () => boolean;
  /** It was asked, and is away. `retryAfterMs`: it wants to be left alone for so long. */
  failed(retryAfterMs: number): void;
  /** It answered; before the end of a pause that it asked for that opens nothing. */
  answered(): void;
  /** Calls back once it has answered again; at once where it is not known to be away. */
  onceOpen(key: string, callback: () => void): void;
}

/** What a gate works with. */
export interface GateOptions {
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly baseMs: number;
  readonly capMs: number;
}

/** No server may put us off for longer. */
const MAX_ASKED_MS = 60_000;

/** Open. */
export function createGate({ nowMs, random, baseMs, capMs }: GateOptions): Gate {
  let failures = 0;
  let closedUntilMs = 0;
  /** Until when it wants to be left alone. */
  let askedUntilMs = 0;
  const waiting = new Map<string, () => void>();
  return {
    waitMs: () => (failures === 0 ? 0 : Math.max(0, closedUntilMs - nowMs())),
    isOpen: () => failures === 0,
    failed(retryAfterMs) {
      // Those that were under way at the same time say nothing new.
      if (failures > 0 && nowMs() < closedUntilMs) return;
      failures += 1;
      const delayMs = delayAfter(failures, { baseMs, capMs, random });
      askedUntilMs = nowMs() + Math.min(retryAfterMs, MAX_ASKED_MS);
      closedUntilMs = Math.max(nowMs() + delayMs, askedUntilMs);
    },
    answered() {
      if (failures === 0 || nowMs() < askedUntilMs) return;
      failures = 0;
      const callbacks = [...waiting.values()];
      waiting.clear();
      for (const callback of callbacks) callback();
    },
    onceOpen(key, callback) {
      if (failures === 0) callback();
      else waiting.set(key, callback);
    },
  };
}
