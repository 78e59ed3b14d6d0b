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
  /** Comes back at once: events are written one after the other, beside everything else. */
  record(node: WireGuardNode, event: NodeEvent): void;
  /** Resolves when all that was recorded until now is written, or has failed. */
  flush(): Promise<void>;
}

/** What an EventRecorder works with. */
export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'request'>;
  /** Of the objects that events are about. */
  readonly kind: Kind;
  readonly signal: AbortSignal;
  /** Name of this pod. */
  readonly instance: string;
  readonly nowMs: () => number;
  /** An event that cannot be written is told and forgotten: it must not fail a reconcile. */
  readonly failed: (error: unknown) => void;
}

/** More wait for nobody: who hears of them all would read none. */
const MAX_WAITING = 2_000;

/** A recorder that has told nothing yet; series of an earlier process are not gone on with. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { nowMs, failed } = options;
  const write = createWriter(options);
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return {
    record(node, event) {
      if (waiting >= MAX_WAITING) {
        failed(new Error(`${String(MAX_WAITING)} events wait to be written; ${event.reason} is left out`));
        return;
      }
      waiting += 1;
      const atMs = nowMs();
      last = last
        .then(() => write(node, event, atMs))
        .finally(() => {
          waiting -= 1;
        });
    },
    flush: () => last,
  };
}

type Write = (node: WireGuardNode, event: NodeEvent, atMs: number) => Promise<void>;

function createWriter({ client, kind, signal, instance, failed }: EventRecorderOptions): Write {
  const known = new LRUCache<string, Series>({ max: 4_096, ttl: SERIES_MS });
  return async (node, event, atMs) => {
    const { namespace, name, uid } = node.metadata;
    const time = new Date(atMs).toISOString().replace('Z', '000Z');
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
        const path = `${collection}/${series.name}`;
        await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body, signal });
        return;
      }
      const eventName = `${name}.${id}.${atMs.toString(36)}`;
      const body = eventBody({ node, kind, event, time, instance, eventName });
      await client.request({ method: 'POST', path: collection, body, signal });
      known.set(id, { name: eventName, count: 1 });
    } catch (error) {
      known.delete(id);
      failed(error);
    }
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
