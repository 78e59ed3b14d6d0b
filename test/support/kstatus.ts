/** What Flux, Argo CD and `kubectl wait` tools make of an object: the rules of kstatus (sigs.k8s.io/cli-utils), first match wins. */
export type Kstatus = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

interface Judged {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export function kstatusOf({ metadata, status }: Judged): Kstatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const conditions = status?.conditions ?? [];
  const abnormal = conditions.find(
    ({ type, status: value }) => ['Reconciling', 'Stalled'].includes(type) && value === 'True',
  );
  if (abnormal !== undefined) return abnormal.type === 'Stalled' ? 'Failed' : 'InProgress';
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}
