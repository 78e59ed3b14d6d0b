import type { NetworkEvents } from '../host/network-events.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { SeenTable } from '../core/firewall-table.ts';
import type { SeenEffect } from '../core/seen-effects.ts';

/** What was seen of the effects of hooks and of the table of firewall intents. */
export interface Looks {
  readonly effects: readonly SeenEffect[];
  readonly table: SeenTable | null;
}
export const NOTHING_SEEN: Looks = { effects: [], table: null };

/** Everything is looked at anew after this time, whatever the sources say: an iptables-legacy tells nobody. */
const BACKSTOP_MS = 30_000;

interface Look {
  readonly config: InterfaceConfig;
  readonly seen: Looks;
  readonly atMs: number;
}

export interface LookMemoryOptions {
  /** All must be reliable for a look to be remembered; each change makes every look void. */
  readonly sources: readonly NetworkEvents[];
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
}

/** What was seen of the effects of hooks, until something changes: a request that changes nothing starts no program. */
export class LookMemory {
  readonly #options: LookMemoryOptions;
  readonly #looks = new Map<string, Look>();
  #generation = 0;

  constructor(options: LookMemoryOptions) {
    this.#options = options;
    for (const source of options.sources)
      source.onChange(() => {
        this.forget();
      });
  }

  /** Something was done on the host: of one interface, maybe, but rules are shared. */
  forget(): void {
    this.#looks.clear();
    this.#generation += 1;
  }

  /** What was seen of this configuration, or what `look` sees now. */
  async get(name: string, config: InterfaceConfig, look: () => Promise<Looks>): Promise<Looks> {
    const { sources, nowMs } = this.#options;
    // All are asked: one that was never asked does not know that it listens.
    const isReliable = sources.map((source) => source.isReliable()).every(Boolean);
    const known = this.#looks.get(name);
    if (isReliable && known?.config === config && nowMs() - known.atMs < BACKSTOP_MS) return known.seen;
    const [generation, atMs] = [this.#generation, nowMs()];
    const seen = await look();
    const isSomething = seen.effects.length > 0 || seen.table !== null;
    // From now on somebody has to tell of what becomes of it.
    if (isSomething) for (const source of sources) source.start();
    if (isReliable && generation === this.#generation && isSomething) this.#looks.set(name, { config, seen, atMs });
    return seen;
  }
}
