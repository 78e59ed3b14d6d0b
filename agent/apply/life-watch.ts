import type { NetworkEvents } from '../host/network-events.ts';

/** Knows of interfaces that we took down whether anybody else had them up since. */
export class LifeWatch {
  readonly #network: NetworkEvents;
  /** Numbers of devices (ifindex) that were ours, by the name of an interface that only we had up since it is watched. */
  readonly #ours = new Map<string, Set<number>>();
  readonly #starting = new Set<string>();

  constructor(network: NetworkEvents) {
    this.#network = network;
    network.onChange((line) => {
      if (line === null) this.#ours.clear();
      else this.#see(line);
    });
  }

  /** The interface was taken down by us; `index`: of the device that it had. Where nobody tells of links it is not watched. */
  ended(name: string, index: number): void {
    if (this.#network.isReliable()) this.#ours.set(name, new Set([index]));
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

  /** Whether surely nobody else had it up since it ended. */
  isUnbroken(name: string): boolean {
    return this.#network.isReliable() && this.#ours.has(name);
  }

  /** A line of `ip -oneline monitor`: `7: wg0: <...>`, `Deleted 7: wg0: <...>`, `7: wg0    inet ...`. */
  #see(line: string): void {
    const [, index, name = ''] = /^(?:Deleted )?([0-9]+): ([^\s:@]+)[:@ ]/.exec(line) ?? [];
    const ours = this.#ours.get(name);
    if (ours === undefined) return;
    if (this.#starting.has(name)) ours.add(Number(index));
    else if (!ours.has(Number(index))) this.#ours.delete(name);
  }
}
