import type { Clock } from '../../controller/runtime/clock.ts';
import { type ListWatch, type Page, runReflector, type WatchEvent } from '../../controller/runtime/reflector.ts';
import { ManualClock } from './manual-clock.ts';

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Thing {
  readonly name: string;
  readonly version: number;
}

export type Fault = 'error' | 'end' | 'expired';

/** One collection of an API server: versions, a history that can be compacted, and the ways in which it fails. */
class ApiModel implements ListWatch<Thing> {
  readonly objects = new Map<string, Thing>();
  /** When each list began, ms. */
  readonly listedMs: number[] = [];
  /** The version that each watch began from. */
  readonly watchedFrom: number[] = [];
  /** How often the newest version was asked for. */
  newestAsked = 0;
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

  /** Goes back to an older state, as where etcd is restored from a copy: a running watch ends, and history begins anew. */
  restore(objects: readonly Thing[], version: number): void {
    this.objects.clear();
    for (const object of objects) this.objects.set(object.name, object);
    this.#version = version;
    this.#oldest = version;
    this.#history.length = 0;
    this.cut('error');
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

  readonly newest = (): Promise<string> => {
    this.newestAsked += 1;
    if (this.listIsBroken) return Promise.reject(new Error('no list'));
    return Promise.resolve(String(this.#version));
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
  /** Answers and events of the source. */
  contacts = 0;

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

/** A reflector that runs against a model of an API server and tells a mirror. */
export function startReflector(
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
  const { list, newest } = api;
  const source: ListWatch<Thing> = { list, newest, watch: (from, signal) => api.watch(from, signal) };
  const contact = (): void => {
    mirror.contacts += 1;
  };
  const { signal } = controller;
  const running = runReflector({ source, handler: mirror, clock, random: () => 0, signal, contact });
  const stop = (): Promise<void> => {
    controller.abort();
    return running;
  };
  return { clock, api, mirror, stop };
}
