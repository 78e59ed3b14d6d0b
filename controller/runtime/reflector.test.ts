import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { Clock } from './clock.ts';
import { type ListWatch, type Page, runReflector, type WatchEvent } from './reflector.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Thing {
  readonly name: string;
  readonly version: number;
}

type Fault = 'error' | 'end' | 'expired';

/** One collection of an API server: versions, a history that can be compacted, and the ways in which it fails. */
class ApiModel implements ListWatch<Thing> {
  readonly objects = new Map<string, Thing>();
  /** When each list began, ms. */
  readonly listedMs: number[] = [];
  /** The version that each watch began from. */
  readonly watchedFrom: number[] = [];
  /** Every list fails while this is true. */
  listIsBroken = false;
  /** Every watch ends like this at its start. */
  watchEndsWith: Fault | undefined;

  readonly #clock: Clock;
  #version = 100;
  #oldest = 100;
  readonly #history: {
    readonly kind: 'apply' | 'delete' | 'bookmark';
    readonly object: Thing;
    readonly version: number;
  }[] = [];
  #fault: Fault | undefined;
  #wake: () => void = () => undefined;
  /** All pages of a list show the collection as it was at the first one. */
  #listed: Page<Thing> = { items: [], resourceVersion: '', continueToken: '' };

  constructor(clock: Clock, ...names: string[]) {
    this.#clock = clock;
    for (const name of names) this.put(name);
  }

  get version(): number {
    return this.#version;
  }

  put(name: string): void {
    const object = { name, version: ++this.#version };
    this.objects.set(name, object);
    this.#record('apply', object);
  }

  delete(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.objects.delete(name);
    this.#version += 1;
    this.#record('delete', object);
  }

  bookmark(): void {
    this.#version += 1;
    this.#record('bookmark', { name: '', version: this.#version });
  }

  /** Forgets the history, as etcd does after five minutes: a watch that runs goes on, one from before cannot begin. */
  compact(): void {
    this.#oldest = this.#version;
  }

  /** Ends the watch that runs. */
  cut(fault: Fault): void {
    this.#fault = fault;
    this.#wake();
  }

  readonly list = (continueToken: string, signal: AbortSignal): Promise<Page<Thing>> => {
    if (continueToken === '') {
      this.listedMs.push(this.#clock.now());
      this.#listed = { items: [...this.objects.values()], resourceVersion: String(this.#version), continueToken: '' };
    }
    if (signal.aborted || this.listIsBroken) return Promise.reject(new Error('no list'));
    const { items, resourceVersion } = this.#listed;
    const end = Number(continueToken) + 2;
    return Promise.resolve({
      items: items.slice(end - 2, end),
      resourceVersion,
      continueToken: end < items.length ? String(end) : '',
    });
  };

  readonly watch = async function* (
    this: ApiModel,
    from: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<Thing>> {
    let seen = Number(from);
    this.watchedFrom.push(seen);
    this.#fault = this.watchEndsWith;
    if (seen < this.#oldest) {
      yield { kind: 'expired' };
      return;
    }
    for (;;) {
      for (const { kind, object, version } of this.#history.filter((event) => event.version > seen)) {
        seen = version;
        const resourceVersion = String(version);
        yield kind === 'bookmark' ? { kind, resourceVersion } : { kind, object, resourceVersion };
      }
      if (this.#fault === 'error') throw new Error('the connection broke');
      if (this.#fault === 'expired') yield { kind: 'expired' };
      if (this.#fault !== undefined) return;
      await this.#change(signal);
    }
  };

  #record(kind: 'apply' | 'delete' | 'bookmark', object: Thing): void {
    this.#history.push({ kind, object, version: this.#version });
    this.#wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  }
}

/** What a handler knows after everything that it was told. */
class Mirror {
  readonly known = new Map<string, Thing>();
  readonly told: string[] = [];
  readonly failures: string[] = [];

  readonly replace = (objects: readonly Thing[]): void => {
    this.known.clear();
    for (const object of objects) this.known.set(object.name, object);
    this.told.push(`replace ${String(objects.length)}`);
  };
  readonly apply = (object: Thing): void => {
    this.known.set(object.name, object);
    this.told.push(`apply ${object.name}`);
  };
  readonly remove = (object: Thing): void => {
    this.known.delete(object.name);
    this.told.push(`remove ${object.name}`);
  };
  readonly failed = (what: string): void => {
    this.failures.push(what);
  };
}

function start(
  names: readonly string[],
  prepare: (api: ApiModel) => void = () => undefined,
): {
  clock: ManualClock;
  api: ApiModel;
  mirror: Mirror;
  stop: () => Promise<void>;
} {
  const clock = new ManualClock();
  const api = new ApiModel(clock, ...names);
  const mirror = new Mirror();
  prepare(api);
  const controller = new AbortController();
  const source: ListWatch<Thing> = { list: api.list, watch: (from, signal) => api.watch(from, signal) };
  const running = runReflector({ source, handler: mirror, clock, random: () => 0, signal: controller.signal });
  const stop = (): Promise<void> => {
    controller.abort();
    return running;
  };
  return { clock, api, mirror, stop };
}

describe('a healthy API server', () => {
  test('the pages of the list come as one set', async () => {
    const { mirror, stop } = start(['a', 'b', 'c', 'd', 'e']);
    await settle();
    expect(mirror.told).toEqual(['replace 5']);
    await stop();
  });

  test('an empty collection is an empty set, so that what is gone is known to be gone', async () => {
    const { mirror, stop } = start([]);
    await settle();
    expect(mirror.told).toEqual(['replace 0']);
    await stop();
  });

  test('later changes come one by one, and bookmarks tell nothing', async () => {
    const { api, mirror, stop } = start(['a']);
    await settle();
    api.put('b');
    api.bookmark();
    api.delete('a');
    await settle();
    expect(mirror.told).toEqual(['replace 1', 'apply b', 'remove a']);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('a watch that the server ends goes on from its last version, that of a bookmark included', async () => {
    const { clock, api, mirror, stop } = start(['a']);
    await settle();
    const listed = api.version;
    api.put('b');
    api.bookmark();
    const last = api.version;
    await settle();
    api.cut('end');
    await clock.advance(1_000);
    expect(api.watchedFrom).toEqual([listed, last]);
    expect([api.listedMs.length, mirror.failures]).toEqual([1, []]);
    await stop();
  });
});

describe('C6: the server no longer has the history', () => {
  test('a watch that is answered with 410 at its start leads to one list of everything', async () => {
    const { clock, api, mirror, stop } = start(['a', 'b']);
    await settle();
    api.cut('end');
    await settle();
    api.put('c');
    api.delete('a');
    api.compact();
    await clock.advance(5_000);
    expect(mirror.told.at(-1)).toBe('replace 2');
    expect(mirror.known).toEqual(api.objects);
    expect([api.listedMs.length, mirror.failures]).toEqual([2, []]);
    await stop();
  });

  test('a 410 in the stream loses no event before it and leads to one list of everything', async () => {
    const { clock, api, mirror, stop } = start(['a']);
    await settle();
    api.put('b');
    api.cut('expired');
    await clock.advance(5_000);
    expect(mirror.told).toEqual(['replace 1', 'apply b', 'replace 2']);
    expect([api.listedMs.length, mirror.failures]).toEqual([2, []]);
    await stop();
  });

  test('a server that answers every watch with 410 is not listed in a storm', async () => {
    const { clock, api, stop } = start(['a'], (model) => {
      model.watchEndsWith = 'expired';
    });
    await clock.advance(60_000);
    expect(api.listedMs.length).toBeLessThan(20);
    await stop();
  });
});

describe('failures', () => {
  test('a watch that breaks goes on from its last version, without a list', async () => {
    const { clock, api, mirror, stop } = start(['a']);
    await settle();
    const listed = api.version;
    api.put('b');
    await settle();
    api.cut('error');
    await clock.advance(1_000);
    expect(api.watchedFrom).toEqual([listed, api.version]);
    expect(mirror.told).toEqual(['replace 1', 'apply b']);
    expect([api.listedMs.length, mirror.failures]).toEqual([1, ['watch']]);
    await stop();
  });

  test('changes while no watch runs are not lost', async () => {
    const { clock, api, mirror, stop } = start(['a']);
    await settle();
    api.cut('error');
    await settle();
    api.delete('a');
    api.put('b');
    await clock.advance(1_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('a list that fails is tried again, ever slower and at least every 30 s', async () => {
    const { clock, api, mirror, stop } = start(['a'], (model) => {
      model.listIsBroken = true;
    });
    await clock.advance(300_000);
    const gaps = api.listedMs.slice(1).map((atMs, index) => atMs - (api.listedMs[index] ?? 0));
    expect(gaps.slice(0, 4)).toEqual([125, 250, 500, 1_000]);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect([...gaps].sort((left, right) => left - right)).toEqual(gaps);
    expect(new Set(mirror.failures)).toEqual(new Set(['list']));
    api.listIsBroken = false;
    await clock.advance(30_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test.each(['end', 'error'] as const)('a watch that always ends with %s at once is no spin', async (fault) => {
    const { clock, api, stop } = start(['a'], (model) => {
      model.watchEndsWith = fault;
    });
    await clock.advance(60_000);
    expect(api.watchedFrom.length).toBeLessThan(20);
    expect(api.listedMs.length).toBe(1);
    await stop();
  });

  test('a watch that works again after failures is followed at once', async () => {
    const { clock, api, mirror, stop } = start(['a'], (model) => {
      model.watchEndsWith = 'error';
    });
    await clock.advance(20_000);
    api.watchEndsWith = undefined;
    await clock.advance(30_000);
    api.put('b');
    await settle();
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });
});

describe('an abort ends the reflector', () => {
  test('during a watch, and is no failure', async () => {
    const { mirror, stop } = start(['a']);
    await settle();
    await stop();
    expect(mirror.failures).toEqual([]);
  });

  test('during the pause after a failure', async () => {
    const { api, stop } = start(['a'], (model) => {
      model.listIsBroken = true;
    });
    await settle();
    await stop();
    expect(api.watchedFrom).toEqual([]);
  });

  test('before it has begun', async () => {
    const { api, mirror, stop } = start(['a']);
    await stop();
    expect([api.watchedFrom, mirror.failures]).toEqual([[], []]);
  });
});

test('C8: whatever happens in between, the handler ends with what the server has', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const happening = fc.oneof(
    name.map((each) => ({ put: each })),
    name.map((each) => ({ remove: each })),
    fc.constantFrom<Fault>('error', 'end', 'expired').map((cut) => ({ cut })),
    fc.constant({ compact: true }),
    fc.integer({ min: 1, max: 2_000 }).map((pauseMs) => ({ pauseMs })),
  );
  const property = fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
    const { clock, api, mirror, stop } = start(['a', 'b', 'c']);
    for (const each of happenings) {
      if ('put' in each) api.put(each.put);
      else if ('remove' in each) api.delete(each.remove);
      else if ('cut' in each) api.cut(each.cut);
      else if ('compact' in each) api.compact();
      else await clock.advance(each.pauseMs);
    }
    await clock.advance(120_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });
  await fc.assert(property, { numRuns: 100 });
});
