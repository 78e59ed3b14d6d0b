/**
 * One key at a time has each place, in the order in which they asked. Whoever must wait gives up and is woken when it is its turn: the turn
 * is kept for it until it leaves.
 */
export interface Turns {
  /** Whether the key has the place now; else it is woken once it is its turn, after which it must ask again. */
  enter(place: string, key: string): boolean;
  /** Gives back whatever the key has, used or not. Must follow every piece of work that could have entered. */
  leave(key: string): void;
  /** For how long the key has waited for the place, ms; 0 = it does not. */
  waitedMs(place: string, key: string): number;
}

/** What turns work with. */
export interface TurnsOptions {
  readonly wake: (key: string) => void;
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
}

interface Place {
  holder: string;
  /** Since when, in the order of their asking. */
  readonly waiting: Map<string, number>;
}

/** Nobody has a place yet. */
export function createTurns({ wake, nowMs }: TurnsOptions): Turns {
  const places = new Map<string, Place>();
  /** The places of a key; it has rarely more than one, as when its object was moved. */
  const held = new Map<string, Set<string>>();
  const give = (place: string, key: string): void => {
    held.set(key, (held.get(key) ?? new Set()).add(place));
  };
  const handOn = (name: string, place: Place): void => {
    const [next] = place.waiting.keys();
    if (next === undefined) {
      places.delete(name);
      return;
    }
    place.waiting.delete(next);
    place.holder = next;
    give(name, next);
    wake(next);
  };
  return {
    enter(name, key) {
      const place = places.get(name);
      if (place === undefined) {
        places.set(name, { holder: key, waiting: new Map() });
        give(name, key);
        return true;
      }
      if (place.holder === key) return true;
      if (!place.waiting.has(key)) place.waiting.set(key, nowMs());
      return false;
    },
    leave(key) {
      const own = held.get(key) ?? [];
      held.delete(key);
      for (const name of own) {
        const place = places.get(name);
        if (place !== undefined) handOn(name, place);
      }
    },
    waitedMs(name, key) {
      const sinceMs = places.get(name)?.waiting.get(key);
      return sinceMs === undefined ? 0 : nowMs() - sinceMs;
    },
  };
}
