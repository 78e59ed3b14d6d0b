import type { DesiredInterface } from '../../../agent/protocol/compare.ts';
import { highestImpact, type Impact } from '../../../agent/protocol/impact.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';
import { savesConfig } from '../../../agent/protocol/wgquick/document.ts';
import { FIELD_NAMES, type FieldName, fieldOf, pathOf } from '../../../agent/protocol/wgquick/fields.ts';
import type { PlanStatus } from '../../api/wireguardnode.generated.ts';
import { joinProblem } from './joined-hooks.ts';
import { droppedComments, endangeredPeers, syncProblem } from './keep-peers.ts';
import type { OldInterface } from './old-client.ts';
import type { Reading } from './reading.ts';

/** One call of the agent. `keep-peers`: the one that gives every peer to kernel and file; `from`: whose key, port and mark go with it. */
export type Action = 'disable' | 'enable' | 'put' | { readonly kind: 'keep-peers'; readonly from: 'file' | 'desired' };

/** What a change does, call by call, or why it is not made: a text for people. */
export type Change =
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'change';
      readonly actions: readonly Action[];
      readonly plan: PlanStatus;
      readonly warnings: readonly string[];
    };

/** Fields that the agent's PUT has no word for, and drops from the file. */
const NOT_WRITTEN = ['fwMark', 'preUp', 'postDown', 'firewall'] as const satisfies readonly FieldName[];
const JOINED = ['postUp', 'preDown'] as const satisfies readonly FieldName[];
/** What `wg-quick down` has to read as it was when it came up, or leaves something behind. */
const TORN_DOWN_BY: readonly FieldName[] = [
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
  const changed = changedFields(desired.config, reading.file);
  return changed.length === 0 && reading.file !== undefined
    ? changeOfState(desired, reading)
    : changeOfFile(desired, reading, changed);
}

/** Where the file is not as desired, its texts that are no value included. */
function changedFields(config: InterfaceConfig, file: InterfaceConfig | undefined): FieldName[] {
  return FIELD_NAMES.filter((name) => {
    if (name === 'privateKey' && config.privateKey === null) return false;
    const now = file ?? EMPTY_CONFIG;
    return now.invalid[name] !== undefined || !fieldOf(name).equal(now[name], config[name]);
  });
}

function changeOfState({ state }: DesiredInterface, reading: Reading): Change {
  const isUp = reading.peers !== undefined;
  if ((state === 'up') === isUp) return change([], []);
  if (state === 'up') return change(['enable'], [{ action: 'up', path: STATE, impact: 'None' }]);
  const kept = keepingPeers(reading);
  if (typeof kept === 'string') return { kind: 'refused', message: kept };
  return change(
    [...kept, 'disable'],
    [{ action: 'down', path: STATE, impact: 'Restart' }],
    warningsOf(reading, kept, false),
  );
}

const STATE = 'spec.interface.state';

/** The calls that keep the peers of a file that is there; a text = why there are none. */
function keepingPeers(reading: Reading): readonly Action[] | string {
  const { file } = reading;
  const { running, overlooked } = endangeredPeers(reading);
  if (running.length === 0 && overlooked.length === 0) return [];
  const what = listOf([...running.map(({ public_key: key }) => key), ...overlooked]);
  if (file === undefined) return [];
  const problem =
    reading.peers === undefined
      ? 'the interface is down, so nothing can write them as the agent reads them'
      : syncProblem(file, reading);
  if (problem === undefined) return [{ kind: 'keep-peers', from: 'file' }];
  const where =
    running.length > 0 ? 'run but are not in the file' : 'stand under a header that the agent does not read as [Peer]';
  return `Peers ${what} ${where}: the agent would lose them at this change, and cannot be told to keep them (${problem}). Write them into the file on the host as [Peer]`;
}

const listOf = (keys: readonly string[]): string =>
  keys.length <= 3 ? keys.join(', ') : `${keys.slice(0, 3).join(', ')} and ${String(keys.length - 3)} more`;

function changeOfFile({ config, state }: DesiredInterface, reading: Reading, changed: readonly FieldName[]): Change {
  const { document, peers } = reading;
  const problem = problemOf(config, reading, changed);
  if (problem !== undefined) return { kind: 'refused', message: problem };
  const isUp = peers !== undefined;
  const end: readonly Action[] = state === 'up' ? ['enable'] : [];
  if (document === undefined) {
    const isAlone = peers === undefined || peers.length === 0;
    const unkept = isAlone ? undefined : syncProblem(config, reading);
    if (unkept !== undefined) return { kind: 'refused', message: `${ORPHANS}: ${unkept}` };
    // A running interface without a file: the PUT takes it down by the new one. Its peers are put back, and saved, before it restarts.
    const back: readonly Action[] = isAlone ? [] : [{ kind: 'keep-peers', from: 'desired' }, 'disable', 'put'];
    const down: readonly Action[] = isUp && state === 'down' ? ['disable'] : [];
    return change(['put', ...back, ...(back.length > 0 ? [] : down), ...end], stepsOf(changed, isUp, state));
  }
  const kept = keepingPeers(reading);
  if (typeof kept === 'string') return { kind: 'refused', message: kept };
  const mustTearDown = isUp && (state === 'down' || changed.some((name) => TORN_DOWN_BY.includes(name)));
  const actions: readonly Action[] = [...kept, ...(mustTearDown ? ['disable' as const] : []), 'put', ...end];
  return change(actions, stepsOf(changed, isUp, state), warningsOf(reading, kept, true));
}

const ORPHANS = 'The interface runs without a file, and its peers could not be put back after it was written';

/** Why the file cannot be made as desired by this agent without a loss. */
function problemOf(config: InterfaceConfig, { document }: Reading, changed: readonly FieldName[]): string | undefined {
  const lost = NOT_WRITTEN.filter((name) => !fieldOf(name).equal(config[name], fieldOf(name).absent));
  if (lost.length > 0)
    return `The WGDashboard node agent cannot write ${lost.map(pathOf).join(', ')}, and would drop it from the file: leave it out, or let wgnode-agent take its place`;
  if (document !== undefined && savesConfig(document))
    return 'The file has `SaveConfig = true`, which the WGDashboard node agent would drop: take it out of the file on the host first, or let wgnode-agent take its place';
  return hookProblem(config, changed);
}

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
function warningsOf({ document = [] }: Reading, kept: readonly Action[], isWritten: boolean): string[] {
  if (kept.length > 0)
    return [
      'The agent wrote the peers of the file anew from the kernel, to keep those that only ran: comments there are gone, and names of endpoints became addresses',
    ];
  const comments = isWritten ? droppedComments(document) : 0;
  return comments === 0
    ? []
    : [
        `The agent dropped ${String(comments)} lines of comments that stood outside of peers; until its next change they are in the .conf.backup beside the file`,
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

/** Whether a PUT could write this very interface part again. */
export const isExpressible = (config: InterfaceConfig): boolean =>
  config.privateKey !== null &&
  NOT_WRITTEN.every((name) => fieldOf(name).equal(config[name], fieldOf(name).absent)) &&
  Object.keys(config.invalid).length === 0 &&
  hookProblem(config, []) === undefined;
