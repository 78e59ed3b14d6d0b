import { describe, expect, test } from '@jest/globals';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import type { WatchEvent } from '../runtime/reflector.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createListWatch } from './list-watch.ts';

interface Thing {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

const thing = (name: string, resourceVersion: string): Thing => ({ metadata: { name, resourceVersion } });

/** An API server that shows one collection in pages of one, and one stream of watch lines. */
class Collection implements KubeClient {
  readonly asked: { readonly query: URLSearchParams; readonly accept: string | undefined }[] = [];
  readonly #things: readonly Thing[];
  readonly #events: readonly object[];
  readonly #error: Error | undefined;

  constructor(things: readonly Thing[], events: readonly object[] = [], error?: Error) {
    this.#things = things;
    this.#events = events;
    this.#error = error;
  }

  request<T>({ path, accept }: KubeRequest): Promise<T> {
    const query = this.#asks(path, accept);
    const index = Number(query.get('continue'));
    const more = index + 1 < this.#things.length ? { continue: String(index + 1) } : {};
    const list = { items: this.#things.slice(index, index + 1), metadata: { resourceVersion: '9', ...more } };
    return Promise.resolve(list as T);
  }

  async *lines(path: string, accept: string): AsyncGenerator<string> {
    this.#asks(path, accept);
    await Promise.resolve();
    for (const event of this.#events) yield JSON.stringify(event);
    if (this.#error !== undefined) throw this.#error;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #asks(path: string, accept: string | undefined): URLSearchParams {
    const query = new URL(path, 'https://kube').searchParams;
    this.asked.push({ query, accept });
    return query;
  }
}

const { signal } = new AbortController();
const listWatchOf = (client: KubeClient, view: 'whole' | 'metadata' = 'whole', random = 0) =>
  createListWatch<string>({
    client,
    kind: { ...WIREGUARD_NODE, view, trim: ({ metadata }: Thing) => metadata.name },
    namespace: undefined,
    random: () => random,
  });

async function eventsOf(client: KubeClient): Promise<WatchEvent<string>[]> {
  const events: WatchEvent<string>[] = [];
  for await (const event of listWatchOf(client).watch('9', signal)) events.push(event);
  return events;
}

describe('list', () => {
  test('gives trimmed items, the version of the list and the token of the next page', async () => {
    const { list } = listWatchOf(new Collection([thing('a', '1'), thing('b', '2')]));
    expect(await list('', signal)).toEqual({ items: ['a'], resourceVersion: '9', continueToken: '1' });
    expect(await list('1', signal)).toEqual({ items: ['b'], resourceVersion: '9', continueToken: '' });
  });

  test('asks for pages, and never for a resourceVersion', async () => {
    const client = new Collection([]);
    await listWatchOf(client).list('', signal);
    expect(client.asked[0]?.query.toString()).toBe('limit=500');
  });

  test.each([
    ['whole', undefined],
    ['metadata', 'PartialObjectMetadata'],
  ] as const)('of %s objects: metadata only = %s', async (as, word) => {
    const client = new Collection([], []);
    const source = listWatchOf(client, as);
    await source.list('', signal);
    for await (const _ of source.watch('9', signal));
    for (const { accept } of client.asked) expect(accept?.includes('PartialObjectMetadata')).toBe(word !== undefined);
  });
});

describe('watch', () => {
  test('gives each kind of event with its version', async () => {
    const events = [
      { type: 'ADDED', object: thing('a', '10') },
      { type: 'MODIFIED', object: thing('a', '11') },
      { type: 'BOOKMARK', object: thing('', '12') },
      { type: 'DELETED', object: thing('a', '13') },
    ];
    expect(await eventsOf(new Collection([], events))).toEqual([
      { kind: 'apply', object: 'a', resourceVersion: '10' },
      { kind: 'apply', object: 'a', resourceVersion: '11' },
      { kind: 'bookmark', resourceVersion: '12' },
      { kind: 'delete', object: 'a', resourceVersion: '13' },
    ]);
  });

  test.each([
    [0, '300'],
    [0.5, '450'],
    [0.999_999, '600'],
  ])('with the chance %s ends after %s s, asks for bookmarks and goes on from the version', async (random, seconds) => {
    const client = new Collection([]);
    for await (const _ of listWatchOf(client, 'whole', random).watch('9', signal));
    expect(Object.fromEntries(client.asked[0]?.query ?? [])).toEqual({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '9',
      timeoutSeconds: seconds,
    });
  });

  test.each([
    { name: 'as the status of the answer', client: new Collection([], [], new KubeError('GET', 410, 'Expired')) },
    {
      name: 'in the stream',
      client: new Collection([], [{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]),
    },
  ])('C6: 410 $name means expired', async ({ client }) => {
    expect(await eventsOf(client)).toEqual([{ kind: 'expired' }]);
  });

  test.each([
    { name: 'as the status of the answer', client: new Collection([], [], new KubeError('GET', 500, 'InternalError')) },
    {
      name: 'in the stream',
      client: new Collection([], [{ type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } }]),
    },
  ])('another error $name is thrown', async ({ client }) => {
    await expect(eventsOf(client)).rejects.toMatchObject({ code: 'kube', status: 500, reason: 'InternalError' });
  });
});
