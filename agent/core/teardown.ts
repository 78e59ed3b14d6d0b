import type { HookRun } from './device.ts';
import { hookAt } from './hook-change.ts';
import { hookLinesOf, linesOf, LOAD_LINE, UNLOAD_LINE, withIntentLines } from '../protocol/firewall/hook-lines.ts';
import { commandsOf, derivedInverse, singleCommandsOf } from '../protocol/hooks/inverse.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';

/**
 * What takes back a set-up that came only so far, the last command first: a line by its pair, one that came half way by the inverse of the
 * commands that ran. Where nothing is known to take a line back, nobody knows which lines of the teardown are its own, and all of them
 * run. Nothing ran = nothing to take back. `config`: without the lines of intents; the runs have them.
 */
export function teardownOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] {
  const acted = runs.filter(({ outcome }) => outcome !== 'missing');
  const lines = [...new Set(acted.map(placeOf))].map((place) => acted.filter((run) => placeOf(run) === place));
  const inverses = lines.map((own) => inverseOf(config, own));
  const { preDown, postDown } = withIntentLines(config);
  if (inverses.some((inverse) => inverse === null)) return [...preDown, ...postDown];
  return inverses.toReversed().flatMap((inverse) => inverse ?? []);
}

type DownHooks = Pick<InterfaceConfig, 'preDown' | 'postDown'>;

/**
 * The teardown of a device that came up although hooks of it failed: what takes back a command that set up nothing is left out, as the
 * very same rule may be somebody else's.
 */
export function downHooksOf({ preDown, postDown }: DownHooks, runs: readonly HookRun[]): DownHooks {
  const inversesIn = (isOne: (run: HookRun) => boolean): string[] =>
    runs.filter(isOne).flatMap(({ command }) => derivedInverse(command));
  const needed = new Set(inversesIn(({ outcome }) => outcome !== 'missing'));
  const idle = new Set(inversesIn(({ outcome }) => outcome === 'missing').filter((command) => !needed.has(command)));
  if (idle.size === 0) return { preDown, postDown };
  const left = (line: string): readonly string[] => {
    const commands = commandsOf(line);
    const kept = commands.filter((command) => !idle.has(command.replace(/ \|\| true$/, '')));
    return kept.length === commands.length ? [line] : kept;
  };
  return { preDown: preDown.flatMap(left), postDown: postDown.flatMap(left) };
}

/**
 * The runs, once a line of theirs failed and the device comes up all the same: its commands that did not succeed are missing. A line
 * that bash ran as a whole may have done half of it, and keeps its teardown.
 */
export function withoutEffect(
  runs: readonly HookRun[],
  line: string,
  place: Pick<HookRun, 'list' | 'line'>,
): readonly HookRun[] {
  const commands = singleCommandsOf(line);
  const isOwn = (run: HookRun): boolean => run.list === place.list && run.line === place.line;
  const own = runs.filter(isOwn);
  const isInBash = own.some(({ command }) => !commands.includes(command));
  if (commands.length === 0 || (isInBash && commands.length > 1)) return runs;
  const done = own.filter(({ outcome }) => outcome === 'done');
  const missing = commands
    .filter((command) => !done.some((run) => run.command === command))
    .map((command): HookRun => ({ ...place, command, outcome: 'missing' }));
  return [...runs.filter((run) => !isOwn(run)), ...done, ...missing];
}

/** The runs, once these commands of hooks ran on the device as it stands: what was missing is there. */
export function withEffect(runs: readonly HookRun[], hooks: readonly string[]): readonly HookRun[] {
  if (!runs.some(({ outcome }) => outcome === 'missing')) return runs;
  const ran = new Set(hooks.flatMap(singleCommandsOf));
  return runs.map((run) => (run.outcome === 'missing' && ran.has(run.command) ? { ...run, outcome: 'done' } : run));
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
