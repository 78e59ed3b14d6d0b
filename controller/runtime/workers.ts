import type { Action } from './action.ts';
import type { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
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
  /** Workers in all, of which `reserved` serve changes only, so that resyncs of slow hosts never hold up a change. */
  readonly count: number;
  readonly reserved: number;
  readonly observer: WorkerObserver;
}

/** Told of every reconcile, for metrics and log. Must not throw. */
export interface WorkerObserver {
  readonly started: (item: QueueItem) => void;
  readonly ended: (item: QueueItem, result: Result, durationMs: number, error: unknown) => void;
}

/** Works the queue until it is shut down; resolves when the last reconcile has ended. */
export async function runWorkers(options: WorkerOptions): Promise<void> {
  const { count, reserved } = options;
  await Promise.all(Array.from({ length: count }, (_, index) => work(options, index < reserved ? 'change' : 'any')));
}

async function work(options: WorkerOptions, priorities: 'any' | 'change'): Promise<void> {
  const { queue, clock, observer } = options;
  for (let item = await queue.get(priorities); item !== undefined; item = await queue.get(priorities)) {
    const started = clock.now();
    observer.started(item);
    let error: unknown;
    let result: Result;
    try {
      result = settle(options, item.key, await options.reconcile(item.key));
    } catch (thrown) {
      error = thrown;
      queue.addAfter(item.key, Math.max(options.backoff.next(item.key), retryAfterOf(thrown)));
      result = 'error';
    }
    queue.done(item.key);
    observer.ended(item, result, clock.now() - started, error);
  }
}

/** The one place where retry is decided. */
function settle({ queue, backoff }: WorkerOptions, key: string, action: Action): Result {
  switch (action.kind) {
    case 'await-change':
      backoff.forget(key);
      return 'success';
    case 'requeue-after':
      backoff.forget(key);
      queue.addAfter(key, action.delayMs);
      return 'requeue_after';
  }
}
