import type { UnreachableReason } from '../../controller/api/conditions.ts';
import type { Condition, WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { desired } from '../../controller/policy/desired.ts';
import type { Difference } from '../../controller/policy/differences.ts';
import type { Change, Outcome } from '../../controller/policy/outcome.ts';
import type { Kstatus } from './kstatus.ts';
import { nodeWith } from './node-builder.ts';
import { KEY, NOW_MS, observation } from './observed-host.ts';

export const MTU: Difference = {
  path: 'spec.interface.mtu',
  desired: '1400',
  file: '1420',
  live: '1420',
  impact: 'None',
};
export const differences = [MTU];
const plan = { impact: 'None', steps: [{ action: 'set-mtu', path: MTU.path, impact: 'None' }] } as const;
export const waiting = { observation, differences, plan: { ...plan, steps: [...plan.steps] } };
const change: Change = { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU.path], warnings: [] };

const condition = (type: string, status: Condition['status'], reason: string, ageMs = 60_000): Condition => ({
  type,
  status,
  reason,
  message: 'as it was',
  observedGeneration: 3,
  lastTransitionTime: new Date(NOW_MS - ageMs).toISOString(),
});

/** A node that was in sync a minute ago. */
const wasInSync = nodeWith(({ status }) => {
  status.conditions = [
    condition('Ready', 'True', 'InSync'),
    condition('Reachable', 'True', 'Connected'),
    condition('Synced', 'True', 'InSync'),
  ];
});
const lostFor = (ageMs: number): WireGuardNode =>
  nodeWith(({ status }) => {
    status.conditions = [condition('Reachable', 'False', 'ConnectionRefused', ageMs)];
  });

interface OutcomeCase {
  readonly name: string;
  readonly node?: WireGuardNode;
  readonly outcome: Outcome;
  readonly failures?: number;
  /** `Type=Status/Reason`, in order. */
  readonly conditions: readonly string[];
  readonly kstatus: Kstatus;
}

const unreachable = (reason: UnreachableReason): Outcome => ({ kind: 'unreachable', reason, message: 'no answer' });
const lost = (reason: UnreachableReason): string[] => [
  'Ready=Unknown/AgentUnreachable',
  `Reachable=False/${reason}`,
  'Synced=Unknown/AgentUnreachable',
];

const retryable = (['DNSFailed', 'ConnectionRefused', 'ConnectionTimeout', 'AgentError'] as const).map(
  (reason): OutcomeCase => ({
    name: `a host that cannot be reached (${reason}) is on its way`,
    node: wasInSync,
    outcome: unreachable(reason),
    failures: 1,
    conditions: [...lost(reason), 'Reconciling=True/ProgressingWithRetry'],
    kstatus: 'InProgress',
  }),
);
const terminal = (['TLSFailed', 'ClockSkew', 'SignatureRejected', 'ProtocolError', 'URLNotAllowed'] as const).map(
  (reason): OutcomeCase => ({
    name: `a host that a human must mend (${reason}) has failed`,
    node: wasInSync,
    outcome: unreachable(reason),
    failures: 1,
    conditions: [
      `Ready=False/${reason}`,
      `Reachable=False/${reason}`,
      'Synced=Unknown/AgentUnreachable',
      `Stalled=True/${reason}`,
    ],
    kstatus: 'Failed',
  }),
);

