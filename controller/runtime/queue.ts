import type { Clock } from './clock.ts';
import { DelayHeap } from './delay-heap.ts';

/** `change`: somebody changed something and waits. `resync`: a periodic look, which must never delay a change. */
export type Priority = 'change' | 'resync';

/** A key that is given out. */
export interface QueueItem {
  readonly key: string;
  readonly priority: Priority;
  /** When it became ready, Unix ms. */
  readonly sinceMs: number;
}

/** See createQueue. After shutDown nothing is taken or given out. */
export interface Queue {
  /** Makes the key ready; one that is ready already is moved up to the better priority, one in work runs again afterwards. */
  add(key: string, priority: Priority): void;
  /** Makes the key ready for a check later; replaces an earlier wish of the same kind. */
  addAfter(key: string, delayMs: number): void;
  /** The next key, changes first; undefined after shutDown. With 'change' changes only are given out. */
  get(priorities: 'any' | 'change'): Promise<QueueItem | undefined>;
  /** Ends the work on a key; until then it is never given out again. */
  done(key: string): void;
  /** Forgets every wish for the key. */
  forget(key: string): void;
  shutDown(): void;
  readonly depth: (priority: Priority) => number;
  readonly delayed: () => number;
}

/** A work queue of keys as in client-go: a key is never worked on twice at once, and events in between collapse into one run. */
export function createQueue(clock: Clock): Queue {
  return new KeyedQueue(clock);
}

class KeyedQueue implements Queue {
  readonly #clock: Clock;
  /** Ready keys and since when; a key has at most one of the two. Map order is arrival order. */
  readonly #ready: Record<Priority, Map<string, number>> = { change: new Map(), resync: new Map() };
  /** Keys in work, with the priority of a wish that came meanwhile. */
  readonly #processing = new Map<string, Priority | undefined>();
  readonly #delayed = new DelayHeap();
  readonly #waiting: {
    readonly priorities: 'any' | 'change';
    readonly resolve: (item: QueueItem | undefined) => void;
  }[] = [];
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly depth = (priority: Priority): number => this.#ready[priority].size;
  readonly delayed = (): number => this.#delayed.size;

  add(key: string, priority: Priority): void {
    if (this.#stopped) return;
    if (this.#processing.has(key)) {
      if (this.#processing.get(key) !== 'change') this.#processing.set(key, priority);
      return;
    }
    if (this.#ready.change.has(key)) return;
    if (priority === 'change') this.#ready.resync.delete(key);
    else if (this.#ready.resync.has(key)) return;
    this.#ready[priority].set(key, this.#clock.now());
    this.#handOut();
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    this.#delayed.set(key, this.#clock.now() + delayMs);
    this.#schedule();
  }

  get(priorities: 'any' | 'change'): Promise<QueueItem | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ priorities, resolve });
      this.#handOut();
    });
  }

  done(key: string): void {
    const again = this.#processing.get(key);
    this.#processing.delete(key);
    if (again !== undefined) this.add(key, again);
  }

  forget(key: string): void {
    this.#ready.change.delete(key);
    this.#ready.resync.delete(key);
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
      const item = waiter === undefined ? undefined : this.#take(waiter.priorities);
      if (waiter === undefined || item === undefined) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      waiter.resolve(item);
    }
  }

  #take(priorities: 'any' | 'change'): QueueItem | undefined {
    for (const priority of priorities === 'change' ? (['change'] as const) : (['change', 'resync'] as const)) {
      const [entry] = this.#ready[priority];
      if (entry === undefined) continue;
      const [key, sinceMs] = entry;
      this.#ready[priority].delete(key);
      this.#delayed.delete(key);
      this.#processing.set(key, undefined);
      return { key, priority, sinceMs };
    }
    return undefined;
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const due = this.#delayed.nextDueMs();
    if (due === undefined || this.#stopped) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => {
      for (const key of this.#delayed.takeDue(this.#clock.now())) this.add(key, 'resync');
      this.#schedule();
    });
  }
}
