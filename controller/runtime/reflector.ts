import { type Clock, pause } from './clock.ts';
import { createBackoff } from './backoff.ts';
import { retryAfterOf } from './retry-after.ts';

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Empty = the last page. */
  readonly continueToken: string;
}

/** What a watch brings. */
export type WatchEvent<T> =
  | { readonly kind: 'apply'; readonly object: T; readonly resourceVersion: string }
  | { readonly kind: 'delete'; readonly object: T; readonly resourceVersion: string }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server no longer has the history after our resourceVersion (HTTP 410, as status or in the stream). */
  | { readonly kind: 'expired' };

/** Where objects come from: the API server, or a model of it. */
export interface ListWatch<T> {
  readonly list: (continueToken: string, signal: AbortSignal) => Promise<Page<T>>;
  readonly watch: (resourceVersion: string, signal: AbortSignal) => AsyncIterable<WatchEvent<T>>;
  /** The newest resourceVersion that the server has. */
  readonly newest: (signal: AbortSignal) => Promise<string>;
}

/** What a reflector tells; called in order, never at the same time. */
export interface ReflectorHandler<T> {
  /** The whole present set: what is not in it is gone. */
  readonly replace: (objects: readonly T[]) => void;
  readonly apply: (object: T) => void;
  readonly remove: (object: T) => void;
  readonly failed: (what: 'list' | 'watch', error: unknown) => void;
}

/** What a reflector works with. */
export interface ReflectorOptions<T> {
  readonly source: ListWatch<T>;
  readonly handler: ReflectorHandler<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** After every answer and every event of the source. */
  readonly contact?: () => void;
}

/** Who is away is asked again soon: edits wait for it. A server that answers is asked more rarely where it brings nothing. */
const FAILED_CAP_MS = 1_000;
/** A watch that ends sooner and brought nothing counts as a failure, so that a broken server is not asked in a spin. */
const SHORT_WATCH_MS = 1_000;

/** Keeps a handler equal to a collection of the API server until the signal aborts: list, watch, and again, whatever fails. */
export async function runReflector<T>(options: ReflectorOptions<T>): Promise<void> {
  const { source, handler, clock, random, signal, contact = () => undefined } = options;
  const backoff = createBackoff({ baseMs: 250, capMs: 4_000, random });
  /** Where the next watch goes on from; undefined = only a list helps. Moves with every event, so that a broken watch loses none. */
  let from: string | undefined;
  /** Whether that comes from a list just now. */
  let isListed = false;
  while (!signal.aborted) {
    const before = from;
    const started = clock.now();
    let failed = false;
    let askedMs = 0;
    try {
      if (from === undefined) {
        from = await listAll(options);
        contact();
        isListed = true;
        // No progress yet: where every watch is answered with 410, lists would follow each other in a storm.
        continue;
      }
      // A server that was put back to an older state would keep silent until it comes to what we know already.
      if (!isListed && isOlder(await source.newest(signal), from)) {
        from = undefined;
        continue;
      }
      isListed = false;
      for await (const event of source.watch(from, signal)) {
        contact();
        from = tell(handler, event);
      }
    } catch (error) {
      if (isAborted(signal)) return;
      handler.failed(before === undefined ? 'list' : 'watch', error);
      failed = true;
      askedMs = retryAfterOf(error);
    }
    const lasted = !failed && clock.now() - started > SHORT_WATCH_MS;
    if (from !== undefined && (from !== before || lasted)) backoff.forget('source');
    else
      await pause(
        clock,
        Math.max(Math.min(backoff.next('source'), failed ? FAILED_CAP_MS : Infinity), askedMs),
        signal,
      );
  }
}

/** Revisions are numbers that grow (KEP-5504). */
const isOlder = (left: string, right: string): boolean =>
  left.length < right.length || (left.length === right.length && left < right);

/** Hands an event on; where to go on from after it. */
function tell<T>(handler: ReflectorHandler<T>, event: WatchEvent<T>): string | undefined {
  switch (event.kind) {
    case 'expired':
      return undefined;
    case 'apply':
      handler.apply(event.object);
      break;
    case 'delete':
      handler.remove(event.object);
      break;
    case 'bookmark':
      break;
  }
  return event.resourceVersion;
}

// A call, because the compiler takes `signal.aborted` as unchanged since the loop's test.
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

async function listAll<T>({ source, handler, signal }: ReflectorOptions<T>): Promise<string> {
  const objects: T[] = [];
  let token = '';
  let resourceVersion: string;
  do {
    const page = await source.list(token, signal);
    objects.push(...page.items);
    ({ resourceVersion, continueToken: token } = page);
  } while (token !== '');
  handler.replace(objects);
  return resourceVersion;
}
