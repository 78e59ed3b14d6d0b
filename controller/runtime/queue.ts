import type { Clock } from './clock.ts';
import { DelayHeap } from './delay-heap.ts';

/** `edit`: somebody changed something and waits. `check`: a periodic look, which must never delay an edit. */
export type Lane = 'edit' | 'check';

export interface QueueItem {
  readonly key: string;
  readonly lane: Lane;
  /** When it became ready, Unix ms. */
  readonly sinceMs: number;
}

export interface Queue {
  /** Makes the key ready; one that is ready already is moved up to the better lane, one in work runs again afterwards. */
  add(key: string, lane: Lane): void;
  /** Makes the key ready for a check later; replaces an earlier wish of the same kind. */
  addAfter(key: string, delayMs: number): void;
  /** The next key, edits first; undefined after shutDown. With 'edit' only edits are given out. */
  get(lanes: 'any' | 'edit'): Promise<QueueItem | undefined>;
  /** Ends the work on a key; until then it is never given out again. */
  done(key: string): void;
  /** Forgets every wish for the key. */
  forget(key: string): void;
  shutDown(): void;
  readonly depth: (lane: Lane) => number;
  readonly delayed: () => number;
}

/** A work queue of keys as in client-go: a key is never worked on twice at once, and events in between collapse into one run. */
export function createQueue(clock: Clock): Queue {
  return new KeyedQueue(clock);
}

class KeyedQueue implements Queue {
  readonly #clock: Clock;
  /** Ready keys and since when; a key is in at most one lane. Map order is arrival order. */
  readonly #ready: Record<Lane, Map<string, number>> = { edit: new Map(), check: new Map() };
  /** Keys in work, with the lane of a wish that came meanwhile. */
  readonly #processing = new Map<string, Lane | undefined>();
  readonly #delayed = new DelayHeap();
  readonly #waiting: { readonly lanes: 'any' | 'edit'; readonly resolve: (item: QueueItem | undefined) => void }[] = [];
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly depth = (lane: Lane): number => this.#ready[lane].size;
  readonly delayed = (): number => this.#delayed.size;

  add(key: string, lane: Lane): void {
    if (this.#stopped) return;
    if (this.#processing.has(key)) {
      if (this.#processing.get(key) !== 'edit') this.#processing.set(key, lane);
      return;
    }
    if (this.#ready.edit.has(key)) return;
    if (lane === 'edit') this.#ready.check.delete(key);
    else if (this.#ready.check.has(key)) return;
    this.#ready[lane].set(key, this.#clock.now());
    this.#handOut();
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    this.#delayed.set(key, this.#clock.now() + delayMs);
    this.#schedule();
  }

  get(lanes: 'any' | 'edit'): Promise<QueueItem | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ lanes, resolve });
      this.#handOut();
    });
  }

  done(key: string): void {
    const again = this.#processing.get(key);
    this.#processing.delete(key);
    if (again !== undefined) this.add(key, again);
  }

  forget(key: string): void {
    this.#ready.edit.delete(key);
    this.#ready.check.delete(key);
    this.#delayed.delete(key);
    if (this.#processing.has(key)) this.#processing.set(key, undefined);
  }

  shutDown(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }

  #handOut(): void {
    if (this.#stopped) {
      for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
      return;
    }
    for (let index = 0; index < this.#waiting.length;) {
      const waiter = this.#waiting[index];
      const item = waiter === undefined ? undefined : this.#take(waiter.lanes);
      if (waiter === undefined || item === undefined) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      waiter.resolve(item);
    }
  }

  #take(lanes: 'any' | 'edit'): QueueItem | undefined {
    for (const lane of lanes === 'edit' ? (['edit'] as const) : (['edit', 'check'] as const)) {
      const [entry] = this.#ready[lane];
      if (entry === undefined) continue;
      const [key, sinceMs] = entry;
      this.#ready[lane].delete(key);
      this.#delayed.delete(key);
      this.#processing.set(key, undefined);
      return { key, lane, sinceMs };
    }
    return undefined;
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const due = this.#delayed.nextDueMs();
    if (due === undefined || this.#stopped) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => {
      for (const key of this.#delayed.takeDue(this.#clock.now())) this.add(key, 'check');
      this.#schedule();
    });
  }
}
