import { conditionOf } from '../api/conditions.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import type { Outcome } from './outcome.ts';

/** Something that a person who looks at the object wants to know had happened. The note stands alone: kubectl shows no action. */
export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** A machine word. */
  readonly action: string;
  readonly note: string;
}

const CHANGED: Readonly<Record<string, string>> = {
  Created: 'Applied',
  SpecChanged: 'Applied',
  SecretChanged: 'KeyRotated',
  DriftCorrected: 'DriftCorrected',
};

/** The events of an outcome: what was changed on the host, and every turn for the worse or the better of Ready. */
export function eventsOf(node: WireGuardNode, outcome: Outcome, status: WireGuardNodeStatus): NodeEvent[] {
  if (outcome.kind === 'applying') return [];
  return [...changeEvents(node, outcome), ...turnEvents(node, status)];
}

function changeEvents(node: WireGuardNode, outcome: Outcome): NodeEvent[] {
  if (outcome.kind !== 'in-sync' || outcome.change === undefined) return [];
  const { cause, impact, outageMs } = outcome.change;
  const { name } = node.spec.interface;
  const outage = outageMs === 0 ? 'the tunnel stayed up' : `the tunnel was down for ${String(outageMs)} ms`;
  const note = `${name}: ${CHANGED_TEXT[cause]}; impact ${impact}, ${outage}; proven by read-back`;
  const changed: NodeEvent = { type: 'Normal', reason: CHANGED[cause] ?? cause, action: 'Apply', note };
  const formerUrl = node.status.applied?.url;
  if (formerUrl === undefined || formerUrl === node.spec.agent.url) return [changed];
  const left = `${name} on the former host ${formerUrl} is left as it is: take it down there if it is no longer wanted`;
  return [changed, { type: 'Warning', reason: 'FormerHostLeft', action: 'Apply', note: left }];
}

const CHANGED_TEXT = {
  Created: 'the interface was set up',
  SpecChanged: 'the new spec was applied',
  SecretChanged: 'the new private key was applied',
  DriftCorrected: 'a change made on the host was put right',
} as const;

function turnEvents(node: WireGuardNode, status: WireGuardNodeStatus): NodeEvent[] {
  const former = conditionOf(node.status.conditions, 'Ready');
  const now = conditionOf(status.conditions, 'Ready');
  if (now === undefined || former?.reason === now.reason) return [];
  if (now.status === 'True') return [{ type: 'Normal', reason: 'Ready', action: 'Reconcile', note: now.message }];
  return [{ type: 'Warning', reason: now.reason, action: 'Reconcile', note: now.message }];
}
