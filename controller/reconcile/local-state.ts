import type { Driver } from '../drivers/driver.ts';
import type { Correction } from '../policy/contention.ts';
import type { Observation } from '../policy/observation.ts';
import { type FailureCount, NO_FAILURE } from '../policy/retry.ts';

/** What a process remembers of one object between reconciles. All of it may be lost at any time: status holds what must not be. */
export interface LocalState {
  /** Of the object; a namesake that was created anew starts with nothing. */
  readonly uid: string;
  /** The driver of the last look; a deletion may have to do without the Secret. */
  readonly driver: Driver | undefined;
  /** What that driver saw last, if nothing failed since. */
  readonly observation: Observation | undefined;
  readonly corrections: readonly Correction[];
  readonly failures: FailureCount;
}

/** Local states by key; a reconcile takes one and puts the next one back. */
export interface LocalStates {
  get(key: string, uid: string): LocalState;
  set(key: string, state: LocalState): void;
  forget(key: string): void;
}

/** Nothing is known yet. */
export const newLocalState = (uid: string): LocalState => ({
  uid,
  driver: undefined,
  observation: undefined,
  corrections: [],
  failures: NO_FAILURE,
});

/** Empty, as after every start. */
export function createLocalStates(): LocalStates {
  const states = new Map<string, LocalState>();
  return {
    get(key, uid) {
      const known = states.get(key);
      return known?.uid === uid ? known : newLocalState(uid);
    },
    set: (key, state) => {
      states.set(key, state);
    },
    forget: (key) => {
      states.delete(key);
    },
  };
}
