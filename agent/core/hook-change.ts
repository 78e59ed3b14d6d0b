import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
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
  const known = changes.filter((change) => change !== null);
  const newTeardown = DOWN.flatMap((down) =>
    beyond(desired[down], running[down]).map((index) => desired[down][index] ?? ''),
  );
  return {
    removed: known.flatMap(({ removed }) => removed),
    added: known.flatMap(({ added }) => added),
    newTeardown,
  };
}

type ListChange = Omit<HookChange, 'newTeardown'>;

function listChange(name: UpList, running: InterfaceConfig, desired: InterfaceConfig): ListChange | null {
  if (FIELDS[name].equal(running[name], desired[name])) return { removed: [], added: [] };
  const gone = beyond(running[name], desired[name]);
  const fresh = beyond(desired[name], running[name]);
  const stays = running[name].filter((_, index) => !gone.includes(index));
  const staysThen = desired[name].filter((_, index) => !fresh.includes(index));
  if (stays.join('\n') !== staysThen.join('\n')) return null;
  const removed = gone.map((index) => hookAt(name, running, index));
  if (removed.some(({ inverse }) => inverse.length === 0)) return null;
  return { removed, added: fresh.map((index) => hookAt(name, desired, index)) };
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

/** A pair is at the same position of two lists of the same length. */
export function hookAt(name: UpList, config: InterfaceConfig, index: number): Hook {
  const paired = DOWN.filter((down) => config[down].length === config[name].length);
  return { command: config[name][index] ?? '', inverse: paired.map((down) => config[down][index] ?? '') };
}
