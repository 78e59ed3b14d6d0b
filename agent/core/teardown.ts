import type { HookRun } from './device.ts';
import { hookAt } from './hook-change.ts';
import { hookLinesOf, linesOf, LOAD_LINE, UNLOAD_LINE, withIntentLines } from '../protocol/firewall/hook-lines.ts';
import { commandsOf, derivedInverse } from '../protocol/hooks/inverse.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';

/**
 * What takes back a set-up that came only so far, the last command first: a line by its pair, one that came half way by the inverse of the
 * commands that ran. Where nothing is known to take a line back, nobody knows which lines of the teardown are its own, and all of them
 * run. Nothing ran = nothing to take back. `config`: without the lines of intents; the runs have them.
 */
export function teardownOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] {
  const lines = [...new Set(runs.map(placeOf))].map((place) => runs.filter((run) => placeOf(run) === place));
  const inverses = lines.map((own) => inverseOf(config, own));
  const { preDown, postDown } = withIntentLines(config);
  if (inverses.some((inverse) => inverse === null)) return [...preDown, ...postDown];
  return inverses.toReversed().flatMap((inverse) => inverse ?? []);
}

/** Empty = it goes with the device, or stays for others. */
function inverseOfIntents({ firewall }: InterfaceConfig, line: string): readonly string[] {
  if (line === LOAD_LINE) return [UNLOAD_LINE];
  const down = firewall.flatMap(linesOf).find(({ up }) => up === line)?.down ?? null;
  return down === null ? [] : [down];
}

const placeOf = ({ list, line }: HookRun): string => `${list} ${String(line)}`;

/** Null = nothing is known. */
function inverseOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] | null {
  const [first] = runs;
  if (first === undefined) return [];
  // Lines of intents stand first.
  const intents = first.list === 'postUp' ? hookLinesOf(config.firewall).postUp : [];
  const own = intents[first.line];
  if (own !== undefined) return inverseOfIntents(config, own);
  const line = first.line - intents.length;
  const { inverse } = hookAt(first.list, config, line);
  const size = commandsOf(config[first.list][line] ?? '').length;
  const isWhole = runs.length >= size && runs.every(({ outcome }) => outcome === 'done');
  if (!isWhole) {
    const known = runs.map(({ command }) => derivedInverse(command));
    if (known.every((commands) => commands.length > 0)) return known.toReversed().flat();
  }
  return inverse.length === 0 ? null : inverse;
}
