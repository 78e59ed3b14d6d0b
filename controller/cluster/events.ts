import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { apiVersionOf, collectionPath, EVENT, type Kind } from '../api/kinds.ts';
import { CONTROLLER_NAME } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { KubeClient } from './kube-client.ts';

const SERIES_MS = 10 * 60 * 1000;
const MAX_NOTE = 1_000;

interface Series {
  readonly name: string;
  count: number;
}

/** Writes events (events.k8s.io/v1); a repeat within ten minutes goes on with the series of the first one. */
export interface EventRecorder {
  record(node: WireGuardNode, event: NodeEvent): Promise<void>;
}

/** What an EventRecorder works with. */
export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Of the objects that events are about. */
  readonly kind: Kind;
  readonly signal: AbortSignal;
  /** Name of this pod. */
  readonly instance: string;
  readonly nowMs: () => number;
  /** An event that cannot be written is told and forgotten: it must not fail a reconcile. */
  readonly failed: (error: unknown) => void;
}

/** A recorder that has told nothing yet; series of an earlier process are not gone on with. */
export function createEventRecorder({
  client,
  kind,
  signal,
  instance,
  nowMs,
  failed,
}: EventRecorderOptions): EventRecorder {
  const known = new LRUCache<string, Series>({ max: 4_096, ttl: SERIES_MS });
  return {
    async record(node, event) {
      const { namespace, name, uid } = node.metadata;
      const time = new Date(nowMs()).toISOString().replace('Z', '000Z');
      const id = createHash('sha256')
        .update(JSON.stringify([uid, event]))
        .digest('hex')
        .slice(0, 16);
      const collection = collectionPath(EVENT, namespace);
      const series = known.get(id);
      try {
        if (series !== undefined) {
          series.count += 1;
          const body = { series: { count: series.count, lastObservedTime: time } };
          await client.request({
            method: 'PATCH',
            path: `${collection}/${series.name}`,
            contentType: 'application/merge-patch+json',
            body,
            signal,
          });
          return;
        }
        const eventName = `${name}.${id}.${nowMs().toString(36)}`;
        await client.request({
          method: 'POST',
          path: collection,
          body: eventBody({ node, kind, event, time, instance, eventName }),
          signal,
        });
        known.set(id, { name: eventName, count: 1 });
      } catch (error) {
        known.delete(id);
        failed(error);
      }
    },
  };
}

interface EventDetails {
  readonly node: WireGuardNode;
  readonly kind: Kind;
  readonly event: NodeEvent;
  readonly time: string;
  readonly instance: string;
  readonly eventName: string;
}

const eventBody = ({ node: { metadata }, kind, event, time, instance, eventName }: EventDetails): object => ({
  apiVersion: apiVersionOf(EVENT),
  kind: EVENT.kind,
  metadata: { name: eventName, namespace: metadata.namespace },
  eventTime: time,
  reportingController: `${kind.group}/${CONTROLLER_NAME}`,
  reportingInstance: instance.slice(0, 128),
  type: event.type,
  reason: event.reason,
  action: event.action,
  note: event.note.slice(0, MAX_NOTE),
  regarding: {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
  },
});
