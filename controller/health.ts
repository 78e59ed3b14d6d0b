import type { Clock } from './runtime/clock.ts';

/** What is wrong with this process, in words; empty = nothing. */
export interface Health {
  /** After every contact of a watch with the API server, good or bad. */
  readonly contact: (watch: string, isGood: boolean) => void;
  /** Why it does not do its work: it may be over soon. */
  readonly notReady: () => readonly string[];
  /** Why only a restart helps. */
  readonly stuck: () => readonly string[];
}

/** What health is judged by. */
export interface HealthOptions {
  /** Its `now` must only go forward. */
  readonly clock: Clock;
  /** What is not known yet, in words. */
  readonly missing: () => readonly string[];
}

/** A quiet watch hears from the API server once a minute, and gives it up after 90 s. */
const AWAY_MS = 120_000;
/** A watch that neither hears nor fails tries nothing any more. */
const STUCK_MS = 5 * 60_000;
const TICK_MS = 1_000;
const HELD_UP_MS = 10_000;

interface Contact {
  goodMs: number;
  anyMs: number;
}

/** Well, from now on; looks once a second whether the event loop gets its turn. */
export function createHealth({ clock, missing }: HealthOptions): Health {
  const contacts = new Map<string, Contact>();
  let tickMs = clock.now();
  const tick = (): void => {
    tickMs = clock.now();
    clock.after(TICK_MS, tick);
  };
  tick();
  const heldUp = (): string[] => {
    const lateMs = clock.now() - tickMs;
    return lateMs < HELD_UP_MS ? [] : [`the event loop was held up for ${seconds(lateMs)}`];
  };
  const since = (of: keyof Contact, limitMs: number, what: string): string[] =>
    [...contacts].flatMap(([watch, contact]) => {
      const ms = clock.now() - contact[of];
      return ms < limitMs ? [] : [`the watch of ${watch} ${what} for ${seconds(ms)}`];
    });
  return {
    contact(watch, isGood) {
      const now = clock.now();
      const known = contacts.get(watch) ?? { goodMs: now, anyMs: now };
      contacts.set(watch, { goodMs: isGood ? now : known.goodMs, anyMs: now });
    },
    notReady: () => [
      ...missing().map((what) => `${what} are not known yet`),
      ...since('goodMs', AWAY_MS, 'has had no answer'),
      ...heldUp(),
    ],
    stuck: () => [...since('anyMs', STUCK_MS, 'has done nothing'), ...heldUp()],
  };
}

const seconds = (ms: number): string => `${String(Math.round(ms / 1000))} s`;
