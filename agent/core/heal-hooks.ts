import { derivedInverse } from '../protocol/hooks/inverse.ts';
import type { FirewallRule, NftPart } from '../protocol/hooks/effects/effect.ts';
import type { Hook } from './hook-change.ts';
import type { SeenEffect } from './seen-effects.ts';

/** Commands that are run again, and what is taken away before. */
export interface Healing {
  readonly removed: readonly Hook[];
  readonly added: readonly Hook[];
}

/**
 * What brings back effects that are gone: their commands, and those of the rules that came after them in the same chain, so that the
 * order is that of the hooks.
 */
export function healingOf(effects: readonly SeenEffect[], lost: readonly SeenEffect[]): Healing {
  const again = effects.filter(
    (own, at) => lost.includes(own) || lost.some((gone) => comesAfter(own, gone, { effects, at })),
  );
  const moved = again.filter((own) => !lost.includes(own));
  const commands = [...new Set(again.map(({ command }) => command))];
  const remnants = [...new Set(lost.flatMap((own) => remnantOf(own, effects)))];
  return {
    removed: [
      ...moved.map(({ command }) => ({ command, inverse: derivedInverse(command) })),
      ...remnants.map((flush) => ({ command: flush, inverse: [flush] })),
    ],
    added: commands.map((command) => ({ command, inverse: derivedInverse(command) })),
  };
}

interface Place {
  readonly effects: readonly SeenEffect[];
  readonly at: number;
}

function comesAfter(own: SeenEffect, gone: SeenEffect, { effects, at }: Place): boolean {
  const [left, right] = [own.effect, gone.effect];
  const isInChain = left.kind === 'firewall rule' && right.kind === 'firewall rule' && isSameChain(left, right);
  return isInChain && own.isThere === true && at > effects.indexOf(gone);
}

const isSameChain = (left: FirewallRule, right: FirewallRule): boolean =>
  left.program === right.program && left.table === right.table && left.chain === right.chain;

/** What is left of a chain of nft where one of its rules is gone: nobody knows which one it is. */
function remnantOf({ effect }: SeenEffect, effects: readonly SeenEffect[]): string[] {
  if (effect.kind !== 'nft' || effect.rule === null) return [];
  const isItsChain = (other: NftPart): boolean =>
    other.rule === null &&
    other.family === effect.family &&
    other.table === effect.table &&
    other.chain === effect.chain;
  const chain = effects.find((other) => other.effect.kind === 'nft' && isItsChain(other.effect));
  return chain?.isThere === true ? [`nft flush chain ${effect.family} ${effect.table} ${effect.chain ?? ''}`] : [];
}
