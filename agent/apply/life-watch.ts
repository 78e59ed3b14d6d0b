import type { NetworkEvents } from '../host/network-events.ts';

/** What is known of an interface since we took it down: numbers of devices (ifindex). */
interface Life {
  readonly ours: Set<number>;
  readonly seen: Set<number>;
}

/** Knows of interfaces that we took down whether somebody else was seen to have them up since. */
export class LifeWatch {
  readonly #lives = new Map<string, Life>();

  constructor(network: Pick<NetworkEvents, 'onChange'>) {
    network.onChange((line) => {
      // What may have been missed proves nothing.
      if (line === null) this.#lives.clear();
      else this.#see(line);
    });
  }

  /** The interface was taken down by us; `index`: of the device that it had. */
  ended(name: string, index: number): void {
    this.#lives.set(name, { ours: new Set([index]), seen: new Set() });
  }

  /** We made this device; what is told of it may come late. */
  own(name: string, index: number): void {
    this.#lives.get(name)?.ours.add(index);
  }

  /** What is told of it from now on proves nothing, until it ends again. */
  forget(name: string): void {
    this.#lives.delete(name);
  }

  /** Whether a device of this name that is not ours was seen since the interface ended. */
  hadOthers(name: string): boolean {
    const life = this.#lives.get(name);
    return life !== undefined && [...life.seen].some((index) => !life.ours.has(index));
  }

  /** A line of `ip -oneline monitor`: `7: wg0: <...>`, `Deleted 7: wg0: <...>`, `7: wg0    inet ...`. */
  #see(line: string): void {
    const [, index, name = ''] = /^(?:Deleted )?([0-9]+): ([^\s:@]+)[:@ ]/.exec(line) ?? [];
    this.#lives.get(name)?.seen.add(Number(index));
  }
}
