import { LRUCache } from 'lru-cache';
import { delayAfter } from './backoff.ts';

/** Why a place is not asked now. */
export interface Blocked<F> {
  /** How it failed last. */
  readonly failure: F;
  /** Until it is asked again, ms. */
  readonly waitMs: number;
}

/**
 * Places that fail are asked by one key at a time, ever more rarely; all others get the failure that is known already. The keys that were
 * kept back are woken when the place answers.
 */
export interface Circuits<F extends object> {
  /** Undefined = go ahead, and tell how it ended. `urgent`: somebody waits, so the next try is now if none is under way. */
  blocked(place: string, key: string, urgent: boolean): Blocked<F> | undefined;
  /** How it ended; a failure undefined = the place answered. */
  ended(place: string, key: string, failure: F | undefined): void;
  /** How many places are failing. */
  readonly open: () => number;
}

/** What circuits work with. */
export interface CircuitsOptions {
  readonly wake: (key: string) => void;
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Between two tries, doubled each time. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** A try that is never told of counts no more after so long. */
const LOST_MS = 60_000;
const MAX_CIRCUITS = 10_000;

interface Circuit<F> {
  failure: F;
  failures: number;
  nextMs: number;
  /** The key that is asking, and since when. */
  trial: { readonly key: string; readonly sinceMs: number } | undefined;
  readonly keptBack: Set<string>;
}

/** Every place is fine until one fails. */
export function createCircuits<F extends object>({ wake, nowMs, random, baseMs, capMs }: CircuitsOptions): Circuits<F> {
  // Of places that nobody asks any more the oldest go.
  const circuits = new LRUCache<string, Circuit<F>>({ max: MAX_CIRCUITS });
  return {
    open: () => circuits.size,
    blocked(place, key, urgent) {
      const circuit = circuits.get(place);
      if (circuit === undefined) return undefined;
      const now = nowMs();
      const { trial, failure } = circuit;
      const isAsked = trial !== undefined && trial.key !== key && now - trial.sinceMs < LOST_MS;
      if (!isAsked && (urgent || now >= circuit.nextMs)) {
        circuit.trial = { key, sinceMs: now };
        return undefined;
      }
      circuit.keptBack.add(key);
      return { failure, waitMs: Math.max(circuit.nextMs - now, isAsked ? capMs : 0) };
    },
    ended(place, key, failure) {
      const circuit = circuits.get(place);
      if (failure === undefined) {
        circuits.delete(place);
        for (const other of circuit?.keptBack ?? []) if (other !== key) wake(other);
        return;
      }
      const now = nowMs();
      if (circuit === undefined) {
        const nextMs = now + delayAfter(1, { baseMs, capMs, random });
        circuits.set(place, { failure, failures: 1, nextMs, trial: undefined, keptBack: new Set() });
        return;
      }
      // Those that had asked before the first failure was known say nothing new.
      if (circuit.trial?.key !== key) return;
      const failures = circuit.failures + 1;
      const nextMs = now + delayAfter(failures, { baseMs, capMs, random });
      Object.assign(circuit, { failure, failures, nextMs, trial: undefined });
    },
  };
}
