import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { awaitLeadership, type LeaseRecord, type LeaseStore, type StoredLease, type Term } from './leader.ts';

const LEASE_MS = 15_000;
const RENEW_MS = 10_000;
const RETRY_MS = 2_000;
const START_MS = Date.parse('2026-02-01T00:00:00Z');

/** One Lease of an API server: a write must show the version that it replaces. */
class LeaseModel {
  stored: StoredLease | undefined;
  #version = 0;

  /** The way of one candidate there; each can be cut, or lose answers. */
  way(): LeaseStore & { isCut: boolean; losesAnswers: boolean } {
    const way = {
      isCut: false,
      losesAnswers: false,
      read: (): Promise<StoredLease | undefined> =>
        way.isCut ? Promise.reject(new Error('cut')) : Promise.resolve(this.stored),
      write: (record: LeaseRecord, previous: StoredLease | undefined): Promise<StoredLease | undefined> => {
        if (way.isCut) return Promise.reject(new Error('cut'));
        const written = this.#replace(record, previous);
        return way.losesAnswers ? Promise.reject(new Error('lost')) : Promise.resolve(written);
      },
    };
    return way;
  }

  #replace(record: LeaseRecord, previous: StoredLease | undefined): StoredLease | undefined {
    if (this.stored?.version !== previous?.version) return undefined;
    this.#version += 1;
    this.stored = { record, version: String(this.#version), metadata: {} };
    return this.stored;
  }
}

interface CandidateOptions {
  readonly clock: ManualClock;
  /** Of the candidate's machine; nobody may decide by it. */
  readonly wallNowMs?: () => number;
}

/** One process that wants to lead. */
class Candidate {
  term: Term | undefined;
  /** How the last term ended; undefined = it did not. */
  wasLost: boolean | undefined;
  readonly identity: string;
  readonly way: ReturnType<LeaseModel['way']>;
  readonly failures: unknown[] = [];
  readonly #stop = new AbortController();
  readonly over: Promise<void>;

  constructor(
    identity: string,
    lease: LeaseModel,
    { clock, wallNowMs = () => START_MS + clock.now() }: CandidateOptions,
  ) {
    this.identity = identity;
    this.way = lease.way();
    this.over = awaitLeadership({
      ...{ store: this.way, identity, clock, wallNowMs, random: () => 0, signal: this.#stop.signal },
      ...{ leaseMs: LEASE_MS, renewMs: RENEW_MS, retryMs: RETRY_MS },
      failed: (error) => this.failures.push(error),
    }).then(async (term) => {
      this.term = term;
      this.wasLost = await term?.ended;
    });
  }

  /** Whether it may change something now. */
  get leads(): boolean {
    return this.wasLost === undefined && this.term?.isSafe() === true;
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.over;
  }
}

class Election {
  readonly clock = new ManualClock();
  readonly lease = new LeaseModel();
  readonly candidates: Candidate[] = [];

  async join(identity: string, over: Omit<CandidateOptions, 'clock'> = {}): Promise<Candidate> {
    const candidate = new Candidate(identity, this.lease, { clock: this.clock, ...over });
    this.candidates.push(candidate);
    await this.clock.advance(0);
    return candidate;
  }

  leaders(): string[] {
    return this.candidates.filter(({ leads }) => leads).map(({ identity }) => identity);
  }

  /** Lets time pass in small steps; never do two lead at once. Gives back when each who led was seen to. */
  async pass(ms: number, eachMs = 100): Promise<string[]> {
    const seen = new Set<string>();
    for (let passed = 0; passed < ms; passed += eachMs) {
      await this.clock.advance(eachMs);
      expect(this.leaders().length).toBeLessThanOrEqual(1);
      for (const leader of this.leaders()) seen.add(leader);
    }
    return [...seen];
  }

