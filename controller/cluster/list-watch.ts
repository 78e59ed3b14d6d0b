import { collectionPath, type WatchedKind } from '../api/kinds.ts';
import type { ListWatch, Page, WatchEvent } from '../runtime/reflector.ts';
import { KubeError, type KubeClient } from './kube-client.ts';

/** Which collection, and how. */
export interface ListWatchOptions<T> {
  readonly client: KubeClient;
  readonly kind: WatchedKind<T>;
  /** Undefined = all namespaces. */
  readonly namespace: string | undefined;
  /** 0..1, exclusive of 1; spreads the ends of watches. */
  readonly random: () => number;
}

interface RawObject {
  readonly metadata: { readonly resourceVersion: string };
}

interface RawList {
  readonly items: readonly RawObject[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

interface RawEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: RawObject & { readonly code?: number; readonly reason?: string };
}

const PAGE_SIZE = 500;
const METADATA = 'application/json;as=PartialObjectMetadata';
const LIST_METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const HTTP_GONE = 410;

/** A collection of the API server as the reflector wants it: pages of 500, bookmarks, watches that end after 5 to 10 minutes. */
export function createListWatch<T>({ client, kind, namespace, random }: ListWatchOptions<T>): ListWatch<T> {
  const path = collectionPath(kind, namespace);
  const trimmed = (object: RawObject): T => kind.trim(object as never);
  return {
    async list(continueToken, signal): Promise<Page<T>> {
      const query = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(continueToken === '' ? {} : { continue: continueToken }),
      });
      const accept = kind.view === 'whole' ? 'application/json' : LIST_METADATA;
      const list = await client.request<RawList>({
        method: 'GET',
        path: `${path}?${query.toString()}`,
        accept,
        signal,
      });
      const { resourceVersion, continue: token = '' } = list.metadata;
      return { items: list.items.map(trimmed), resourceVersion, continueToken: token };
    },
    async *watch(resourceVersion, signal): AsyncGenerator<WatchEvent<T>> {
      const query = new URLSearchParams({
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(Math.round(300 + 300 * random())),
      });
      const accept = kind.view === 'whole' ? 'application/json' : `${METADATA};g=meta.k8s.io;v=v1`;
      try {
        for await (const line of client.lines(`${path}?${query.toString()}`, accept, signal)) {
          yield eventOf(JSON.parse(line) as RawEvent, trimmed);
        }
      } catch (error) {
        if (!(error instanceof KubeError && error.status === HTTP_GONE)) throw error;
        yield { kind: 'expired' };
      }
    },
  };
}

function eventOf<T>({ type, object }: RawEvent, trimmed: (object: RawObject) => T): WatchEvent<T> {
  if (type === 'ERROR') {
    if (object.code === HTTP_GONE) return { kind: 'expired' };
    throw new KubeError('a watch', object.code ?? 0, object.reason ?? 'Unknown');
  }
  const { resourceVersion } = object.metadata;
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  return { kind: type === 'DELETED' ? 'delete' : 'apply', object: trimmed(object), resourceVersion };
}
