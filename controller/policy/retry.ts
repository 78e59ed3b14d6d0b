import type { WireGuardNode } from '../api/wireguardnode.generated.ts';

/** When an object is looked at again by itself, as data. */
export type Retry =
  /** Only a change wakes it. */
  | { readonly kind: 'on-change' }
  | { readonly kind: 'after'; readonly delayMs: number }
  /** Ever later while it goes on failing, from `baseMs` to `capMs`, never sooner than `leastMs`. */
  | { readonly kind: 'backoff'; readonly baseMs: number; readonly capMs: number; readonly leastMs: number };

/** For what nobody but a person or a watch can move on. */
export const ON_CHANGE: Retry = { kind: 'on-change' };

/** Failures in a row are counted by kind: another one starts anew. */
export type FailureKind = 'unreachable' | 'apply' | 'write' | 'deletion';

/** Failures in a row of one kind at one generation. */
export interface FailureCount {
  /** Kind and generation; empty = none. */
  readonly of: string;
  readonly count: number;
}

/** The last outcome was none. */
export const NO_FAILURE: FailureCount = { of: '', count: 0 };

/** The count after one more outcome; null = it was no failure. A new generation starts anew, too. */
export function countFailure(previous: FailureCount, kind: FailureKind | null, generation: number): FailureCount {
  if (kind === null) return NO_FAILURE;
  const of = `${kind} ${String(generation)}`;
  return { of, count: previous.of === of ? previous.count + 1 : 1 };
}

const intervalMsOf = ({ spec }: WireGuardNode): number => spec.management.intervalSeconds * 1000;

const FRESH_MS = 10 * 60 * 1000;
const FRESH_CAP_MS = 30_000;
const FAILED_CAP_MS = 5 * 60 * 1000;
const BASE_MS = 500;
/** A person must act, and a watch tells us when: the slow poll is a backstop. */
const SLOW_FACTOR = 5;
const SLOW_CAP_MS = 10 * 60 * 1000;

/** The rest of the object's own interval: where in it the resync falls is made from the UID, so that a fleet never comes in waves. */
export function atInterval(node: WireGuardNode, nowMs: number): Retry {
  const intervalMs = intervalMsOf(node);
  const phase = Number.parseInt(node.metadata.uid.replaceAll('-', '').slice(0, 8), 16) % intervalMs;
  const rest = intervalMs - ((((nowMs - phase) % intervalMs) + intervalMs) % intervalMs);
  return { kind: 'after', delayMs: rest < intervalMs / 10 ? rest + intervalMs : rest };
}

/** For what a person must mend: never more rarely than every ten minutes, but where the interval itself is longer. */
export function slowly(node: WireGuardNode): Retry {
  const intervalMs = intervalMsOf(node);
  return { kind: 'after', delayMs: Math.max(intervalMs, Math.min(SLOW_FACTOR * intervalMs, SLOW_CAP_MS)) };
}

/** So long is anybody patient without a word, ms. */
export const SLOW_MS = 2_000;

/** To tell of a wait that has become long. */
export const AFTER_A_SHORT_WAIT: Retry = { kind: 'after', delayMs: SLOW_MS };

/** For what nothing tells when it is allowed: rights, webhooks and policies are not watched. */
export const WHILE_REFUSED: Retry = { kind: 'after', delayMs: 15_000 };

/** For a change that failed: each try touches a tunnel that runs. */
export const AFTER_FAILED_APPLY: Retry = { kind: 'backoff', baseMs: 10_000, capMs: FAILED_CAP_MS, leastMs: 0 };

/** For what has a deadline: ever later, but not past it. */
export const beforeDeadline = (leftMs: number): Retry => ({
  kind: 'backoff',
  baseMs: 2_000,
  capMs: Math.max(100, Math.min(30_000, leftMs)),
  leastMs: 0,
});

/** For what is on its way anyway: the watch brings the object, this is the backstop. */
export const SOON: Retry = { kind: 'backoff', baseMs: 250, capMs: 10_000, leastMs: 0 };

/** For a host that is away: often while it was lost just now, at the interval after that. */
export function whileLost(node: WireGuardNode, lostMs: number, leastMs: number): Retry {
  if (lostMs < FRESH_MS) return { kind: 'backoff', baseMs: BASE_MS, capMs: FRESH_CAP_MS, leastMs };
  return { kind: 'after', delayMs: Math.max(intervalMsOf(node), leastMs) };
}
