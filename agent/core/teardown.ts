import type { HookRun } from './device.ts';
import { hookAt } from './hook-change.ts';
import { commandsOf, derivedInverse } from '../protocol/hooks/inverse.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';

/**
 * What takes back a set-up that came only so far, the last command first: a line by its pair, one that came half way by the inverse of
 * the commands that ran. Where nothing is known to take a line back, nobody knows which lines of the teardown are its own, and all of
 * them run. Nothing ran = nothing to take back.
 */
export function teardownOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] {
  const lines = [...new Set(runs.map(placeOf))].map((place) => runs.filter((run) => placeOf(run) === place));
  const inverses = lines.map((own) => inverseOf(config, own));
  if (inverses.some((inverse) => inverse === null)) return [...config.preDown, ...config.postDown];
  return inverses.toReversed().flatMap((inverse) => inverse ?? []);
}

const placeOf = ({ list, line }: HookRun): string => `${list} ${String(line)}`;

/** Null = nothing is known. */
function inverseOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] | null {
  const [first] = runs;
  if (first === undefined) return [];
  const { inverse } = hookAt(first.list, config, first.line);
  const size = commandsOf(config[first.list][first.line] ?? '').length;
  const isWhole = runs.length >= size && runs.every(({ outcome }) => outcome === 'done');
  if (!isWhole) {
    const known = runs.map(({ command }) => derivedInverse(command));
    if (known.every((commands) => commands.length > 0)) return known.toReversed().flat();
  }
  return inverse.length === 0 ? null : inverse;
}
