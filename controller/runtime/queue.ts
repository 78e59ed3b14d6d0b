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

/** Keys that share something slow, as objects of one host do: few of a group are given out at a time, the rest stays queued. */
export interface Groups {
  /** Asked whenever a key could be given out; undefined = it is in none. */
  readonly of: (key: string) => string | undefined;
  /** So many keys of one group are worked on at a time. */
  readonly atOnce: number;
}

/** See createQueue. After shutDown nothing is taken or given out. */
export interface Queue {
  /** Makes the key ready; one that is ready already is moved up to the better priority, one in work runs again afterwards. */
  add(key: string, priority: Priority): void;
  /** Makes the key ready later, as a resync or as what it was; replaces an earlier wish of the same kind. */
  addAfter(key: string, delayMs: number, priority?: Priority): void;
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

const NO_GROUPS: Groups = { of: () => undefined, atOnce: 1 };

/** A work queue of keys as in client-go: a key is never worked on twice at once, and events in between collapse into one run. */
export function createQueue(clock: Clock, groups: Groups = NO_GROUPS): Queue {
  return new KeyedQueue(clock, groups);
}

/** Ready keys and since when, by priority; a key is in one of the two at most. Map order is arrival order. */
type Ready = Readonly<Record<Priority, Map<string, number>>>;
const nothingReady = (): Ready => ({ change: new Map(), resync: new Map() });

/** A key in work. */
interface InWork {
  /** Of a wish that came meanwhile. */
  again: Priority | undefined;
  readonly group: string | undefined;
}

class KeyedQueue implements Queue {
  readonly #clock: Clock;
  readonly #groups: Groups;
  readonly #ready = nothingReady();
  /** Ready keys of groups that have as many in work as they may, by group: nobody walks over them again and again. */
  readonly #parked = new Map<string, Ready>();
  /** Where a parked key is. */
  readonly #parkedIn = new Map<string, string>();
  readonly #inWork = new Map<string, InWork>();
  /** How many of a group are in work. */
  readonly #busy = new Map<string, number>();
  readonly #delayed = new DelayHeap();
  /** Those of the delayed keys that come as changes. */
  readonly #delayedChanges = new Set<string>();
  readonly #waiting: {
    readonly priorities: 'any' | 'change';
    readonly resolve: (item: QueueItem | undefined) => void;
  }[] = [];
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock, groups: Groups) {
    this.#clock = clock;
    this.#groups = groups;
  }

  readonly depth = (priority: Priority): number =>
    [this.#ready, ...this.#parked.values()].reduce((sum, ready) => sum + ready[priority].size, 0);
  readonly delayed = (): number => this.#delayed.size;

  add(key: string, priority: Priority): void {
    if (this.#stopped) return;
    const inWork = this.#inWork.get(key);
    if (inWork !== undefined) {
      if (inWork.again !== 'change') inWork.again = priority;
      return;
    }
    // Its object may name another host by now: where it belongs is seen when it is given out.
    const parked = this.#unpark(key);
    if (parked !== undefined) this.#ready[parked.priority].set(key, parked.sinceMs);
    const { change, resync } = this.#ready;
    if (priority === 'change') resync.delete(key);
    if (!change.has(key) && !(priority === 'resync' && resync.has(key)))
      this.#ready[priority].set(key, this.#clock.now());
    this.#handOut();
  }

  addAfter(key: string, delayMs: number, priority: Priority = 'resync'): void {
    if (this.#stopped) return;
    this.#delayed.set(key, this.#clock.now() + delayMs);
    // An edit that failed is an edit still.
    if (priority === 'change') this.#delayedChanges.add(key);
    else this.#delayedChanges.delete(key);
    this.#schedule();
  }

  get(priorities: 'any' | 'change'): Promise<QueueItem | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ priorities, resolve });
      this.#handOut();
    });
  }

  done(key: string): void {
    const inWork = this.#inWork.get(key);
    if (inWork === undefined) return;
    this.#inWork.delete(key);
    if (inWork.group !== undefined) this.#leave(inWork.group);
    if (inWork.again !== undefined) this.add(key, inWork.again);
    this.#handOut();
  }

  forget(key: string): void {
    this.#unpark(key);
    this.#ready.change.delete(key);
    this.#ready.resync.delete(key);
    this.#delayed.delete(key);
    this.#delayedChanges.delete(key);
    const inWork = this.#inWork.get(key);
    if (inWork !== undefined) inWork.again = undefined;
  }

  shutDown(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }

  /** Takes a key from where it is parked; undefined = it is not parked. */
  #unpark(key: string): Omit<QueueItem, 'key'> | undefined {
    const group = this.#parkedIn.get(key);
    const parked = group === undefined ? undefined : this.#parked.get(group);
    if (group === undefined || parked === undefined) return undefined;
    this.#parkedIn.delete(key);
    const priority = parked.change.has(key) ? 'change' : 'resync';
    const sinceMs = parked[priority].get(key) ?? this.#clock.now();
    parked[priority].delete(key);
    if (parked.change.size + parked.resync.size === 0) this.#parked.delete(group);
    return { priority, sinceMs };
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
      for (const [key, sinceMs] of this.#ready[priority]) {
        this.#ready[priority].delete(key);
        const group = this.#groups.of(key);
        const busy = group === undefined ? 0 : (this.#busy.get(group) ?? 0);
        if (group !== undefined && busy >= this.#groups.atOnce) {
          this.#park(group, key, { priority, sinceMs });
          continue;
        }
        if (group !== undefined) this.#busy.set(group, busy + 1);
        this.#delayed.delete(key);
        this.#delayedChanges.delete(key);
        this.#inWork.set(key, { again: undefined, group });
        return { key, priority, sinceMs };
      }
    }
    return undefined;
  }

  #park(group: string, key: string, { priority, sinceMs }: Omit<QueueItem, 'key'>): void {
    const parked = this.#parked.get(group) ?? nothingReady();
    parked[priority].set(key, sinceMs);
    this.#parked.set(group, parked);
    this.#parkedIn.set(key, group);
  }

  /** One of the group less is in work: all that are parked may be next, and those that find no room are parked again. */
  #leave(group: string): void {
    const busy = (this.#busy.get(group) ?? 1) - 1;
    if (busy === 0) this.#busy.delete(group);
    else this.#busy.set(group, busy);
    const { change, resync } = this.#parked.get(group) ?? nothingReady();
    for (const key of [...change.keys(), ...resync.keys()]) {
      const item = this.#unpark(key);
      if (item !== undefined) this.#ready[item.priority].set(key, item.sinceMs);
    }
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const due = this.#delayed.nextDueMs();
    if (due === undefined || this.#stopped) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => {
      for (const key of this.#delayed.takeDue(this.#clock.now()))
        this.add(key, this.#delayedChanges.delete(key) ? 'change' : 'resync');
      this.#schedule();
    });
  }
}
