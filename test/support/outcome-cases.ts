import type { UnreachableReason } from '../../controller/api/conditions.ts';
import { desired } from '../../controller/policy/desired.ts';
import type { Difference } from '../../controller/policy/differences.ts';
import type { Change, Outcome, OutcomeOf } from '../../controller/policy/outcome.ts';
import { inSyncAt, lostFor } from './judged-nodes.ts';
import { nodeWith } from './node-builder.ts';
import { KEY_PAIR, observation } from './observed-host.ts';
import { type OutcomeCase, underWayCases, words } from './under-way-cases.ts';

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
/** A look in mode Observe at a host that differs. */
export const drifted: OutcomeOf<'drifted'> = { kind: 'drifted', ...waiting, desired: desired(nodeWith(), KEY_PAIR) };
const change: Change = { cause: 'DriftCorrected', impact: 'None', outageMs: 0, corrected: [MTU.path], warnings: [] };

const wasInSync = inSyncAt(3);
const wasInSyncBefore = inSyncAt(2);
const observing = nodeWith(({ spec }) => {
  spec.management.mode = 'Observe';
});
const unreachable = (reason: UnreachableReason): Outcome => ({ kind: 'unreachable', reason, message: 'no answer' });
const lost = (reason: UnreachableReason): string[] =>
  words(`Ready=Unknown/AgentUnreachable Reachable=False/${reason} Synced=Unknown/AgentUnreachable`);

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
    conditions: words(
      `Ready=False/${reason} Reachable=False/${reason} Synced=Unknown/AgentUnreachable Stalled=True/${reason}`,
    ),
    kstatus: 'Failed',
  }),
);

/** An outcome of every kind, with what it makes of the conditions and of the object as a whole. */
export const outcomeCases: readonly OutcomeCase[] = [
  {
    name: 'a node in sync is current',
    outcome: { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY_PAIR), change: undefined },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'a node whose drift was corrected stays current',
    node: wasInSync,
    outcome: { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY_PAIR), change },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'a look in mode Observe that finds no difference is current',
    node: observing,
    outcome: { kind: 'in-sync', observation, desired: desired(nodeWith(), KEY_PAIR), change: undefined },
    conditions: words('Ready=True/Observed Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'a difference in mode Observe is news, and no failure',
    node: observing,
    outcome: drifted,
    conditions: words('Ready=True/Observed Reachable=True/Connected Synced=False/Drifted'),
    kstatus: 'Current',
  },
  {
    name: 'a plan above maxImpact waits for a human',
    outcome: { kind: 'impact-not-allowed', ...waiting },
    conditions: words(
      'Ready=False/ImpactNotAllowed Reachable=True/Connected Synced=False/ImpactNotAllowed Stalled=True/ImpactNotAllowed',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'a refusal before the host was asked says nothing new of the host',
    outcome: { kind: 'refused', refusal: { reason: 'Unsupported', message: 'cannot' } },
    conditions: words(
      'Ready=False/Unsupported Reachable=Unknown/Pending Synced=Unknown/Unsupported Stalled=True/Unsupported',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'C7: who cannot sign does not go on saying that its agent answers',
    node: wasInSync,
    outcome: { kind: 'refused', refusal: { reason: 'SecretNotFound', message: 'gone', isOfAgent: true } },
    conditions: words(
      'Ready=False/SecretNotFound Reachable=Unknown/SecretNotFound Synced=Unknown/SecretNotFound Stalled=True/SecretNotFound',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'a refusal by the agent proves that it answers',
    outcome: { kind: 'refused', refusal: { reason: 'HookNotAllowed', message: 'no' }, observation },
    conditions: words(
      'Ready=False/HookNotAllowed Reachable=True/Connected Synced=Unknown/HookNotAllowed Stalled=True/HookNotAllowed',
    ),
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
    conditions: words(
      'Ready=False/ApplyFailed Reachable=True/Connected Synced=False/ApplyFailed Reconciling=True/ProgressingWithRetry',
    ),
    kstatus: 'InProgress',
  },
  {
    name: 'T5: an apply that failed five times has failed',
    outcome: { kind: 'apply-failed', observation, message: 'undone' },
    failures: 5,
    conditions: words(
      'Ready=False/ApplyFailed Reachable=True/Connected Synced=False/ApplyFailed Stalled=True/ApplyFailed',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'a field that somebody else keeps changing waits for a human',
    outcome: { kind: 'contended', observation, differences, path: MTU.path },
    conditions: words(
      'Ready=False/Contended Reachable=True/Connected Synced=False/Contended Stalled=True/Contended Contended=True/Contended',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'C11: a refusal of a new spec says nothing of its host',
    node: wasInSyncBefore,
    outcome: { kind: 'refused', refusal: { reason: 'URLNotAllowed', message: 'http' } },
    conditions: words(
      'Ready=False/URLNotAllowed Reachable=Unknown/NotChecked Synced=Unknown/URLNotAllowed Stalled=True/URLNotAllowed',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'a change that failed and could not be undone has failed',
    node: wasInSync,
    outcome: { kind: 'not-restored', observation, differences, message: 'neither' },
    conditions: words(
      'Ready=False/NotRestored Reachable=True/Connected Synced=False/NotRestored Stalled=True/NotRestored',
    ),
    kstatus: 'Failed',
  },
  ...underWayCases,
];
