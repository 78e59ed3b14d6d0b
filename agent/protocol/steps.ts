import type { Impact } from './impact.ts';

/**
 * How a step is carried out: `wg` and `ip` steps of a plan run together, in one process each; the others run one by one. After a
 * crash in the middle of a `lifecycle` step nobody knows which hooks ran.
 */
export type StepGroup = 'file' | 'lifecycle' | 'wg' | 'ip' | 'routing' | 'resolver' | 'hooks' | 'firewall';

interface StepRow {
  readonly group: StepGroup;
  /** What the step does to running traffic. */
  readonly impact: Impact;
}

/** Every action that a plan can have, in the order in which they run. The words stand on the wire, in `plan` of a PUT's answer. */
export const STEPS = {
  'write-file': { group: 'file', impact: 'None' },
  'set-private-key': { group: 'wg', impact: 'Rehandshake' },
  'set-listen-port': { group: 'wg', impact: 'Rehandshake' },
  'set-fwmark': { group: 'wg', impact: 'None' },
  'set-mtu': { group: 'ip', impact: 'None' },
  'link-up': { group: 'ip', impact: 'None' },
  'add-address': { group: 'ip', impact: 'None' },
  'remove-address': { group: 'ip', impact: 'None' },
  'add-route': { group: 'ip', impact: 'None' },
  'restore-routing': { group: 'routing', impact: 'None' },
  'set-dns': { group: 'resolver', impact: 'None' },
  'restore-hooks': { group: 'hooks', impact: 'None' },
  'run-hooks': { group: 'lifecycle', impact: 'None' },
  'set-firewall': { group: 'firewall', impact: 'None' },
  up: { group: 'lifecycle', impact: 'None' },
  down: { group: 'lifecycle', impact: 'Restart' },
  restart: { group: 'lifecycle', impact: 'Restart' },
} as const satisfies Record<string, StepRow>;

/** The name of an action. */
export type StepAction = keyof typeof STEPS;

/** The actions that are carried out as one group. */
export type ActionOf<G extends StepGroup> = {
  [A in StepAction]: (typeof STEPS)[A]['group'] extends G ? A : never;
}[StepAction];

/** The actions by which a row of the field table may say that its field is changed; the plan has a maker for each. */
export type FieldAction = Extract<
  StepAction,
  | 'set-private-key'
  | 'set-listen-port'
  | 'set-fwmark'
  | 'set-mtu'
  | 'add-address'
  | 'set-dns'
  | 'set-firewall'
  | 'run-hooks'
  | 'restart'
>;
