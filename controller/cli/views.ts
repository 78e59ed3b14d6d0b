import { dump } from 'js-yaml';
import { ageText } from '../../agent/protocol/human-units.ts';
import { printable, textTable } from '../../agent/protocol/text-table.ts';
import { conditionOf } from '../api/conditions.ts';
import { agentOrigin, keyOf } from '../api/node.ts';
import type { DriftEntry, WireGuardNode } from '../api/wireguardnode.generated.ts';
import { CommandError } from './command-error.ts';

/** How objects are printed. */
export const OUTPUTS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Output = (typeof OUTPUTS)[number];

/** Throws CommandError. */
export function outputOf(text: string | undefined): Output {
  const output = OUTPUTS.find((each) => each === (text ?? 'table'));
  if (output === undefined) throw new CommandError(`-o ${String(text)} must be one of wide, json, yaml, name`);
  return output;
}

/** Seconds since a time of the API server; undefined where there is none. */
const sinceOf = (time: string | undefined, nowMs: number): number => (nowMs - Date.parse(time ?? '')) / 1000;

const ageOf = (time: string | undefined, nowMs: number): string => {
  const seconds = sinceOf(time, nowMs);
  return Number.isFinite(seconds) ? ageText(seconds) : '-';
};

/** How a table of objects is made. */
export interface TableOptions {
  readonly isWide: boolean;
  readonly withNamespace: boolean;
  readonly nowMs: number;
}

/** Columns of the table of objects, the same for every line of a watch. */
export const headerOf = ({ isWide, withNamespace }: TableOptions): string[] => [
  ...(withNamespace ? ['NAMESPACE'] : []),
  ...['NAME', 'READY', 'REASON', 'HOST', 'INTERFACE', 'STATE', 'PEERS', 'DRIFT', 'AGE'],
  ...(isWide ? ['MODE', 'AGENT', 'ADDRESSES', 'MESSAGE'] : []),
];

/** Of Ready; where the agent cannot be reached, the step that fails. */
function reasonOf({ status }: WireGuardNode): string {
  const reason = conditionOf(status.conditions, 'Ready')?.reason ?? 'Pending';
  return reason === 'AgentUnreachable' ? (conditionOf(status.conditions, 'Reachable')?.reason ?? reason) : reason;
}

/** One object as a row of that table. */
export function rowOf(node: WireGuardNode, { isWide, withNamespace, nowMs }: TableOptions): string[] {
  const { metadata, spec, status } = node;
  const ready = conditionOf(status.conditions, 'Ready');
  const isSuspended = spec.suspend && conditionOf(status.conditions, 'Suspended') !== undefined;
  const drift = (status.drift ?? []).length;
  return [
    ...(withNamespace ? [metadata.namespace] : []),
    metadata.name,
    ready?.status ?? 'Unknown',
    `${reasonOf(node)}${isSuspended ? ',Suspended' : ''}`,
    agentOrigin(node).replace(/^https:\/\//, ''),
    spec.interface.name,
    status.interface?.state ?? '-',
    status.interface?.peerCount === undefined ? '-' : String(status.interface.peerCount),
    drift === 0 ? '-' : String(drift),
    ageOf(metadata.creationTimestamp, nowMs),
    ...(isWide
      ? [
          spec.management.mode,
          status.agent?.version ?? '-',
          (status.interface?.addresses ?? spec.interface.addresses ?? []).join(','),
          ready?.message ?? '',
        ]
      : []),
  ];
}

/** Objects as they are asked for; a table is asked for elsewhere, as it may grow. */
export function documentOf(nodes: readonly WireGuardNode[], output: 'json' | 'yaml' | 'name', isList: boolean): string {
  if (output === 'name') return nodes.map(({ metadata }) => `wireguardnode.wgnode.dev/${metadata.name}\n`).join('');
  const [only] = nodes;
  const shown = isList ? { apiVersion: 'v1', kind: 'List', items: nodes } : only;
  return output === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : dump(shown, { lineWidth: -1, noRefs: true });
}

/** `unknown`: nobody looked, or something before it failed. */
export type FindingState = 'ok' | 'failed' | 'waits' | 'unknown';

/** One thing that was looked at, in plain words. */
export interface Finding {
  readonly name: string;
  readonly state: FindingState;
  readonly text: string;
  /** What to do, where it is not well. */
  readonly cure?: string;
}

const MARKS: Readonly<Record<FindingState, string>> = { ok: '✔', failed: '✘', waits: '►', unknown: ' ' };
const COLOURS: Readonly<Record<FindingState, string>> = { ok: '32', failed: '31', waits: '33', unknown: '90' };

const NAME_WIDTH = 11;

/** A line for each, with what to do below it. `isColoured`: on a terminal, without NO_COLOR. */
export function findingsText(findings: readonly Finding[], isColoured: boolean): string {
  const paint = (state: FindingState, text: string): string =>
    isColoured ? `\u001b[${COLOURS[state]}m${text}\u001b[0m` : text;
  return findings
    .map(({ name, state, text, cure }) => {
      const line = `${paint(state, MARKS[state])} ${name.padEnd(NAME_WIDTH)}  ${printable(text)}\n`;
      return cure === undefined || cure === '' ? line : `${line}  ${' '.repeat(NAME_WIDTH)}  what to do: ${cure}\n`;
    })
    .join('');
}

const shown = (value: string | undefined): string => (value === undefined || value === '' ? '(none)' : value);

/** What differs, a field a row: as wanted, in the file, in the kernel. */
export const driftText = (drift: readonly DriftEntry[]): string =>
  textTable(
    ['FIELD', 'WANTED', 'FILE', 'KERNEL', 'IMPACT'],
    drift.map(({ path, desired, file, live, impact }) => [
      path.replace(/^spec\.interface\./, ''),
      ...[desired, file, live].map(shown),
      impact ?? '-',
    ]),
  );

/** The plan that waits, with the values that it goes from and to. */
export function planText({ status }: WireGuardNode): string {
  const { plan, drift = [] } = status;
  if (plan === undefined) return '';
  return textTable(
    ['STEP', 'ACTION', 'FIELD', 'FROM', 'TO', 'IMPACT'],
    plan.steps.map(({ action, path, impact }, index) => {
      const entry = drift.find((each) => each.path === path);
      return [
        String(index + 1),
        action,
        path === undefined ? '-' : path.replace(/^spec\.interface\./, ''),
        entry === undefined ? '-' : shown(entry.live),
        entry === undefined ? '-' : shown(entry.desired),
        impact,
      ];
    }),
  );
}

/** Who else will change the object back, in words; undefined = nobody that shows. */
export function gitOwner({ metadata }: WireGuardNode): string | undefined {
  const { labels = {}, annotations = {} } = metadata;
  if (labels['kustomize.toolkit.fluxcd.io/name'] !== undefined || labels['helm.toolkit.fluxcd.io/name'] !== undefined)
    return 'Flux';
  return annotations['argocd.argoproj.io/tracking-id'] === undefined ? undefined : 'Argo CD';
}

/** Of an object, for messages. */
export const titleOf = (node: WireGuardNode): string => `wireguardnode ${keyOf(node)}`;
