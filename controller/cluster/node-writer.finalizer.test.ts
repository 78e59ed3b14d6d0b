import { describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { FINALIZER } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createNodeWriter } from './node-writer.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** An API server with one object, whose metadata is patched as it does it (RFC 6902): a test that fails is a 422. */
class OneObject implements Pick<KubeClient, 'request'> {
  object: WireGuardNode;
  readonly asked: KubeRequest[] = [];
  /** What others do right before a patch lands. */
  beforePatch: () => void = () => undefined;
  /** What others do right before the object is read. */
  beforeGet: () => void = () => undefined;

  constructor(object: WireGuardNode) {
    this.object = object;
  }

  request<T>(request: KubeRequest): Promise<T> {
    this.asked.push(request);
    if (request.method === 'GET') this.beforeGet();
    else this.beforePatch();
    if (request.method !== 'GET' && !this.#patch(request.body as readonly Operation[]))
      return Promise.reject(new KubeError('PATCH', 422, 'Invalid'));
    return Promise.resolve(structuredClone(this.object) as T);
  }

  /** False = a test failed, or a place is not there. */
  #patch(operations: readonly Operation[]): boolean {
    const metadata = structuredClone(this.object.metadata) as unknown as Record<string, unknown>;
    for (const { op, path, value } of operations) {
      const [, name = '', place] = path.split('/').slice(1);
      const list = metadata[name];
      const index = place === '-' && Array.isArray(list) ? list.length : Number(place);
      const present: unknown = place === undefined || !Array.isArray(list) ? metadata[name] : list[index];
      if (op === 'test' && JSON.stringify(present) !== JSON.stringify(value)) return false;
      if (op === 'remove' && present === undefined) return false;
      if (place === undefined && op === 'add') metadata[name] = value;
      else if (Array.isArray(list) && op !== 'test')
        list.splice(index, op === 'remove' ? 1 : 0, ...(op === 'add' ? [value] : []));
    }
    metadata['resourceVersion'] = String(Number(metadata['resourceVersion']) + 1);
    this.object = { ...this.object, metadata: metadata as unknown as WireGuardNode['metadata'] };
    return true;
  }
}

type Edit = (node: WireGuardNode) => void;

const { signal } = new AbortController();
const recreated = nodeWith(({ metadata }) => {
  metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
});

