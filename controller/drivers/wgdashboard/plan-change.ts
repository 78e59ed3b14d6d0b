import { type DesiredInterface, NAME_PATH } from '../../../agent/protocol/compare.ts';
import { highestImpact, type Impact } from '../../../agent/protocol/impact.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { savesConfig, strayLine, unmanagedLines } from '../../../agent/protocol/wgquick/document.ts';
import { redactKeys } from '../../../agent/protocol/redact.ts';
import { FIELD_NAMES, type FieldName, fieldOf, HOOK_NAMES, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import type { PlanStatus } from '../../api/wireguardnode.generated.ts';
import { joinProblem } from './joined-hooks.ts';
import { changedWhileRunning, droppedComments, endangeredPeers, listOf, syncProblem } from './keep-peers.ts';
import type { OldPeer } from './old-answers.ts';
import type { OldInterface } from './old-client.ts';
import type { Reading } from './reading.ts';

/** One call of the agent. `keep-peers`: the one that gives every peer to kernel and file. */
export type Action = 'disable' | 'enable' | 'put' | 'keep-peers';

/** What a change does, call by call. */
export interface PlannedChange {
  readonly kind: 'change';
  readonly actions: readonly Action[];
  readonly plan: PlanStatus;
  readonly warnings: readonly string[];
}

/** ..., or why it is not made: a text for people. */
export type Change = PlannedChange | { readonly kind: 'refused'; readonly message: string };

/** Fields that the agent's PUT has no word for, and drops from the file. */
const NOT_WRITTEN = ['fwMark', 'preUp', 'postDown', 'firewall'] as const satisfies readonly FieldName[];
const JOINED = ['postUp', 'preDown'] as const satisfies readonly FieldName[];
/** What `wg-quick down` has to read as it was when it came up, or leaves something behind. */
const TORN_DOWN_BY: readonly FieldName[] = [
  'firewall',
  'addresses',
  'dns',
  'table',
  'fwMark',
  'preUp',
  'postUp',
  'preDown',
  'postDown',
];

/** The way from what was read to what is desired. Every change of the file of a running interface is one restart. */
export function planChange(desired: DesiredInterface, reading: Reading): Change {
  const changed = fieldsToChange(desired.config, reading);
  // wg-quick does not read what stands under `[ Interface ]`: the file says what is desired, and does not come up.
  const isRead = reading.document !== undefined && strayLine(reading.document) === null;
  return changed.length === 0 && isRead ? changeOfState(desired, reading) : changeOfFile(desired, reading, changed);
}

/** As `planChange`, where what runs may not have the file that is there: then it is started by it. */
export function planAnew(desired: DesiredInterface, reading: Reading): Change {
  const planned = planChange(desired, reading);
  const isIdle = planned.kind === 'change' && planned.actions.length === 0 && reading.peers !== undefined;
  if (!isIdle) return planned;
  const kept = keepingPeers(reading, endangeredPeers(reading).running, []);
  if (typeof kept === 'string') return { kind: 'refused', message: kept };
  const steps: readonly Step[] = [{ action: 'restart', path: NAME_PATH, impact: 'Restart' }];
  return change([...kept, 'disable', 'enable'], steps, warningsOf(reading, kept, false));
}

/** Where the file is not as desired, its texts that are no value included. */
export function fieldsToChange(config: InterfaceConfig, { file }: Pick<Reading, 'file'>): FieldName[] {
  return FIELD_NAMES.filter((name) => {
    if (name === 'privateKey' && config.privateKey === null) return false;
    const now = file ?? EMPTY_CONFIG;
    return now.invalid[name] !== undefined || !fieldOf(name).equal(now[name], config[name]);
  });
}

function changeOfState({ config, state }: DesiredInterface, reading: Reading): Change {
  const isUp = reading.peers !== undefined;
  if ((state === 'up') === isUp) return change([], []);
  if (state === 'up') return change(['enable'], [{ action: 'up', path: STATE, impact: 'None' }]);
  const problem = savingProblem(reading);
  if (problem !== undefined) return { kind: 'refused', message: problem };
  const kept = keepingPeers(reading, endangeredPeers(reading).running, []);
  if (typeof kept === 'string') return { kind: 'refused', message: kept };
  // What saves the peers also writes what the kernel has of the rest: that is put back where it can be.
  const isWritable = inexpressible(config).length === 0 && unknownKeysOf(reading).length === 0;
  const again: readonly Action[] = kept.length > 0 && isWritable ? ['put'] : [];
  const steps: readonly Step[] = [{ action: 'down', path: STATE, impact: 'Restart' }];
  return change([...kept, 'disable', ...again], steps, warningsOf(reading, kept, false));
}

/** `wg-quick down` saves the kernel's state by itself where the file asks for it. */
function savingProblem({ document, file }: Reading): string | undefined {
  const breaks = document !== undefined && savesConfig(document) && file !== undefined && hasAmpersand(file);
  return breaks
    ? 'The file has `SaveConfig = true` and a hook with `&`, which `wg-quick down` on that host corrupts: take one of the two out of the file first'
    : undefined;
}

const STATE = 'spec.interface.state';

/** The calls that keep the peers that are in danger; a text = why there are none. */
function keepingPeers(
  reading: Reading,
  running: readonly OldPeer[],
  overlooked: readonly string[],
): readonly Action[] | string {
  const { file } = reading;
  if (file === undefined || (running.length === 0 && overlooked.length === 0)) return [];
  const what = listOf([...running.map(({ public_key: key }) => key), ...overlooked]);
  const problem =
    reading.peers === undefined
      ? 'the interface is down, so nothing can write them as the agent reads them'
      : syncProblem(file, reading);
  if (problem === undefined) return ['keep-peers'];
  const where =
    running.length > 0 ? 'run but are not in the file' : 'stand under a header that the agent does not read as [Peer]';
  return `Peers ${what} ${where}: the agent would lose them at this change, and cannot be told to keep them (${problem}). Write them into the file on the host as [Peer]`;
}

function changeOfFile({ config, state }: DesiredInterface, reading: Reading, changed: readonly FieldName[]): Change {
  const { document, peers } = reading;
  const problem = problemOf(config, reading, changed);
  if (problem !== undefined) return { kind: 'refused', message: problem };
  const isUp = peers !== undefined;
  const end: readonly Action[] = state === 'up' ? ['enable'] : [];
  if (document === undefined) return changeOfNoFile({ config, state }, reading, changed);
  const { running, overlooked } = endangeredPeers(reading);
  const kept = keepingPeers(reading, running, overlooked);
  if (typeof kept === 'string') return { kind: 'refused', message: kept };
  const mustTearDown = isUp && (state === 'down' || changed.some((name) => TORN_DOWN_BY.includes(name)));
  const actions: readonly Action[] = [...kept, ...(mustTearDown ? ['disable' as const] : []), 'put', ...end];
  return change(actions, stepsOf(changed, isUp, state), warningsOf(reading, kept, true));
}

/**
 * An interface that runs without a file is taken down by the one that a PUT writes: what it came up with is not known, and most probably
 * was this. Its peers are put back, and saved, before it comes up as desired.
 */
function changeOfNoFile({ config, state }: DesiredInterface, reading: Reading, changed: readonly FieldName[]): Change {
  const { peers } = reading;
  const end: readonly Action[] = state === 'up' ? ['enable'] : [];
  const steps = stepsOf(changed, peers !== undefined, state);
  if (peers === undefined) return change(['put', ...end], steps);
  if (peers.length === 0) return change(['put', ...(state === 'up' ? end : (['disable'] as const))], steps);
  const unkept = syncProblem(config, reading);
  if (unkept !== undefined) return { kind: 'refused', message: `${ORPHANS}: ${unkept}` };
  return change(['put', 'keep-peers', 'disable', 'put', ...end], steps);
}

const ORPHANS = 'The interface runs without a file, and its peers could not be put back after it was written';

/** Why the file cannot be made as desired by this agent without a loss. */
function problemOf(config: InterfaceConfig, reading: Reading, changed: readonly FieldName[]): string | undefined {
  const lost = NOT_WRITTEN.filter((name) => !fieldOf(name).equal(config[name], fieldOf(name).absent));
  if (lost.length > 0)
    return `The WGDashboard node agent cannot write ${lost.map(pathOf).join(', ')}, and would drop it from the file: leave it out, or let wgnode-agent take its place`;
  const dropped = unknownKeysOf(reading);
  if (dropped.length > 0)
    return `The file has ${dropped.join(', ')}, which the WGDashboard node agent would drop: take it out of the file on the host first, or let wgnode-agent take its place`;
  return hookProblem(config, changed);
}

/** Keys that no field of the spec stands for; what they say stays on the host. `SaveConfig = false` says nothing. */
const unknownKeysOf = ({ document = [] }: Reading): string[] =>
  unmanagedLines(document)
    .filter((line) => !/^saveconfig\s*=\s*false\s*(?:#.*)?$/i.test(line))
    .map((line) => redactKeys(line.split('=')[0]?.trim() ?? '').slice(0, 32));

const hasAmpersand = (config: InterfaceConfig): boolean =>
  HOOK_NAMES.some((name) => config[name].some((hook) => hook.includes('&')));

function hookProblem(config: InterfaceConfig, changed: readonly FieldName[]): string | undefined {
  for (const name of JOINED) {
    const rules = config[name];
    for (const [index, rule] of rules.entries()) {
      const where = `${pathOf(name)}[${String(index)}]`;
      const isNew = changed.includes(name);
      if (isNew && rule.includes('&'))
        return `${where} holds \`&\`, which \`wg-quick save\` of the WGDashboard node agent turns into \`[Interface]\`: write \`a; b\` for \`a && b\`, or put it into a script`;
      if (isNew && rule.includes('#'))
        return `${where} holds \`#\`: the wg-quick that this agent runs may cut the hook there; put it into a script`;
      const problem = rules.length > 1 ? joinProblem(rule, index === rules.length - 1) : undefined;
      if (problem !== undefined)
        return `${where} ${problem}: the WGDashboard node agent has one line for all rules, which are joined by "; "`;
    }
  }
  return undefined;
}

type Step = PlanStatus['steps'][number];

const stepsOf = (changed: readonly FieldName[], isUp: boolean, state: 'up' | 'down'): Step[] => {
  const impact: Impact = isUp ? 'Restart' : 'None';
  const steps = changed.map((name): Step => ({ action: isUp ? 'restart' : 'write-file', path: pathOf(name), impact }));
  if (isUp === (state === 'up')) return steps;
  return [...steps, { action: state === 'up' ? 'up' : 'down', path: STATE, impact }];
};

/** What is lost beside what is asked for, for people. */
function warningsOf(reading: Reading, kept: readonly Action[], isWritten: boolean): string[] {
  const { document = [] } = reading;
  const changed = changedWhileRunning(reading);
  const comments = isWritten ? droppedComments(document) : 0;
  return [
    ...(changed.length === 0
      ? []
      : [
          `Peers ${listOf(changed)} ran with other networks, keepalive or preshared key than in the file: that of the file counts now`,
        ]),
    ...(kept.length > 0
      ? [
          'The agent wrote the peers of the file anew from the kernel, to keep those that only ran: comments there are gone, and names of endpoints became addresses',
        ]
      : []),
    ...(comments > 0 && kept.length === 0
      ? [
          `The agent dropped ${String(comments)} comments that stood outside of peers; until its next change they are in the .conf.backup beside the file`,
        ]
      : []),
  ];
}

const change = (actions: readonly Action[], steps: readonly Step[], warnings: readonly string[] = []): Change => ({
  ...{ kind: 'change', actions, warnings },
  plan: { impact: steps.length === 0 ? 'None' : highestImpact(steps.map(({ impact }) => impact)), steps: [...steps] },
});

/** What a PUT says to make the file so; undefined = it needs the private key. Every field is sent: what is left out is removed. */
export function bodyOf(config: InterfaceConfig): OldInterface | undefined {
  const key = config.privateKey?.privateKey;
  if (key === undefined || key === null) return undefined;
  return {
    private_key: key.reveal(),
    listen_port: config.listenPort,
    address: orNull(config.addresses.join(', ')),
    mtu: config.mtu,
    dns: orNull(config.dns.join(', ')),
    table: config.table,
    post_up: orNull(config.postUp.join('; ')),
    pre_down: orNull(config.preDown.join('; ')),
  };
}

const orNull = (text: string): string | null => (text === '' ? null : text);

/** The fields that no PUT could write again as they are. */
export const inexpressible = (config: InterfaceConfig): FieldName[] =>
  FIELD_NAMES.filter((name) => {
    const isLost =
      NOT_WRITTEN.some((lost) => lost === name) && !fieldOf(name).equal(config[name], fieldOf(name).absent);
    return (
      isLost ||
      config.invalid[name] !== undefined ||
      (isJoined(name) && hookProblem(only(config, name), []) !== undefined)
    );
  });

const isJoined = (name: FieldName): name is (typeof JOINED)[number] => JOINED.some((joined) => joined === name);

/** The configuration with one of its lists of hooks. */
const only = (config: InterfaceConfig, name: (typeof JOINED)[number]): InterfaceConfig => ({
  ...EMPTY_CONFIG,
  [name]: config[name],
});
