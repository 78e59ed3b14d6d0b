import type { Cause } from './decide.ts';
import { conditionOf } from '../api/conditions.ts';
import type { HappeningReason, Reason } from '../api/reasons.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import type { Change, Outcome } from './outcome.ts';
import { consequencesOf } from './outcome-table.ts';

/** Something that a person who looks at the object wants to know had happened. The note stands alone: kubectl shows no action. */
export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: HappeningReason | Reason;
  /** A machine word. */
  readonly action: string;
  readonly note: string;
}

const CHANGED: Readonly<Record<Cause, HappeningReason>> = {
  Created: 'Applied',
  SpecChanged: 'Applied',
  SecretChanged: 'KeyRotated',
  DriftCorrected: 'DriftCorrected',
};

/** The events of an outcome: what was changed on the host, and every turn for the worse or the better of Ready. */
export function eventsOf(node: WireGuardNode, outcome: Outcome, status: WireGuardNodeStatus): NodeEvent[] {
  const { change, status: written } = consequencesOf(outcome);
  const changes = change === undefined ? [] : changeEvents(node, change);
  return written === 'final' ? [...changes, ...turnEvents(node, status)] : changes;
}

function changeEvents(node: WireGuardNode, { cause, impact, outageMs, warnings }: Change): NodeEvent[] {
  const { name } = node.spec.interface;
  const outage = outageMs === 0 ? UNDISTURBED[impact] : `the tunnel was down for ${String(outageMs)} ms`;
  const note = `${name}: ${CHANGED_TEXT[cause]}; impact ${impact}, ${outage}; proven by read-back`;
  const done: NodeEvent = { type: 'Normal', reason: CHANGED[cause], action: 'Apply', note };
  const left = warnings.map((text): NodeEvent => ({
    type: 'Warning',
    reason: 'TeardownIncomplete',
    action: 'Apply',
    note: `${name}: ${text}`,
  }));
  const changed = [done, ...left];
  return changed;
}

/** What is said where nothing was down; a restart of what did not run cuts nobody off. */
const UNDISTURBED: Readonly<Record<Change['impact'], string>> = {
  None: 'the tunnel stayed up',
  Rehandshake: 'the tunnel stayed up',
  Restart: 'no running tunnel was cut off',
};

const CHANGED_TEXT = {
  Created: 'the interface was set up',
  SpecChanged: 'the new spec was applied',
  SecretChanged: 'the new private key was applied',
  DriftCorrected: 'a change made on the host was put right',
} as const;

function turnEvents(node: WireGuardNode, status: WireGuardNodeStatus): NodeEvent[] {
  const before = conditionOf(node.status.conditions, 'Ready');
  const now = conditionOf(status.conditions, 'Ready');
  if (now === undefined || before?.reason === now.reason) return [];
  if (now.status === 'True') return [{ type: 'Normal', reason: 'Ready', action: 'Reconcile', note: now.message }];
  return [{ type: 'Warning', reason: now.reason as Reason, action: 'Reconcile', note: now.message }];
}