  end(): Promise<unknown> {
    return Promise.all(this.candidates.map((each) => each.stop()));
  }
}

test('the first candidate leads at once, and writes down who, since when and how often it changed hands', async () => {
  const election = new Election();
  await election.join('a');
  expect(election.leaders()).toEqual(['a']);
  const time = '2026-02-01T00:00:00.000000Z';
  expect(election.lease.stored?.record).toEqual({
    ...{ holder: 'a', durationSeconds: 15, acquireTime: time, renewTime: time, transitions: 0 },
  });
  await election.end();
});

test('a leader that renews leads on, and the others wait', async () => {
  const election = new Election();
  for (const name of ['a', 'b', 'c']) await election.join(name);
  expect(await election.pass(120_000)).toEqual(['a']);
  expect(election.lease.stored?.record).toMatchObject({ transitions: 0, acquireTime: '2026-02-01T00:00:00.000000Z' });
  await election.end();
});

test('of those that come at the same time one leads', async () => {
  const election = new Election();
  await Promise.all(['a', 'b', 'c'].map((name) => election.join(name)));
  expect(election.leaders()).toHaveLength(1);
  await election.end();
});

describe('a leader that is cut off', () => {
  test('is not safe any more before somebody else may follow, and is told that it lost', async () => {
    const election = new Election();
    const first = await election.join('a');
    await election.join('b');
    await election.pass(60_000);
    first.way.isCut = true;
    await election.pass(RENEW_MS);
    expect([election.leaders(), first.term?.isSafe()]).toEqual([[], false]);
    await election.pass(LEASE_MS);
    expect([first.wasLost, election.leaders()]).toEqual([true, ['b']]);
    await election.end();
  });

  test('goes on when it is back in time', async () => {
    const election = new Election();
    const first = await election.join('a');
    await election.join('b');
    first.way.isCut = true;
    await election.pass(RENEW_MS - RETRY_MS - 1_000);
    first.way.isCut = false;
    expect(await election.pass(60_000)).toEqual(['a']);
    expect(first.failures.length).toBeGreaterThan(0);
    await election.end();
  });

  test('whose renewal is written, but whose answer is lost, still has the lease', async () => {
    const election = new Election();
    const first = await election.join('a');
    first.way.losesAnswers = true;
    await election.pass(RETRY_MS);
    first.way.losesAnswers = false;
    expect(await election.pass(60_000)).toEqual(['a']);
    expect(first.wasLost).toBeUndefined();
    await election.end();
  });

  test('is followed only after the whole lease, by the clock of who waits, whatever the wall clocks say', async () => {
    const election = new Election();
    const first = await election.join('a', { wallNowMs: () => 0 });
    const second = await election.join('b', { wallNowMs: () => START_MS * 2 });
    first.way.isCut = true;
    await election.pass(LEASE_MS);
    expect(second.leads).toBe(false);
    await election.pass(2 * RETRY_MS);
    expect(second.leads).toBe(true);
    await election.end();
  });

  test('and that never renewed is waited for from when it was first seen', async () => {
    const election = new Election();
    const first = await election.join('a');
    first.way.isCut = true;
    await election.pass(60_000);
    const late = await election.join('late');
    await election.pass(LEASE_MS);
    expect(late.leads).toBe(false);
    await election.pass(2 * RETRY_MS);
    expect(late.leads).toBe(true);
    await election.end();
  });
});

test('a leader whose wall clock stands still is not taken for dead', async () => {
  const election = new Election();
  const first = await election.join('a', { wallNowMs: () => START_MS });
  await election.join('b');
  expect(await election.pass(60_000)).toEqual(['a']);
  expect(first.wasLost).toBeUndefined();
  await election.end();
});

test('a leader whose lease somebody took learns it at its next renewal', async () => {
  const election = new Election();
  const first = await election.join('a');
  const { stored, way } = { stored: election.lease.stored, way: election.lease.way() };
  if (stored === undefined) throw new Error('no lease');
  await way.write({ ...stored.record, holder: 'thief', transitions: 1 }, stored, new AbortController().signal);
  await election.pass(RETRY_MS);
  expect(first.wasLost).toBe(true);
  await election.end();
});

test('a leader whose lease was deleted leads no more', async () => {
  const election = new Election();
  const first = await election.join('a');
  election.lease.stored = undefined;
  await election.pass(RETRY_MS);
  expect(first.wasLost).toBe(true);
  await election.end();
});

test('a leader whose lease somebody else edited, but did not take, goes on', async () => {
  const election = new Election();
  const first = await election.join('a');
  const { stored } = election.lease;
  if (stored === undefined) throw new Error('no lease');
  await election.lease.way().write(stored.record, stored, new AbortController().signal);
  await election.pass(60_000);
  expect([first.wasLost, election.leaders()]).toEqual([undefined, ['a']]);
  await election.end();
});

describe('a leader that stops', () => {
  test('ends its term, which is no loss, and gives the lease back: the next one need not wait for its end', async () => {
    const election = new Election();
    const first = await election.join('a');
    const second = await election.join('b');
    await election.pass(30_000);
    await first.stop();
    expect(first.wasLost).toBe(false);
    await first.term?.release();
    await election.pass(RETRY_MS);
    expect([second.leads, second.term?.number]).toEqual([true, 1]);
    await election.end();
  });

  test('does not give back what is somebody else’s by now', async () => {
    const election = new Election();
    const first = await election.join('a');
    const second = await election.join('b');
    first.way.isCut = true;
    await election.pass(60_000);
    first.way.isCut = false;
    await first.term?.release();
    await election.pass(60_000);
    expect([second.leads, election.lease.stored?.record.holder]).toEqual([true, 'b']);
    await election.end();
  });
});

test('who comes back under its own name, as after a crash, need not wait', async () => {
  const election = new Election();
  const first = await election.join('a');
  await first.stop();
  const again = await election.join('a');
  expect([again.leads, again.term?.number]).toEqual([true, 0]);
  await election.end();
});

test('who stops while it waits leads never', async () => {
  const election = new Election();
  await election.join('a');
  const second = await election.join('b');
  await second.stop();
  expect(second.term).toBeUndefined();
  await election.end();
});

test('a term has a greater number than every one before it', async () => {
  const election = new Election();
  const numbers: (number | undefined)[] = [];
  for (const name of ['a', 'b', 'a', 'c']) {
    const candidate = await election.join(name);
    await election.pass(LEASE_MS + 2 * RETRY_MS);
    numbers.push(candidate.term?.number);
    candidate.way.isCut = true;
    await candidate.stop();
  }
  expect(numbers).toEqual([0, 1, 2, 3]);
});

test('whatever is cut, lost, stopped or released, two never lead at once, and in the end somebody does', async () => {
  const names = ['a', 'b', 'c'] as const;
  const who = fc.nat(names.length - 1);
  const step = fc.oneof(
    fc.record({ what: fc.constantFrom('cut', 'mend', 'lose', 'release'), who }),
    fc.record({ what: fc.constant('pass'), who: fc.integer({ min: 1, max: 80 }) }),
  );
  const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
    const election = new Election();
    for (const name of names) await election.join(name);
    for (const { what, who: given } of steps) {
      const candidate = election.candidates[given];
      if (what === 'pass') await election.pass(given * 250, 250);
      else if (candidate === undefined) continue;
      else if (what === 'cut') candidate.way.isCut = true;
      else if (what === 'lose') candidate.way.losesAnswers = true;
      else if (what === 'mend') Object.assign(candidate.way, { isCut: false, losesAnswers: false });
      else if (candidate.term !== undefined) {
        await candidate.stop();
        await candidate.term.release().catch(() => undefined);
      }
    }
    for (const { way } of election.candidates) Object.assign(way, { isCut: false, losesAnswers: false });
    await election.join('last');
    const waiting = await election.pass(2 * LEASE_MS, 250);
    expect(waiting.length).toBeGreaterThan(0);
    await election.end();
  });
  await fc.assert(property, { numRuns: Math.min(RUNS.numRuns, 1_000) / 4 });
});
