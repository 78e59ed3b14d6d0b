import type { Action } from './action.ts';
import type { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Gate } from './gate.ts';
import type { Queue, QueueItem } from './queue.ts';
import { retryAfterOf } from './retry-after.ts';

/** How a reconcile ended, for metrics; the names are those of controller-runtime. */
export type Result = 'success' | 'error' | 'requeue_after';

/** What the workers work with. */
export interface WorkerOptions {
  readonly queue: Queue;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly reconcile: (key: string) => Promise<Action>;
  /** Workers in all, of which `reserved` serve changes only, so that resyncs never hold up a change. */
  readonly count: number;
  readonly reserved: number;
  readonly observer: WorkerObserver;
  /** Whether a failure is that of a service that all depend on: then the key comes again once that is back, and counts no failure. */
  readonly isOutage?: (error: unknown) => boolean;
  readonly gate?: Gate;
}

/** Told of every reconcile, for metrics and log. Must not throw. */
export interface WorkerObserver {
  readonly started: (item: QueueItem) => void;
  /** It lasts, and its worker goes on without it. */
  readonly left: (item: QueueItem) => void;
  /** `wasLeft`: its worker had gone on without it. */
  readonly ended: (item: QueueItem, end: WorkEnd) => void;
}

/** How the work on a key ended. */
export interface WorkEnd {
  readonly result: Result;
  readonly durationMs: number;
  /** What was thrown, where the result is `error`. */
  readonly error: unknown;
  readonly wasLeft: boolean;
}

/** A reconcile that lasts longer waits for somebody: it goes on, but no worker with it. */
const PATIENCE_MS = 1_000;
/** How long a key waits at most for a service that is away. */
const OUTAGE_LOOK_MS = 5_000;
/** So many may wait at a time; the queue lets few of one host be among them. */
const MAX_LEFT = 4_096;

/** Works the queue until it is shut down; resolves when the last reconcile has ended. */
export async function runWorkers(options: WorkerOptions): Promise<void> {
  const { count, reserved } = options;
  const left = new Set<Promise<void>>();
  await Promise.all(
    Array.from({ length: count }, (_, index) => work(options, index < reserved ? 'change' : 'any', left)),
  );
  await Promise.all(left);
}

async function work(options: WorkerOptions, priorities: 'any' | 'change', left: Set<Promise<void>>): Promise<void> {
  const { queue, clock, observer } = options;
  for (let item = await queue.get(priorities); item !== undefined; item = await queue.get(priorities)) {
    const running: Running = { item, wasLeft: false };
    const ended = finish(options, running);
    if (await isWithin(ended, PATIENCE_MS, clock)) continue;
    if (left.size >= MAX_LEFT) {
      await ended;
      continue;
    }
    running.wasLeft = true;
    observer.left(item);
    left.add(ended);
    void ended.then(() => left.delete(ended));
  }
}

interface Running {
  readonly item: QueueItem;
  wasLeft: boolean;
}

/** Works on a key to its end, and says when it comes again. */
async function finish(options: WorkerOptions, running: Running): Promise<void> {
  const { queue, clock, observer, reconcile } = options;
  const { item } = running;
  const started = clock.now();
  observer.started(item);
  let error: unknown;
  let result: Result;
  try {
    result = settle(options, item.key, await reconcile(item.key));
  } catch (thrown) {
    error = thrown;
    result = 'error';
    again(options, item, thrown);
  }
  queue.done(item.key);
  observer.ended(item, { result, durationMs: clock.now() - started, error, wasLeft: running.wasLeft });
}

/** When a key that failed comes again. */
function again({ queue, backoff, gate, isOutage }: WorkerOptions, { key, priority }: QueueItem, error: unknown): void {
  if (gate !== undefined && !gate.isOpen() && isOutage?.(error) === true) {
    gate.onceOpen(key, () => {
      queue.add(key, priority);
    });
    // Nobody may ask by itself: then this one does.
    queue.addAfter(key, OUTAGE_LOOK_MS, priority);
    return;
  }
  queue.addAfter(key, Math.max(backoff.next(key), retryAfterOf(error)), priority);
}

/** Whether the work ends in this time; resolves as soon as that is known. */
function isWithin(work: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      resolve(false);
    });
    void work.then(() => {
      cancel();
      resolve(true);
    });
  });
}

/** The one place where retry is decided. */
function settle({ queue, backoff }: WorkerOptions, key: string, action: Action): Result {
  backoff.forget(key);
  if (action.kind === 'await-change') return 'success';
  queue.addAfter(key, action.delayMs);
  return 'requeue_after';
}