/** An outcome of every kind, with what it makes of the conditions and of the object as a whole. */
export const outcomeCases: readonly OutcomeCase[] = [
  {
    name: 'a node in sync is current',
    outcome: { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY), change: undefined },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync'],
    kstatus: 'Current',
  },
  {
    name: 'a node whose drift was corrected stays current',
    node: wasInSync,
    outcome: { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY), change },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync'],
    kstatus: 'Current',
  },
  {
    name: 'a change under way is on its way, and Reachable stays as it was',
    node: wasInSync,
    outcome: { kind: 'applying' },
    conditions: [
      'Ready=Unknown/Applying',
      'Reachable=True/Connected',
      'Synced=Unknown/Applying',
      'Reconciling=True/Progressing',
    ],
    kstatus: 'InProgress',
  },
  {
    name: 'a decision that no longer fits says nothing new',
    node: wasInSync,
    outcome: { kind: 'superseded', message: 'the host changed' },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync'],
    kstatus: 'Current',
  },
  {
    name: 'a difference in mode Observe waits for a human',
    outcome: { kind: 'drifted', ...waiting },
    conditions: ['Ready=False/Drifted', 'Reachable=True/Connected', 'Synced=False/Drifted', 'Stalled=True/Drifted'],
    kstatus: 'Failed',
  },
  {
    name: 'a plan above maxImpact waits for a human',
    outcome: { kind: 'impact-not-allowed', ...waiting },
    conditions: [
      'Ready=False/ImpactNotAllowed',
      'Reachable=True/Connected',
      'Synced=False/ImpactNotAllowed',
      'Stalled=True/ImpactNotAllowed',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a refusal before the host was asked says nothing new of the host',
    outcome: { kind: 'refused', refusal: { reason: 'Unsupported', message: 'cannot' } },
    conditions: [
      'Ready=False/Unsupported',
      'Reachable=Unknown/Pending',
      'Synced=Unknown/Unsupported',
      'Stalled=True/Unsupported',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a refusal by the agent proves that it answers',
    outcome: { kind: 'refused', refusal: { reason: 'HookNotAllowed', message: 'no' }, observation },
    conditions: [
      'Ready=False/HookNotAllowed',
      'Reachable=True/Connected',
      'Synced=Unknown/HookNotAllowed',
      'Stalled=True/HookNotAllowed',
    ],
    kstatus: 'Failed',
  },
  ...retryable,
  ...terminal,
  {
    name: 'a host that is lost for eight minutes is on its way',
    node: lostFor(480_000),
    outcome: unreachable('ConnectionTimeout'),
    failures: 30,
    conditions: [...lost('ConnectionTimeout'), 'Reconciling=True/ProgressingWithRetry'],
    kstatus: 'InProgress',
  },
  {
    name: 'a host that is lost for ten minutes has failed',
    node: lostFor(600_000),
    outcome: unreachable('ConnectionTimeout'),
    failures: 30,
    conditions: [...lost('ConnectionTimeout'), 'Stalled=True/ConnectionTimeout'],
    kstatus: 'Failed',
  },
  {
    name: 'an apply that failed and was undone is tried again',
    outcome: { kind: 'apply-failed', observation, message: 'undone' },
    failures: 4,
    conditions: [
      'Ready=False/ApplyFailed',
      'Reachable=True/Connected',
      'Synced=False/ApplyFailed',
      'Reconciling=True/ProgressingWithRetry',
    ],
    kstatus: 'InProgress',
  },
  {
    name: 'T5: an apply that failed five times has failed',
    outcome: { kind: 'apply-failed', observation, message: 'undone' },
    failures: 5,
    conditions: [
      'Ready=False/ApplyFailed',
      'Reachable=True/Connected',
      'Synced=False/ApplyFailed',
      'Stalled=True/ApplyFailed',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a field that somebody else keeps changing waits for a human',
    outcome: { kind: 'contended', observation, differences, path: MTU.path },
    conditions: [
      'Ready=False/Contended',
      'Reachable=True/Connected',
      'Synced=False/Contended',
      'Stalled=True/Contended',
      'Contended=True/Contended',
    ],
    kstatus: 'Failed',
  },
  {
    name: 'a suspended node keeps what it said',
    node: wasInSync,
    outcome: { kind: 'suspended', specMoved: false },
    conditions: ['Ready=True/InSync', 'Reachable=True/Connected', 'Synced=True/InSync', 'Suspended=True/Suspended'],
    kstatus: 'Current',
  },
  {
    name: 'a suspended node whose spec moved on is not ready',
    node: wasInSync,
    outcome: { kind: 'suspended', specMoved: true },
    conditions: ['Ready=False/Suspended', 'Reachable=True/Connected', 'Synced=True/InSync', 'Suspended=True/Suspended'],
    kstatus: 'InProgress',
  },
  {
    name: 'a change that failed and could not be undone has failed',
    node: wasInSync,
    outcome: { kind: 'not-restored', observation, differences, message: 'neither' },
    conditions: [
      'Ready=False/NotRestored',
      'Reachable=True/Connected',
      'Synced=False/NotRestored',
      'Stalled=True/NotRestored',
    ],
    kstatus: 'Failed',
  },
];
