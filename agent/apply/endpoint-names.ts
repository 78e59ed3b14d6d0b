import type { NamedEndpoint } from '../core/start-text.ts';
import type { ResolvedEndpoint } from '../backend/backend.ts';
import { resolveName } from '../host/resolve-name.ts';
import type { Document } from '../protocol/wgquick/document.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** Peers of one device whose endpoints are names. */
export interface NamedPeers {
  readonly names: readonly NamedEndpoint[];
  /** The file that they stand in. */
  readonly document: Document;
  /** The number of the device: for a later one of that name they are asked anew. */
  readonly index: number;
}

/** Gives peers whose endpoint is a name an address, once the tunnel is up: each by itself, and again while a name does not resolve. */
export interface EndpointNames {
  /** Resolves after the first attempt, at most two seconds; the rest goes on by itself. The caller holds the interface's lock. */
  resolve(target: ManagedInterface, peers: NamedPeers): Promise<void>;
  /** Peers of the interface that have no address yet. */
  unresolved(name: string): readonly NamedEndpoint[];
  /** Gives up on an interface that goes down. */
  stop(name: string): void;
}

const FIRST_WAIT_MS = 2_000;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;
/** So many names are asked at once. */
const AT_ONCE = 8;

interface Task {
  left: readonly NamedEndpoint[];
  timer: NodeJS.Timeout | undefined;
}

/** `pause`: calls back after so many milliseconds. */
export function createEndpointNames(): EndpointNames {
  const tasks = new Map<string, Task>();
  const isCurrent = (name: string, task: Task): boolean => tasks.get(name) === task;
  const stop = (name: string): void => {
    clearTimeout(tasks.get(name)?.timer);
    tasks.delete(name);
  };

  const attempt = async (target: ManagedInterface, peers: NamedPeers, task: Task): Promise<ResolvedEndpoint[]> => {
    const resolved: ResolvedEndpoint[] = [];
    for (let start = 0; start < task.left.length; start += AT_ONCE) {
      const some = task.left.slice(start, start + AT_ONCE).map(async ({ publicKey, host, port }) => {
        const address = await resolveName(target.host.runner, host).catch(() => undefined);
        if (address !== undefined) resolved.push({ publicKey, endpoint: `${address}:${port}` });
      });
      await Promise.all(some);
    }
    return resolved;
  };

  const use = async (
    target: ManagedInterface,
    peers: NamedPeers,
    task: Task,
    found: ResolvedEndpoint[],
  ): Promise<void> => {
    if (!isCurrent(target.name, task) || found.length === 0) return;
    await target.backend.setEndpoints(found, peers);
    const done = new Set(found.map(({ publicKey }) => publicKey));
    task.left = task.left.filter(({ publicKey }) => !done.has(publicKey));
  };

  const goOn = (target: ManagedInterface, peers: NamedPeers, task: Task, pauseMs: number): void => {
    if (task.left.length === 0) {
      if (isCurrent(target.name, task)) tasks.delete(target.name);
      return;
    }
    const hosts = task.left.map(({ host }) => host).slice(0, 5);
    target.host.log.warn('endpoint names do not resolve; the tunnel is up, and they are tried again', {
      interface: target.name,
      hosts,
      pauseMs,
    });
    task.timer = setTimeout(() => {
      void again(target, peers, task, pauseMs);
    }, pauseMs);
    task.timer.unref();
  };

  const again = async (target: ManagedInterface, peers: NamedPeers, task: Task, pauseMs: number): Promise<void> => {
    const found = await attempt(target, peers, task);
    await target
      .locked(() => use(target, peers, task, found))
      .catch((error: unknown) => {
        target.host.log.warn('resolved endpoints could not be set', { interface: target.name, error: String(error) });
      });
    if (isCurrent(target.name, task)) goOn(target, peers, task, Math.min(2 * pauseMs, LAST_PAUSE_MS));
  };

  return {
    async resolve(target, peers) {
      stop(target.name);
      if (peers.names.length === 0) return;
      const task: Task = { left: peers.names, timer: undefined };
      tasks.set(target.name, task);
      const first = attempt(target, peers, task);
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<null>((resolve) => (timer = setTimeout(resolve, FIRST_WAIT_MS, null)));
      const found = await Promise.race([first, waited]);
      clearTimeout(timer);
      if (found !== null) {
        await use(target, peers, task, found);
        goOn(target, peers, task, FIRST_PAUSE_MS);
        return;
      }
      void first
        .then((late) => target.locked(() => use(target, peers, task, late)))
        .catch(() => undefined)
        .then(() => {
          if (isCurrent(target.name, task)) goOn(target, peers, task, FIRST_PAUSE_MS);
        });
    },
    unresolved: (name) => tasks.get(name)?.left ?? [],
    stop,
  };
}
