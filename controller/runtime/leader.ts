import { type Clock, pause } from './clock.ts';
import { withDeadline } from './deadline.ts';

/** The record of a Lease (coordination.k8s.io/v1), as far as an election looks at it. */
export interface LeaseRecord {
  /** Empty = nobody. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often it changed hands. */
  readonly transitions: number;
}

/** A record with what a write must show to replace exactly it. */
export interface StoredLease {
  readonly record: LeaseRecord;
  readonly version: string;
  /** Of the object as it was read; goes back as it is. */
  readonly metadata: object;
}

/** Where leases are kept. */
export interface LeaseStore {
  /** Undefined = there is none. */
  read(signal: AbortSignal): Promise<StoredLease | undefined>;
  /** Writes the record if the stored one is still `previous`; undefined = somebody else was faster. Throws what else fails. */
  write(record: LeaseRecord, previous: StoredLease | undefined, signal: AbortSignal): Promise<StoredLease | undefined>;
}

/** How an election is held; the names and the meaning are those of client-go's leaderelection. */
export interface ElectionOptions {
  readonly store: LeaseStore;
  /** Of this process alone. */
  readonly identity: string;
  /** Others wait for so long after the last renewal that they saw. */
  readonly leaseMs: number;
  /** Who could not renew for so long stops. */
  readonly renewMs: number;
  readonly retryMs: number;
  /** Its `now` must only go forward. */
  readonly clock: Clock;
  /** For `acquireTime` and `renewTime`, which nobody decides by. */
  readonly wallNowMs: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly failed: (error: unknown) => void;
}

/** A term of leading. */
export interface Term {
  /** Grows with every change of hands. */
  readonly number: number;
  /** Whether the lease is certain to be ours now: asked right before something is changed. */
  readonly isSafe: () => boolean;
  /** Resolves when it is over; true = it was lost, false = the signal ended it. */
  readonly ended: Promise<boolean>;
  /** Gives the lease back, so that nobody has to wait for its end. */
  release(): Promise<void>;
}

/** Who waits looks so often at least, so that a lease that was given back is taken within a second. */
const LOOK_MS = 500;

/** Waits until the lease is ours; undefined = the signal came first. Expiry is judged by our own clock, from when a record was first seen. */
export async function awaitLeadership(options: ElectionOptions): Promise<Term | undefined> {
  const { store, identity, clock, retryMs, random, signal, failed } = options;
  // A renewal is seen by the version, and by nobody's clock.
  let seen: { readonly version: string; readonly atMs: number } | undefined;
  while (!signal.aborted) {
    try {
      const stored = await store.read(signal);
      const now = clock.now();
      if (stored !== undefined && seen?.version !== stored.version) seen = { version: stored.version, atMs: now };
      const isFree =
        stored === undefined ||
        stored.record.holder === '' ||
        stored.record.holder === identity ||
        (seen !== undefined && now - seen.atMs > 1000 * stored.record.durationSeconds);
      const taken = isFree ? await store.write(recordOf(options, stored?.record), stored, signal) : undefined;
      if (taken !== undefined) return new HeldTerm(options, taken, now);
    } catch (error) {
      if (!isAborted(signal)) failed(error);
    }
    await pause(clock, Math.min(retryMs, LOOK_MS) * (1 + 0.2 * random()), signal);
  }
  return undefined;
}

// A call, because the compiler takes `signal.aborted` as unchanged since the loop's test.
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

const time = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

function recordOf({ identity, leaseMs, wallNowMs }: ElectionOptions, previous: LeaseRecord | undefined): LeaseRecord {
  const renewTime = time(wallNowMs());
  const isOurs = previous?.holder === identity;
  return {
    holder: identity,
    durationSeconds: Math.max(1, Math.round(leaseMs / 1000)),
    acquireTime: isOurs ? previous.acquireTime : renewTime,
    renewTime,
    transitions: previous === undefined ? 0 : previous.transitions + (isOurs ? 0 : 1),
  };
}

class HeldTerm implements Term {
  readonly number: number;
  readonly ended: Promise<boolean>;
  readonly #options: ElectionOptions;
  #stored: StoredLease;
  /** When the last renewal that succeeded was begun: others may count from then. */
  #renewedMs: number;

  constructor(options: ElectionOptions, stored: StoredLease, renewedMs: number) {
    this.#options = options;
    this.#stored = stored;
    this.#renewedMs = renewedMs;
    this.number = stored.record.transitions;
    this.ended = this.#renew();
  }

  readonly isSafe = (): boolean => this.#options.clock.now() - this.#renewedMs < this.#options.renewMs;

  async release(): Promise<void> {
    const { store, wallNowMs } = this.#options;
    const now = time(wallNowMs());
    const record: LeaseRecord = {
      ...this.#stored.record,
      holder: '',
      durationSeconds: 1,
      acquireTime: now,
      renewTime: now,
    };
    await store.write(record, this.#stored, AbortSignal.timeout(2_000));
  }

  async #renew(): Promise<boolean> {
    const { clock, retryMs, signal, failed } = this.#options;
    for (;;) {
      await pause(clock, retryMs, signal);
      if (signal.aborted) return false;
      if (!this.isSafe()) return true;
      const begunMs = clock.now();
      const leftMs = Math.max(1, this.#renewedMs + this.#options.renewMs - begunMs);
      try {
        if (!(await withDeadline(signal, leftMs, (deadline) => this.#renewOnce(begunMs, deadline)))) return true;
      } catch (error) {
        failed(error);
      }
    }
  }

  /** False = somebody else has it. */
  async #renewOnce(begunMs: number, deadline: AbortSignal): Promise<boolean> {
    const { store, identity } = this.#options;
    let stored = await store.write(recordOf(this.#options, this.#stored.record), this.#stored, deadline);
    if (stored === undefined) {
      const now = await store.read(deadline);
      if (now?.record.holder !== identity) return false;
      stored = await store.write(recordOf(this.#options, now.record), now, deadline);
      if (stored === undefined) return true;
    }
    this.#stored = stored;
    this.#renewedMs = begunMs;
    return true;
  }
}
