import type { Backend, ResolvedEndpoint } from '../backend/backend.ts';
import type { NamedEndpoint } from '../core/start-text.ts';
import type { Host } from '../host/host.ts';
import { resolveName } from '../host/resolve-name.ts';
import type { Document } from '../protocol/wgquick/document.ts';

/** Peers of one device whose endpoints are names. */
export interface NamedPeers {
  readonly names: readonly NamedEndpoint[];
  /** The file that they stand in. */
  readonly document: Document;
  /** The number of the device: for a later one of that name they are asked anew. */
  readonly index: number;
}

/** What of an interface is needed to give its peers addresses. */
interface Target {
  readonly name: string;
  readonly host: Host;
  readonly backend: Backend;
  locked<T>(work: () => Promise<T>): Promise<T>;
}

/** One device whose names are being resolved. */
interface Task {
  readonly target: Target;
  readonly peers: NamedPeers;
  left: readonly NamedEndpoint[];
  pauseMs: number;
  timer: NodeJS.Timeout | undefined;
}

const FIRST_WAIT_MS = 2_000;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;
/** So many names are asked at once. */
const AT_ONCE = 8;
const MAX_LOGGED = 5;

/** Gives peers whose endpoint is a name an address once the tunnel is up: each by itself, and again, ever later, while one does not resolve. */
export class EndpointNames {
  readonly #tasks = new Map<string, Task>();

  /** Resolves after the first attempt, at most two seconds; the rest goes on by itself. The caller holds the interface's lock. */
  async resolve(target: Target, peers: NamedPeers): Promise<void> {
    this.stop(target.name);
    if (peers.names.length === 0) return;
    const task: Task = { target, peers, left: peers.names, pauseMs: FIRST_PAUSE_MS, timer: undefined };
    this.#tasks.set(target.name, task);
    const first = ask(task);
    const found = await within(FIRST_WAIT_MS, first);
    if (found === undefined) {
      void first.then((late) => this.#useLater(task, late));
      return;
    }
    await this.#use(task, found);
    this.#goOn(task);
  }

  /** Peers of the interface that have no address yet. */
  unresolved(name: string): readonly NamedEndpoint[] {
    return this.#tasks.get(name)?.left ?? [];
  }

  /** Gives up on an interface that goes down. */
  stop(name: string): void {
    clearTimeout(this.#tasks.get(name)?.timer);
    this.#tasks.delete(name);
  }

  #isCurrent(task: Task): boolean {
    return this.#tasks.get(task.target.name) === task;
  }

  async #use(task: Task, found: readonly ResolvedEndpoint[]): Promise<void> {
    if (!this.#isCurrent(task) || found.length === 0) return;
    await task.target.backend.setEndpoints(found, task.peers);
    const done = new Set(found.map(({ publicKey }) => publicKey));
    task.left = task.left.filter(({ publicKey }) => !done.has(publicKey));
  }

  async #useLater(task: Task, found: readonly ResolvedEndpoint[]): Promise<void> {
    const { target } = task;
    try {
      await target.locked(() => this.#use(task, found));
    } catch (error) {
      target.host.log.warn('resolved endpoints could not be set', { interface: target.name, error: String(error) });
    }
    this.#goOn(task);
  }

  #goOn(task: Task): void {
    const { target, left, pauseMs } = task;
    if (!this.#isCurrent(task)) return;
    if (left.length === 0) {
      this.#tasks.delete(target.name);
      return;
    }
    const hosts = left.slice(0, MAX_LOGGED).map(({ host }) => host);
    const fields = { interface: target.name, peers: left.length, hosts, next_attempt_ms: pauseMs };
    target.host.log.warn('names of endpoints do not resolve; the tunnel is up without them', fields);
    task.timer = setTimeout(() => {
      void ask(task).then((found) => this.#useLater(task, found));
    }, pauseMs);
    task.timer.unref();
    task.pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
  }
}

/** Every name that is left, a few at a time; a name that does not resolve keeps no other back. */
async function ask({ target, left }: Task): Promise<ResolvedEndpoint[]> {
  const found: ResolvedEndpoint[] = [];
  const waiting = [...left];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { publicKey, host, port } = next;
      const address = await resolveName(target.host.runner, host).catch(() => undefined);
      if (address !== undefined) found.push({ publicKey, endpoint: `${address}:${port}` });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

/** What a promise gives within so many milliseconds, or undefined. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