describe('writeFinalizer', () => {
  const withFinalizers = (...finalizers: string[]): WireGuardNode =>
    nodeWith(({ metadata }) => {
      metadata.finalizers = finalizers;
    });

  test.each([
    { name: 'adds ours to those of others', had: ['a.b/c'], present: true, has: ['a.b/c', FINALIZER] },
    { name: 'adds ours once', had: [FINALIZER], present: true, has: [FINALIZER] },
    { name: 'removes ours alone', had: [FINALIZER, 'a.b/c'], present: false, has: ['a.b/c'] },
  ])('$name', async ({ had, present, has }) => {
    const client = new OneObject(withFinalizers(...had));
    const written = await createNodeWriter({ client }).writeFinalizer(withFinalizers(...had), present, signal);
    expect([written?.metadata.finalizers, client.object.metadata.finalizers]).toEqual([has, has]);
  });

  test('adds the first one where there is no list yet', async () => {
    const client = new OneObject(nodeWith());
    await createNodeWriter({ client }).writeFinalizer(nodeWith(), true, signal);
    expect(client.object.metadata.finalizers).toEqual([FINALIZER]);
  });

  test.each([
    { name: 'adds ours', present: true, has: ['a.b/c', FINALIZER] },
    { name: 'finds it gone', present: false, has: ['a.b/c'] },
  ])('of an object that moved on since it was read $name, and leaves the rest', async ({ present, has }) => {
    const client = new OneObject(
      nodeWith(({ metadata }) => {
        Object.assign(metadata, { resourceVersion: '20', generation: 9, finalizers: ['a.b/c'] });
      }),
    );
    const written = await createNodeWriter({ client }).writeFinalizer(nodeWith(), present, signal);
    expect(written?.metadata.finalizers).toEqual(has);
    expect(client.object.metadata).toMatchObject({ generation: 9, finalizers: has });
  });

  test('C9: does nothing to a namesake with another UID', async () => {
    for (const present of [true, false]) {
      const client = new OneObject(
        nodeWith(({ metadata }) => {
          Object.assign(metadata, { uid: recreated.metadata.uid, finalizers: ['a.b/c', FINALIZER] });
        }),
      );
      const node = present ? nodeWith() : withFinalizers('a.b/c', FINALIZER);
      expect(await createNodeWriter({ client }).writeFinalizer(node, present, signal)).toBeUndefined();
      expect(client.object.metadata.finalizers).toEqual(['a.b/c', FINALIZER]);
    }
  });

  test.each([true, false])(
    'K2: a namesake that comes between two tries is left alone (present = %s)',
    async (present) => {
      const client = new OneObject(withFinalizers('x.y/z', 'a.b/c', FINALIZER));
      client.beforeGet = () => {
        client.object = nodeWith(({ metadata }) => {
          Object.assign(metadata, { uid: recreated.metadata.uid, finalizers: ['a.b/c', FINALIZER] });
        });
      };
      const node = present ? withFinalizers('a.b/c') : withFinalizers('a.b/c', FINALIZER);
      expect(await createNodeWriter({ client }).writeFinalizer(node, present, signal)).toBeUndefined();
      expect(client.object.metadata.finalizers).toEqual(['a.b/c', FINALIZER]);
    },
  );

  describe('C10: under somebody who writes the object all the time', () => {
    /** Somebody writes right before each of the first so many patches. */
    const hot = (object: WireGuardNode, times: number, write: Edit): OneObject => {
      const client = new OneObject(object);
      let left = times;
      client.beforePatch = () => {
        if (left === 0) return;
        left -= 1;
        write(client.object);
        client.object.metadata.resourceVersion = String(Number(client.object.metadata.resourceVersion) + 1);
      };
      return client;
    };
    const label: Edit = ({ metadata }) => {
      Object.assign(metadata, { labels: { at: metadata.resourceVersion } });
    };
    const patches = ({ asked }: OneObject): number => asked.filter(({ method }) => method === 'PATCH').length;

    test('ours is removed with the first patch, however often labels are written', async () => {
      const client = hot(withFinalizers('a.b/c', FINALIZER), 1_000, label);
      const written = await createNodeWriter({ client }).writeFinalizer(
        withFinalizers('a.b/c', FINALIZER),
        false,
        signal,
      );
      expect([written?.metadata.finalizers, patches(client)]).toEqual([['a.b/c'], 1]);
    });

    test('ours is added with the first patch where there is a list', async () => {
      const client = hot(withFinalizers('a.b/c'), 1_000, label);
      const written = await createNodeWriter({ client }).writeFinalizer(withFinalizers('a.b/c'), true, signal);
      expect([written?.metadata.finalizers, patches(client)]).toEqual([['a.b/c', FINALIZER], 1]);
    });

    test('the first finalizer of an object is added by a later try', async () => {
      const client = hot(nodeWith(), 3, label);
      const written = await createNodeWriter({ client }).writeFinalizer(nodeWith(), true, signal);
      expect([written?.metadata.finalizers, patches(client)]).toEqual([[FINALIZER], 4]);
    });

    test.each([true, false])(
      'the finalizers of others stay, whatever becomes of them meanwhile (present = %s)',
      async (present) => {
        const had = present ? ['a.b/c'] : ['a.b/c', FINALIZER];
        const client = hot(withFinalizers(...had), 2, ({ metadata }) => {
          metadata.finalizers = ['x.y/z', ...(metadata.finalizers ?? [])];
        });
        await createNodeWriter({ client }).writeFinalizer(withFinalizers(...had), present, signal);
        expect(client.object.metadata.finalizers).toEqual(['x.y/z', 'x.y/z', 'a.b/c', ...(present ? [FINALIZER] : [])]);
      },
    );

    test('whoever changes the list itself before every patch is given way after five tries', async () => {
      const client = hot(withFinalizers(FINALIZER), 1_000, ({ metadata }) => {
        metadata.finalizers = ['x.y/z', ...(metadata.finalizers ?? [])];
      });
      expect(
        await createNodeWriter({ client }).writeFinalizer(withFinalizers(FINALIZER), false, signal),
      ).toBeUndefined();
      expect([patches(client), client.object.metadata.finalizers?.includes(FINALIZER)]).toEqual([5, true]);
    });

    test('somebody who does our work is thanked', async () => {
      const client = hot(withFinalizers(FINALIZER), 1, ({ metadata }) => {
        metadata.finalizers = ['a.b/c'];
      });
      const written = await createNodeWriter({ client }).writeFinalizer(withFinalizers(FINALIZER), false, signal);
      expect(written?.metadata.finalizers).toEqual(['a.b/c']);
    });
  });
});
