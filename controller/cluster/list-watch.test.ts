import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Kind, WIREGUARD_NODE } from '../api/kinds.ts';
import type { ListWatch, WatchEvent } from '../runtime/reflector.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createListWatch } from './list-watch.ts';

interface Thing {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

const thing = (name: string, resourceVersion: string): Thing => ({
  metadata: { name, uid: `uid of ${name}`, resourceVersion },
});

/** An API server that shows one collection in pages of one, and one stream of watch lines. */
class Collection implements KubeClient {
  readonly clockOffsetMs = (): number => 0;
  /** In place of every page. */
  answer: unknown;
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
    return Promise.resolve((this.answer ?? list) as T);
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
const KIND = {
  ...kindOf(WIREGUARD_NODE),
  trim: ({ metadata }: Thing) => metadata.name,
  isReadable: (raw: object) => (raw as Thing).metadata.name !== 'odd',
};
/** Keys of what was left out. */
let leftOut: string[];
beforeEach(() => {
  leftOut = [];
});

interface Over {
  readonly view?: 'whole' | 'metadata';
  readonly random?: number;
  readonly selector?: string;
}

const listWatchOf = (client: KubeClient, { view = 'whole', random = 0, selector = '' }: Over = {}): ListWatch<string> =>
  createListWatch<string>({
    ...{ client, selector, namespace: undefined, random: () => random },
    leftOut: (key) => {
      leftOut.push(key);
    },
    kind: { ...KIND, view },
  });

function kindOf({ group, version, kind, plural }: Kind): Kind {
  return { group, version, kind, plural };
}

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

  test('C6: leaves out what is not of our schema, and tells it: all others are served', async () => {
    const { list } = listWatchOf(new Collection([thing('odd', '1'), thing('b', '2')]));
    expect((await list('', signal)).items).toEqual([]);
    expect((await list('1', signal)).items).toEqual(['b']);
    expect(leftOut).toEqual(['/odd']);
  });

  test('asks for pages, and never for a resourceVersion', async () => {
    const client = new Collection([]);
    await listWatchOf(client).list('', signal);
    expect(client.asked[0]?.query.toString()).toBe('limit=500');
  });

  test.each([
    ['whole', undefined],
    ['metadata', 'PartialObjectMetadata'],
  ] as const)('of %s objects: metadata only = %s', async (view, word) => {
    const client = new Collection([], []);
    const source = listWatchOf(client, { view });
    await source.list('', signal);
    for await (const _ of source.watch('9', signal));
    for (const { accept } of client.asked) expect(accept?.includes('PartialObjectMetadata')).toBe(word !== undefined);
  });
});

describe('an answer that is no list', () => {
  test.each([
    {
      name: 'C13: without items, as the API server says it of metadata',
      answer: { items: null, metadata: { resourceVersion: '9' } },
    },
    { name: 'C13: with no items at all', answer: { metadata: { resourceVersion: '9' } } },
  ])('$name is an empty one', async ({ answer }) => {
    const client = new Collection([]);
    client.answer = answer;
    const empty = { items: [], resourceVersion: '9', continueToken: '' };
    expect(await listWatchOf(client, { view: 'metadata' }).list('', signal)).toEqual(empty);
  });

  test.each([
    { name: 'nothing', answer: {} },
    { name: 'a text', answer: 'no list' },
    { name: 'no version', answer: { items: [], metadata: {} } },
    { name: 'items that are none', answer: { items: {}, metadata: { resourceVersion: '9' } } },
    { name: 'an item without metadata', answer: { items: [{}], metadata: { resourceVersion: '9' } } },
    {
      name: 'an item without a name',
      answer: { items: [{ metadata: { uid: 'u', resourceVersion: '1' } }], metadata: { resourceVersion: '9' } },
    },
    { name: 'a version that is a number', answer: { items: [], metadata: { resourceVersion: 9 } } },
  ])('$name is told as a breach of protocol', async ({ answer }) => {
    const client = new Collection([]);
    client.answer = answer;
    await expect(listWatchOf(client).list('', signal)).rejects.toMatchObject({ code: 'kube' });
    await expect(listWatchOf(client).newest(signal)).rejects.toMatchObject({ code: 'kube' });
  });
});

test('C17: newest asks for the version of the collection, and for one object at most', async () => {
  const client = new Collection([thing('a', '1'), thing('b', '2')]);
  expect(await listWatchOf(client).newest(signal)).toBe('9');
  expect(client.asked.map(({ query }) => query.toString())).toEqual(['limit=1']);
});

test('a selector is said with every question', async () => {
  const client = new Collection([]);
  const source = listWatchOf(client, { selector: 'tier=edge,!old' });
  await source.list('', signal);
  await source.newest(signal);
  for await (const _ of source.watch('9', signal));
  expect(client.asked.map(({ query }) => query.get('labelSelector'))).toEqual(Array(3).fill('tier=edge,!old'));
});

describe('watch', () => {
  test.each([
    { name: 'of a type that nobody knows', event: { type: 'RENAMED', object: thing('a', '10') } },
    { name: 'without an object', event: { type: 'ADDED' } },
    {
      name: 'with an object without a version',
      event: { type: 'MODIFIED', object: { metadata: { name: 'a', uid: 'u' } } },
    },
    { name: 'that is a bookmark of nothing', event: { type: 'BOOKMARK', object: {} } },
  ])('C13: an event $name is told as a breach of protocol', async ({ event }) => {
    await expect(eventsOf(new Collection([], [event]))).rejects.toMatchObject({ code: 'kube' });
  });

  test('gives each kind of event with its version', async () => {
    const events = [
      { type: 'ADDED', object: thing('a', '10') },
      { type: 'MODIFIED', object: thing('a', '11') },
      { type: 'BOOKMARK', object: { kind: 'WireGuardNode', metadata: { resourceVersion: '12' } } },
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
    for await (const _ of listWatchOf(client, { random }).watch('9', signal));
    expect(Object.fromEntries(client.asked[0]?.query ?? [])).toEqual({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '9',
      timeoutSeconds: seconds,
    });
  });

  test('C6: what comes to be not of our schema is as if it went', async () => {
    const odd = thing('odd', '3');
    const events = ['ADDED', 'MODIFIED', 'DELETED'].map((type) => ({ type, object: odd }));
    expect((await eventsOf(new Collection([], events))).map(({ kind }) => kind)).toEqual([
      'delete',
      'delete',
      'delete',
    ]);
    expect(leftOut).toEqual(['/odd', '/odd']);
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
