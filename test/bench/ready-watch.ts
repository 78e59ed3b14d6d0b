import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelFleet } from '../support/model-fleet.ts';

interface Seen {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name: string; readonly generation: number };
    readonly status?: {
      readonly observedGeneration: number;
      readonly conditions: readonly { readonly type: string; readonly status: string }[];
    };
  };
}

/** Tells when objects of a namespace become Ready at their present generation, by a watch. */
export class ReadyWatch {
  readonly #stopping = new AbortController();
  readonly #ready = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  readonly running: Promise<void>;

  constructor(fleet: ModelFleet, namespace: string) {
    const path = `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes?watch=1&timeoutSeconds=3600`;
    this.running = this.#watch(fleet, path);
  }

  /** A watch that ends, or is refused while the kind is new, begins anew with all that there is. */
  async #watch(fleet: ModelFleet, path: string): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for await (const line of fleet.client.lines(path, 'application/json', signal))
          this.#take(JSON.parse(line) as Seen);
      } catch {
        await sleep(200);
      }
    }
  }

  #take({ object }: Seen): void {
    const { name, generation } = object.metadata;
    const isReady = object.status?.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    if (isReady === true && object.status?.observedGeneration === generation) this.#ready.set(name, generation);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when the object is Ready at this generation or a later one. */
  untilReady(name: string, generation: number): Promise<void> {
    return this.#until(() => (this.#ready.get(name) ?? 0) >= generation);
  }

  /** Resolves when so many are Ready. */
  untilCount(count: number): Promise<void> {
    return this.#until(() => this.#ready.size >= count);
  }

  stop(): void {
    this.#stopping.abort();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
