import type { HookRun } from './device.ts';
import { hookAt } from './hook-change.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';

/**
 * What takes back a set-up that came only so far, the last hook first: each hook by its pair. Where one has none, nobody knows which
 * lines of the teardown are its own, and all of them run. Nothing ran = nothing to take back.
 */
export function teardownOf(config: InterfaceConfig, runs: readonly HookRun[]): readonly string[] {
  const inverses = runs.map(({ list }, at) => {
    const index = runs.slice(0, at).filter((earlier) => earlier.list === list).length;
    return hookAt(list, config, index).inverse;
  });
  if (inverses.length === 0) return [];
  if (inverses.some((inverse) => inverse.length === 0)) return [...config.preDown, ...config.postDown];
  return inverses.toReversed().flat();
}
