interface Entry {
  readonly key: string;
  readonly dueMs: number;
}

const MAX_STALE = 64;

/** Keys by due time: a binary heap with one entry a key, so that 10,000 waiting keys need no 10,000 timers. */
export class DelayHeap {
  readonly #heap: Entry[] = [];
  /** Of each key only this due time counts; older heap entries of it are skipped when they surface. */
  readonly #due = new Map<string, number>();

  get size(): number {
    return this.#due.size;
  }

  /** Replaces an earlier due time of the key. */
  set(key: string, dueMs: number): void {
    this.#due.set(key, dueMs);
    this.#push({ key, dueMs });
    if (this.#heap.length > MAX_STALE + 2 * this.#due.size) this.#compact();
  }

  delete(key: string): void {
    this.#due.delete(key);
  }

  /** The earliest due time, or undefined when empty. */
  nextDueMs(): number | undefined {
    this.#dropStale();
    return this.#heap[0]?.dueMs;
  }

  /** Takes out every key that is due at `nowMs`. */
  takeDue(nowMs: number): string[] {
    const keys: string[] = [];
    for (let due = this.nextDueMs(); due !== undefined && due <= nowMs; due = this.nextDueMs()) {
      const entry = this.#pop();
      if (entry === undefined) break;
      this.#due.delete(entry.key);
      keys.push(entry.key);
    }
    return keys;
  }

  #push(entry: Entry): void {
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
  }

  /** Drops the replaced entries of keys that are set again and again long before they are due. */
  #compact(): void {
    this.#heap.length = 0;
    for (const [key, dueMs] of this.#due) this.#push({ key, dueMs });
  }

  #dropStale(): void {
    for (let top = this.#heap[0]; top !== undefined && this.#due.get(top.key) !== top.dueMs; top = this.#heap[0])
      this.#pop();
  }

  #pop(): Entry | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return top;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLater(parent, index)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const smaller = this.#dueAt(right) < this.#dueAt(left) ? right : left;
      if (smaller >= this.#heap.length || !this.#swapIfLater(index, smaller)) return;
      index = smaller;
    }
  }

  #dueAt(index: number): number {
    return this.#heap[index]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  #swapIfLater(upper: number, lower: number): boolean {
    const [above, below] = [this.#heap[upper], this.#heap[lower]];
    if (above === undefined || below === undefined || above.dueMs <= below.dueMs) return false;
    this.#heap[upper] = below;
    this.#heap[lower] = above;
    return true;
  }
}
