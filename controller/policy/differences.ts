import { compare, type Difference as FieldDifference } from '../../agent/protocol/compare.ts';
import { withTeardown } from '../../agent/protocol/hooks/teardown.ts';
import type { InterfaceConfig } from '../../agent/protocol/wgquick/config.ts';
import { FIELDS, HOOK_NAMES, pathOf } from '../../agent/protocol/wgquick/fields.ts';
import type { Impact } from '../../agent/protocol/impact.ts';
import type { Desired } from './desired.ts';
import type { Observation } from './observation.ts';

/** One thing that is not as desired. */
export interface Difference extends FieldDifference {
  /** What the host plans to do about it does to traffic; absent = nobody planned it yet. */
  readonly impact?: Impact;
}

/** The configuration as desired, or with the teardown that agents add to hooks without one, where the file has just that. */
function asAnAgentKeeps({ config, name }: Desired, file: InterfaceConfig | null): InterfaceConfig {
  const isAs = (wanted: InterfaceConfig): boolean =>
    file !== null && HOOK_NAMES.every((list) => FIELDS[list].equal(file[list], wanted[list]));
  // As good as always: nothing has to be parsed.
  if (file === null || isAs(config)) return config;
  const whole = withTeardown(config, name);
  return isAs(whole) ? whole : config;
}

const KEY_PATH = pathOf('privateKey');

/** Where a host is not as desired, one entry a field; empty = in sync. */
export function differencesOf(desired: Desired, { interface: observed, reported }: Observation): Difference[] {
  const known = desired.state === 'up' && observed.device !== null ? reported : [];
  const impacts = new Map(known.map(({ path, impact }) => [path, impact]));
  const compared = compare({ ...desired, config: asAnAgentKeeps(desired, observed.file) }, observed);
  const own = compared
    .filter(({ path }) => desired.config.privateKey !== null || path !== KEY_PATH)
    .map((difference): Difference => {
      const impact = impacts.get(difference.path);
      return impact === undefined ? difference : { ...difference, impact };
    });
  const paths = new Set(own.map(({ path }) => path));
  const further = known.filter(({ path }) => !paths.has(path)).map((entry) => ({ ...entry, desired: entry.file }));
  return [...own, ...further];
}
