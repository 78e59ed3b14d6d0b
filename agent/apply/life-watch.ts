import type { NetworkEvents } from '../host/network-events.ts';

/** Knows of interfaces that we took down whether somebody else was seen to have them up since. */
export class LifeWatch {
  /** Numbers of devices (ifindex) that were ours, by the name of an interface that is watched since we took it down. */
  readonly #ours = new Map<string, Set<number>>();
  readonly #others = new Set<string>();
  readonly #starting = new Set<string>();

  constructor(network: Pick<NetworkEvents, 'onChange'>) {
    network.onChange((line) => {
      // What may have been missed proves nothing.
      if (line === null) this.#ours.clear();
      else this.#see(line);
    });
  }

  /** The interface was taken down by us; `index`: of the device that it had. */
  ended(name: string, index: number): void {
    this.#ours.set(name, new Set([index]));
    this.#others.delete(name);
  }

  /** Brings it up again: what is told of it meanwhile is ours. */
  async starting<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#starting.add(name);
    try {
      return await work();
    } finally {
      this.#starting.delete(name);
    }
  }

  /** Whether a device of this name that is not ours was seen since the interface ended. */
  hadOthers(name: string): boolean {
    return this.#others.has(name);
  }

  /** A line of `ip -oneline monitor`: `7: wg0: <...>`, `Deleted 7: wg0: <...>`, `7: wg0    inet ...`. */
  #see(line: string): void {
    const [, index, name = ''] = /^(?:Deleted )?([0-9]+): ([^\s:@]+)[:@ ]/.exec(line) ?? [];
    const ours = this.#ours.get(name);
    if (ours === undefined) return;
    if (this.#starting.has(name)) ours.add(Number(index));
    else if (!ours.has(Number(index))) this.#others.add(name);
  }
}
