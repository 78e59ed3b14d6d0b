import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the decision to give memory back is made from; of this process, unless a test says otherwise. */
export interface MemorySource {
  /** Resident memory, bytes. */
  readonly residentBytes: () => number;
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
  /** Collects all that nobody holds, and gives its pages back to the kernel. */
  readonly collect: () => void;
}

/** An agent that gives memory back once changes are over. */
export interface IdleMemory {
  /** A change has ended. */
  readonly changed: () => void;
  /** Gives memory back where it is time to. */
  look(): void;
}

const LOOK_MS = 5_000;
/** How long no change must have ended: a collection forgets compiled code, too, and the next change pays for it. */
const QUIET_MS = 30_000;
/** Growth over what is needed at rest that is worth a collection of some 40 ms. */
const GROWTH = 1.2;

/** V8 keeps what its heap has grown to for one large change, and a host has better use for it. `forget`: drops caches. */
export function idleMemory({ residentBytes, nowMs, collect }: MemorySource, forget: () => void): IdleMemory {
  let restBytes = residentBytes();
  let changedMs = nowMs();
  return {
    changed: () => {
      changedMs = nowMs();
    },
    look() {
      if (nowMs() - changedMs < QUIET_MS || residentBytes() < restBytes * GROWTH) return;
      forget();
      collect();
      restBytes = residentBytes();
    },
  };
}

/** Looks every 5 s for as long as the process lives. */
export function keepMemoryLow(forget: () => void): IdleMemory {
  const memory = idleMemory(ownMemory(), forget);
  setInterval(() => {
    memory.look();
  }, LOOK_MS).unref();
  return memory;
}

function ownMemory(): MemorySource {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NodeJS.GCFunction;
  return {
    residentBytes: () => process.memoryUsage.rss(),
    nowMs: () => performance.now(),
    // Any lesser one leaves the pages with V8, for the next time.
    collect: () => {
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    },
  };
}
