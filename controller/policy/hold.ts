import { openTakeOver } from './claims.ts';
import { openRequest } from './decide.ts';
import type { Input } from './input.ts';

/** Until when a change that failed is not made again, Unix ms, and for which wish that holds. */
export interface Hold {
  readonly wish: string;
  readonly untilMs: number;
}

/** All that makes another change worth a try: spec, key, and what people ask for by annotations. */
export const wishOf = ({ node, key }: Pick<Input, 'node' | 'key'>): string =>
  JSON.stringify([
    node.metadata.generation,
    key.kind === 'found' ? key.key.publicKey : key.kind,
    openRequest(node),
    openTakeOver(node),
  ]);

/** No clock that was put back holds an object for longer. */
const MAX_HELD_MS = 5 * 60 * 1000;

/** How long the object is left alone, ms: what wakes it (a Secret that was touched, a status that others wrote) is no new wish. */
export const heldMsOf = (hold: Hold | undefined, wish: string, nowMs: number): number =>
  hold?.wish === wish ? Math.min(Math.max(0, hold.untilMs - nowMs), MAX_HELD_MS) : 0;
