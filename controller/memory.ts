import type { AgentClient } from './agents/agent-client.ts';
import type { Correction } from './reconcile/contention.ts';
import type { Seen } from './reconcile/outcome.ts';

/** The last whole read of a host, for the conditional GET of the next one. */
export interface LastRead {
  /** The client it came from: another URL or credential means another host until proven. */
  readonly client: AgentClient;
  readonly etag: string | undefined;
  readonly seen: Seen;
}

/** What is remembered of one object between reconciles. All of it may be lost at any time: status holds what must not be. */
export interface Memory {
  readonly uid: string;
  /** The client of the last look; a deletion may have to do without the Secret. */
  client: AgentClient | undefined;
  lastRead: LastRead | undefined;
  corrections: readonly Correction[];
  /** Failures in a row of the same kind at the same generation. */
  failures: { readonly kind: string; readonly count: number };
}

/** Memories by key; a re-created namesake starts with an empty one. */
export interface Memories {
  of(key: string, uid: string): Memory;
  forget(key: string): void;
}

export function createMemories(): Memories {
  const memories = new Map<string, Memory>();
  return {
    of(key, uid) {
      const known = memories.get(key);
      if (known?.uid === uid) return known;
      const fresh: Memory = {
        uid,
        client: undefined,
        lastRead: undefined,
        corrections: [],
        failures: { kind: '', count: 0 },
      };
      memories.set(key, fresh);
      return fresh;
    },
    forget: (key) => {
      memories.delete(key);
    },
  };
}
