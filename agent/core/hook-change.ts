import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { commandsIn, commandsOf, derivedInverse, isFirewallRule } from '../protocol/hooks/inverse.ts';
import { linesOf } from '../protocol/firewall/hook-lines.ts';
import { FIELDS } from '../protocol/wgquick/fields.ts';

/** A command of a set-up, and what takes it back. */
export interface Hook {
  readonly command: string;
  /** Commands of the teardown at the same position; empty = nothing is known to take it back. */
  readonly inverse: readonly string[];
}

/** What a change of the up hooks runs on an interface that stays up: `removed` is taken back, in reverse order, then `added` runs. */
export interface HookChange {
  readonly removed: readonly Hook[];
  readonly added: readonly Hook[];
  /** Lines that come new to the teardown, paired or not: a set-up that fails half way is taken back by them, too. */
  readonly newTeardown: readonly string[];
}

const UP = ['preUp', 'postUp'] as const;
const DOWN = ['preDown', 'postDown'] as const;
type UpList = (typeof UP)[number];

/**
 * What has to run so that a set-up with the hooks of `running` becomes one with those of `desired`; lines that stay do not run again.
 * Null = only a restart can do it: a line goes that nothing takes back, or lines change places.
 */
export function hookChange(running: InterfaceConfig, desired: InterfaceConfig): HookChange | null {
  const changes = UP.map((name) => listChange(name, running, desired));
  if (changes.includes(null)) return null;
  const known = [...changes.filter((change) => change !== null), intentChange(running, desired)];
  const newTeardown = DOWN.flatMap((down) =>
    beyond(desired[down], running[down]).map((index) => desired[down][index] ?? ''),
  );
  return {
    removed: known.flatMap(({ removed }) => removed),
    added: known.flatMap(({ added }) => added),
    newTeardown,
  };
}

/** Lines of intents have no order among them: those that go and those that come. */
function intentChange(running: InterfaceConfig, desired: InterfaceConfig): ListChange {
  const [had, wanted] = [running, desired].map(({ firewall }) => firewall.flatMap(linesOf));
  const beside = (lines: typeof had = [], others: typeof had = []): Hook[] =>
    lines
      .filter(({ up }) => !others.some((other) => other.up === up))
      .map(({ up, down }) => ({ command: up, inverse: down === null ? derivedInverse(up) : [down] }));
  // A setting stays on: others may need it.
  const removed = beside(had, wanted).filter(({ inverse }) => inverse.length > 0);
  return { removed, added: beside(wanted, had) };
}

type ListChange = Pick<HookChange, 'removed' | 'added'>;

function listChange(name: UpList, running: InterfaceConfig, desired: InterfaceConfig): ListChange | null {
  if (FIELDS[name].equal(running[name], desired[name])) return { removed: [], added: [] };
  const [had, wanted] = [unitsOf(running[name]), unitsOf(desired[name])];
  const textOf = ({ text }: Unit): string => text;
  const gone = beyond(had.map(textOf), wanted.map(textOf));
  const fresh = beyond(wanted.map(textOf), had.map(textOf));
  const stays = had.filter((_, index) => !gone.includes(index)).map(textOf);
  const staysThen = wanted.filter((_, index) => !fresh.includes(index)).map(textOf);
  if (stays.join('\n') !== staysThen.join('\n')) return null;
  const removed = hooksOf(gone, had, (line) => hookAt(name, running, line));
  if (removed.some(({ inverse }) => inverse.length === 0)) return null;
  return { removed, added: hooksOf(fresh, wanted, (line) => hookAt(name, desired, line)) };
}

/** What a line does at a time: a command of the grammar with what `&&` and `||` join to it, in its canonical text; else all of it. */
interface Unit {
  readonly line: number;
  readonly text: string;
}

const unitsOf = (lines: readonly string[]): readonly Unit[] =>
  lines.flatMap((command, line) => commandsOf(command).map((text) => ({ line, text })));

/** Units as hooks: those that are a whole line as that line, with its own pair. */
function hooksOf(indices: readonly number[], units: readonly Unit[], wholeLine: (line: number) => Hook): Hook[] {
  const chosen = indices.flatMap((index) => units[index] ?? []);
  const sizeOf = (list: readonly Unit[], line: number): number => list.filter((unit) => unit.line === line).length;
  const isWhole = ({ line }: Unit): boolean => sizeOf(chosen, line) === sizeOf(units, line);
  const isFirst = (unit: Unit): boolean => chosen.find(({ line }) => line === unit.line) === unit;
  return chosen
    .filter((unit) => !isWhole(unit) || isFirst(unit))
    .map((unit) => (isWhole(unit) ? wholeLine(unit.line) : { command: unit.text, inverse: derivedInverse(unit.text) }));
}

/**
 * Whether what comes may run before what goes is taken back, so that nothing is missing in between: rules of iptables, none of which is
 * there twice meanwhile. A route or an address could not be there twice.
 */
export function mayAddFirst({ removed, added }: Pick<HookChange, 'removed' | 'added'>): boolean {
  const lines = [...removed, ...added].flatMap(({ command, inverse }) => [command, ...inverse]);
  const removals = removed.flatMap(({ inverse }) => inverse.flatMap(commandsOf));
  const clashes = added.flatMap(({ command }) => derivedInverse(command)).flatMap(commandsOf);
  return lines.every(isFirewallRule) && !removals.some((text) => clashes.includes(text));
}

/** The positions of what the list has more than the other one. */
function beyond(list: readonly string[], other: readonly string[]): number[] {
  const left = [...other];
  return list.flatMap((command, index) => {
    const at = left.indexOf(command);
    if (at < 0) return index;
    left.splice(at, 1);
    return [];
  });
}

/**
 * What takes a line back: the inverse of its commands, where the teardown has them; else its pair, at the same position of two lists of
 * the same length; else the inverse of its commands, if there is one.
 */
export function hookAt(name: UpList, config: InterfaceConfig, index: number): Hook {
  const command = config[name][index] ?? '';
  const own = derivedInverse(command);
  const teardown = commandsIn(DOWN.flatMap((down) => config[down]));
  if (own.length > 0 && own.flatMap(commandsOf).every((part) => teardown.has(part))) return { command, inverse: own };
  const paired = DOWN.filter((down) => config[down].length === config[name].length);
  const inverse = paired.length > 0 ? paired.map((down) => config[down][index] ?? '') : own;
  return { command, inverse };
}
