import { type ConditionType, conditionOf, isRetryable } from '../api/conditions.ts';
import type { Condition, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Outcome } from './outcome.ts';

/** One row: type, status, reason, message. */
export type Row = readonly [ConditionType, Condition['status'], string, string];

/** Without contact for so long, or failed so often, an object no longer counts as making progress (kstatus). */
const STALLED_AFTER_MS = 10 * 60 * 1000;
const STALLED_AFTER_FAILURES = 5;

const connected = (node: WireGuardNode): Row => [
  'Reachable',
  'True',
  'Connected',
  `The agent at ${node.spec.agent.url} answers`,
];

const kept = (node: WireGuardNode, type: 'Reachable' | 'Synced' | 'Ready'): Row => {
  const { status, reason, message } = conditionOf(node.status.conditions, type) ?? {
    status: 'Unknown',
    reason: 'Pending',
    message: 'Not looked at yet',
  };
  return [type, status, reason, message];
};

const list = (paths: readonly { readonly path: string }[]): string => paths.map(({ path }) => path).join(', ');

export interface RowsInput {
  readonly node: WireGuardNode;
  readonly outcome: Outcome;
  readonly nowMs: number;
  /** Failures in a row, this one included. */
  readonly failures: number;
}

/** The conditions of an outcome, the table of the design as code; contention outlasts a host that cannot be looked at. */
export function rowsOf(input: RowsInput): Row[] {
  const { node, outcome } = input;
  const rows = outcomeRows(input);
  const former = conditionOf(node.status.conditions, 'Contended');
  const outlasts = outcome.kind === 'unreachable' || outcome.kind === 'refused' || outcome.kind === 'suspended';
  if (!outlasts || former?.observedGeneration !== node.metadata.generation) return rows;
  return [...rows, ['Contended', 'True', former.reason, former.message]];
}

function outcomeRows({ node, outcome, nowMs, failures }: RowsInput): Row[] {
  const name = node.spec.interface.name;
  switch (outcome.kind) {
    case 'in-sync': {
      const message = `File and kernel of ${name} are as wanted`;
      return [['Ready', 'True', 'InSync', message], connected(node), ['Synced', 'True', 'InSync', message]];
    }
    case 'applying': {
      const message = `A change of ${name} is under way`;
      return [
        ['Ready', 'Unknown', 'Applying', message],
        kept(node, 'Reachable'),
        ['Synced', 'Unknown', 'Applying', message],
        ['Reconciling', 'True', 'Progressing', message],
      ];
    }
    case 'refused':
      return refusedRows(node, outcome);
    case 'suspended':
      return suspendedRows(node, outcome.specMoved);
    case 'unreachable':
      return unreachableRows(node, outcome, nowMs);
    case 'drifted':
      return waitingRows(node, 'Drifted', `Mode Observe: not changed, but different: ${list(outcome.differences)}`);
    case 'impact-not-allowed': {
      const { maxImpact } = node.spec.management;
      return waitingRows(
        node,
        'ImpactNotAllowed',
        `The change needs impact ${outcome.plan.impact}, above spec.management.maxImpact ${maxImpact}: ${list(outcome.differences)}`,
      );
    }
    case 'contended': {
      const message = `${outcome.path} was corrected 5 times in 10 minutes: somebody else changes it too. Corrections stop until the spec changes or a reconcile is requested`;
      return [...waitingRows(node, 'Contended', message), ['Contended', 'True', 'Contended', message]];
    }
    case 'not-restored':
      return waitingRows(node, 'NotRestored', notRestored(outcome));
    case 'apply-failed': {
      const { message } = outcome;
      return [
        ['Ready', 'False', 'ApplyFailed', message],
        connected(node),
        ['Synced', 'False', 'ApplyFailed', message],
        progress(failures >= STALLED_AFTER_FAILURES, 'ApplyFailed', message),
      ];
    }
  }
}

/** Retried still, but to kstatus either on its way or failed; never both. */
const progress = (stalled: boolean, reason: string, message: string): Row =>
  stalled ? ['Stalled', 'True', reason, message] : ['Reconciling', 'True', 'ProgressingWithRetry', message];

const notRestored = ({ message, differences }: Outcome & { kind: 'not-restored' }): string =>
  differences.length === 0 ? message : `${message}. Still different: ${list(differences)}`;

const waitingRows = (node: WireGuardNode, reason: string, message: string): Row[] => [
  ['Ready', 'False', reason, message],
  connected(node),
  ['Synced', 'False', reason, message],
  ['Stalled', 'True', reason, message],
];

function refusedRows(node: WireGuardNode, { refusal, seen }: Outcome & { kind: 'refused' }): Row[] {
  const { reason, message } = refusal;
  return [
    ['Ready', 'False', reason, message],
    seen === undefined ? kept(node, 'Reachable') : connected(node),
    ['Synced', 'Unknown', reason, 'Not compared: see Ready'],
    ['Stalled', 'True', reason, message],
  ];
}

function suspendedRows(node: WireGuardNode, specMoved: boolean): Row[] {
  const message = 'spec.suspend is set: nothing is sent to the host';
  const moved: Row = [
    'Ready',
    'False',
    'Suspended',
    'The spec was changed while spec.suspend is set: it is not applied',
  ];
  return [
    specMoved ? moved : kept(node, 'Ready'),
    kept(node, 'Reachable'),
    kept(node, 'Synced'),
    ['Suspended', 'True', 'Suspended', message],
  ];
}

function unreachableRows(
  node: WireGuardNode,
  { rung, message }: Outcome & { kind: 'unreachable' },
  nowMs: number,
): Row[] {
  const retryable = isRetryable(rung);
  const former = conditionOf(node.status.conditions, 'Reachable');
  const lostMs = former?.status === 'False' ? nowMs - Date.parse(former.lastTransitionTime) : 0;
  const ready: Row = retryable ? ['Ready', 'Unknown', 'AgentUnreachable', message] : ['Ready', 'False', rung, message];
  return [
    ready,
    ['Reachable', 'False', rung, message],
    ['Synced', 'Unknown', 'AgentUnreachable', 'Not known while the agent cannot be reached'],
    progress(!retryable || lostMs >= STALLED_AFTER_MS, rung, message),
  ];
}
