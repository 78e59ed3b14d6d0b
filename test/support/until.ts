import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface UntilOptions {
  /** When it counts as hung, and no sooner: on a busy machine anything may take long. Default 60,000. */
  readonly timeoutMs?: number;
  /** Pause between two looks. Default 50. */
  readonly intervalMs?: number;
  /** Ends the wait early with an error, for instance when the awaited process has died. */
  readonly giveUp?: () => string | undefined;
}

/** What was waited for did not come; the message says what, for how long, and what was seen last. */
export class UntilTimeout extends Error {
  readonly code = 'until_timeout';
}

/**
 * Looks with `probe` until it gives something other than undefined (or false), and returns that. A probe that throws counts as "not yet".
 * The only place where tests wait.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined> | T | false | undefined,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = 60_000, intervalMs = 50, giveUp } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { value, error } = await look(probe);
    if (value !== undefined && value !== false) return value;
    const reason = giveUp?.();
    const remainingMs = deadline - performance.now();
    if (reason !== undefined || remainingMs <= 0) {
      const seen =
        error === undefined ? `last value: ${inspect(value, { depth: 5 })}` : `last error: ${messageOf(error)}`;
      throw new UntilTimeout(`Waited for ${what}: ${reason ?? `not within ${String(timeoutMs)} ms`}; ${seen}`, {
        cause: error,
      });
    }
    await sleep(Math.min(intervalMs, Math.max(1, remainingMs)));
  }
}

async function look<T>(
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<{ value?: T | undefined; error?: unknown }> {
  try {
    return { value: await probe() };
  } catch (error) {
    return { error };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : inspect(error));
