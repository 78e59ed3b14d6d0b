import { ageText } from '../../agent/protocol/human-units.ts';
import { textTable } from '../../agent/protocol/text-table.ts';
import { collectionPath, EVENT, WIREGUARD_NODE } from '../api/kinds.ts';
import type { Cluster } from './cluster.ts';

interface KubeEvent {
  readonly metadata: { readonly namespace: string; readonly creationTimestamp?: string };
  readonly eventTime?: string | null;
  readonly series?: { readonly count: number; readonly lastObservedTime: string } | null;
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly regarding?: { readonly kind?: string; readonly name?: string };
}

const timeOf = ({ series, eventTime, metadata }: KubeEvent): string =>
  series?.lastObservedTime ?? eventTime ?? metadata.creationTimestamp ?? '';

/** What happened to objects, the newest last. */
export async function eventsText(
  { client, namespace, signal }: Cluster,
  { name, isAll, nowMs }: { readonly name: string | undefined; readonly isAll: boolean; readonly nowMs: number },
): Promise<string> {
  const selector = encodeURIComponent(
    [`regarding.kind=${WIREGUARD_NODE.kind}`, ...(name === undefined ? [] : [`regarding.name=${name}`])].join(),
  );
  const path = collectionPath(EVENT, isAll ? undefined : namespace);
  const list = await client.request<{ items: KubeEvent[] | null }>({
    method: 'GET',
    path: `${path}?fieldSelector=${selector}`,
    signal,
  });
  const sorted = [...(list.items ?? [])].sort((a, b) => timeOf(a).localeCompare(timeOf(b)));
  return textTable(
    [...(isAll ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
    sorted.map((event) => [
      ...(isAll ? [event.metadata.namespace] : []),
      `${ageText((nowMs - Date.parse(timeOf(event))) / 1000)}${event.series == null ? '' : ` (x${String(event.series.count)})`}`,
      event.type ?? '-',
      event.reason ?? '-',
      event.regarding?.name ?? '-',
      event.note ?? '',
    ]),
  );
}
