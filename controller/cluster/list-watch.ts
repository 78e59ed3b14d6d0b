import { collectionPath, type WatchedKind } from '../api/kinds.ts';
import type { ListWatch, Page, WatchEvent } from '../runtime/reflector.ts';
import { KubeError, type KubeClient } from './kube-client.ts';
import { isEvent, isList, type RawEvent, type RawList, type RawObject } from './shapes.ts';

/** Which collection, and how. */
export interface ListWatchOptions<T> {
  readonly client: KubeClient;
  readonly kind: WatchedKind<T>;
  /** Undefined = all namespaces. */
  readonly namespace: string | undefined;
  /** As kubectl's `-l`; empty = every object. */
  readonly selector: string;
  /** 0..1, exclusive of 1; spreads the ends of watches. */
  readonly random: () => number;
  /** An object of a form that is not ours: left out, whatever the others are. */
  readonly leftOut: (key: string) => void;
}

const PAGE_SIZE = 500;
const METADATA = 'application/json;as=PartialObjectMetadata';
const LIST_METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const HTTP_GONE = 410;

/** A collection of the API server as the reflector wants it: pages of 500, bookmarks, watches that end after 5 to 10 minutes. */
export function createListWatch<T>(options: ListWatchOptions<T>): ListWatch<T> {
  const { client, kind, namespace, selector, random, leftOut } = options;
  const path = collectionPath(kind, namespace);
  const trimmed = (object: RawObject): T => kind.trim(object as never);
  const isReadable = (object: RawObject): boolean => {
    const isFine = kind.isReadable(object);
    if (!isFine) leftOut(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
    return isFine;
  };
  const isWhole = kind.view === 'whole';
  const queryOf = (parts: Readonly<Record<string, string>>): string =>
    new URLSearchParams({ ...parts, ...(selector === '' ? {} : { labelSelector: selector }) }).toString();
  const page = async (parts: Readonly<Record<string, string>>, signal: AbortSignal): Promise<RawList> => {
    const accept = isWhole ? 'application/json' : LIST_METADATA;
    const answer: unknown = await client.request({ method: 'GET', path: `${path}?${queryOf(parts)}`, accept, signal });
    if (isList(answer)) return answer;
    throw new KubeError(`GET ${path}`, 0, 'in a form that is no list');
  };
  return {
    async list(continueToken, signal): Promise<Page<T>> {
      const { items, metadata } = await page(
        { limit: String(PAGE_SIZE), ...(continueToken === '' ? {} : { continue: continueToken }) },
        signal,
      );
      const { resourceVersion, continue: token = '' } = metadata;
      return { items: (items ?? []).filter(isReadable).map(trimmed), resourceVersion, continueToken: token };
    },
    newest: async (signal) => (await page({ limit: '1' }, signal)).metadata.resourceVersion,
    async *watch(resourceVersion, signal): AsyncGenerator<WatchEvent<T>> {
      const query = queryOf({
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(Math.round(300 + 300 * random())),
      });
      const accept = isWhole ? 'application/json' : `${METADATA};g=meta.k8s.io;v=v1`;
      try {
        for await (const line of client.lines(`${path}?${query}`, accept, signal)) {
          const event: unknown = JSON.parse(line);
          if (!isEvent(event)) throw new KubeError('a watch', 0, 'with what is no event');
          yield eventOf(event, { trimmed, isReadable });
        }
      } catch (error) {
        if (!(error instanceof KubeError && error.status === HTTP_GONE)) throw error;
        yield { kind: 'expired' };
      }
    },
  };
}

interface Reading<T> {
  readonly trimmed: (object: RawObject) => T;
  readonly isReadable: (object: RawObject) => boolean;
}

function eventOf<T>({ type, object }: RawEvent, { trimmed, isReadable }: Reading<T>): WatchEvent<T> {
  if (type === 'ERROR') {
    if (object.code === HTTP_GONE) return { kind: 'expired' };
    const { code, reason } = object;
    throw new KubeError(
      'a watch',
      typeof code === 'number' ? code : 0,
      typeof reason === 'string' ? reason : 'Unknown',
    );
  }
  const { resourceVersion } = object.metadata;
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  const isGone = type === 'DELETED' || !isReadable(object);
  return { kind: isGone ? 'delete' : 'apply', object: trimmed(object), resourceVersion };
}
