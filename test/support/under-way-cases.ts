import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import type { Outcome } from '../../controller/policy/outcome.ts';
import type { Retry } from '../../controller/policy/retry.ts';
import { inSyncAt } from './judged-nodes.ts';
import type { Kstatus } from './kstatus.ts';
import { nodeWith } from './node-builder.ts';
import { NOW_MS, observation } from './observed-host.ts';

/** An outcome, and what it makes of the conditions and of the object as a whole. */
export interface OutcomeCase {
  readonly name: string;
  readonly node?: WireGuardNode;
  readonly outcome: Outcome;
  readonly failures?: number;
  /** `Type=Status/Reason`, in order; with `@generation` where it was judged at another one than the present. */
  readonly conditions: readonly string[];
  readonly kstatus: Kstatus;
}

/** What a text has between its spaces. */
export const words = (text: string): string[] => text.split(' ');

const wasInSync = inSyncAt(3);
const wasInSyncBefore = inSyncAt(2);
const retry: Retry = { kind: 'after', delayMs: 1_000 };

/** Outcomes that are no end: something is under way, waits for others, or is not looked at. */
export const underWayCases: readonly OutcomeCase[] = [
  {
    name: 'a change under way is on its way, and Reachable stays as it was',
    node: wasInSync,
    outcome: { kind: 'applying' },
    conditions: words(
      'Ready=Unknown/Applying Reachable=True/Connected Synced=Unknown/Applying Reconciling=True/Progressing',
    ),
    kstatus: 'InProgress',
  },
  {
    name: 'a decision that no longer fits says nothing new',
    node: wasInSync,
    outcome: { kind: 'superseded', message: 'the host changed' },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'a host and a wish that did not move say what they said',
    node: wasInSync,
    outcome: { kind: 'unmoved', retry },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'C1: who waits for its turn on the host says what it said',
    node: wasInSync,
    outcome: { kind: 'queued' },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'Current',
  },
  {
    name: 'C1: who waits long for its turn on the host says for what',
    node: wasInSync,
    outcome: { kind: 'blocked', observation, sinceMs: NOW_MS - 3_000 },
    conditions: words(
      'Ready=Unknown/Queued Reachable=True/Connected Synced=Unknown/Queued Reconciling=True/Progressing',
    ),
    kstatus: 'InProgress',
  },
  {
    name: 'C12: a deletion that waits does not go on saying that all is well',
    node: wasInSync,
    outcome: { kind: 'deleting', why: 'no answer', untilMs: NOW_MS + 60_000, retry },
    failures: 1,
    conditions: words('Ready=Unknown/Deleting Reachable=True/Connected Synced=True/InSync'),
    kstatus: 'InProgress',
  },
  {
    name: 'K1: what the finalizers of others keep is not said to be well',
    node: wasInSync,
    outcome: { kind: 'let-go', finalizers: ['a.b/c'] },
    conditions: words('Ready=Unknown/Deleting Reachable=Unknown/Deleting Synced=Unknown/Deleting'),
    kstatus: 'InProgress',
  },
  {
    name: 'C10: what our own finalizer keeps, as nobody lets us take it, is not said to be well',
    node: wasInSync,
    outcome: { kind: 'not-let-go', message: '403' },
    conditions: words('Ready=Unknown/Deleting Reachable=Unknown/Deleting Synced=Unknown/Deleting'),
    kstatus: 'InProgress',
  },
  {
    name: 'a move to another host is on its way',
    node: wasInSync,
    outcome: { kind: 'moving', message: 'the former host does not answer', untilMs: NOW_MS + 60_000, retry },
    failures: 1,
    conditions: words(
      'Ready=Unknown/LeavingFormerHost Reachable=True/Connected Synced=Unknown/LeavingFormerHost Reconciling=True/ProgressingWithRetry',
    ),
    kstatus: 'InProgress',
  },
  {
    name: 'a suspended node keeps what it said',
    node: wasInSync,
    outcome: { kind: 'suspended', specMoved: false },
    conditions: words('Ready=True/InSync Reachable=True/Connected Synced=True/InSync Suspended=True/Suspended'),
    kstatus: 'Current',
  },
  {
    name: 'C11: a node that was suspended while a change was under way does not go on saying that it is',
    node: nodeWith(({ metadata, status }) => {
      const [ready, ...others] = wasInSync.status.conditions;
      if (ready === undefined) throw new Error('Ready is the first');
      const { generation: observedGeneration } = metadata;
      status.conditions = [{ ...ready, status: 'Unknown', reason: 'Applying', observedGeneration }, ...others];
    }),
    outcome: { kind: 'suspended', specMoved: true },
    conditions: words(
      'Ready=Unknown/Suspended Reachable=True/Connected Synced=Unknown/Suspended Suspended=True/Suspended Stalled=True/Suspended',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'C11: an edit after such a suspension is told as any other',
    node: nodeWith(({ status }) => {
      const [ready, ...others] = wasInSyncBefore.status.conditions;
      if (ready === undefined) throw new Error('Ready is the first');
      status.conditions = [{ ...ready, status: 'Unknown', reason: 'Suspended' }, ...others];
    }),
    outcome: { kind: 'suspended', specMoved: true },
    conditions: words(
      'Ready=False/Suspended Reachable=Unknown/NotChecked Synced=Unknown/NotChecked Suspended=True/Suspended Stalled=True/Suspended',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'a suspended node whose spec moved on is not ready',
    node: wasInSync,
    outcome: { kind: 'suspended', specMoved: true },
    conditions: words(
      'Ready=False/Suspended Reachable=True/Connected Synced=True/InSync Suspended=True/Suspended Stalled=True/Suspended',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'C11: a suspended node whose spec moved on since says nothing of a host that was not looked at',
    node: wasInSyncBefore,
    outcome: { kind: 'suspended', specMoved: true },
    conditions: words(
      'Ready=False/Suspended Reachable=Unknown/NotChecked Synced=Unknown/NotChecked Suspended=True/Suspended Stalled=True/Suspended',
    ),
    kstatus: 'Failed',
  },
  {
    name: 'C11: what a suspended node keeps, it keeps of the generation at which it was judged',
    node: wasInSyncBefore,
    outcome: { kind: 'suspended', specMoved: false },
    conditions: words('Ready=True/InSync@2 Reachable=True/Connected@2 Synced=True/InSync@2 Suspended=True/Suspended'),
    kstatus: 'Current',
  },
  {
    name: 'C11: a move to another host says nothing of the new one before it was looked at',
    node: wasInSyncBefore,
    outcome: { kind: 'moving', message: 'the former host does not answer', untilMs: NOW_MS + 60_000, retry },
    failures: 1,
    conditions: words(
      'Ready=Unknown/LeavingFormerHost Reachable=Unknown/NotChecked Synced=Unknown/LeavingFormerHost Reconciling=True/ProgressingWithRetry',
    ),
    kstatus: 'InProgress',
  },
  {
    name: 'C11: what a deletion says of the host is of the generation at which it was looked at',
    node: wasInSyncBefore,
    outcome: { kind: 'deleting', why: 'no answer', untilMs: NOW_MS + 60_000, retry },
    failures: 1,
    conditions: words('Ready=Unknown/Deleting Reachable=True/Connected@2 Synced=True/InSync@2'),
    kstatus: 'InProgress',
  },
  {
    name: 'C11: what a change that lasts keeps of the host is of the generation at which it was looked at',
    node: wasInSyncBefore,
    outcome: { kind: 'applying' },
    conditions: words(
      'Ready=Unknown/Applying Reachable=True/Connected@2 Synced=Unknown/Applying Reconciling=True/Progressing',
    ),
    kstatus: 'InProgress',
  },
];
