import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nodeWith } from '../../test/support/node-builder.ts';
import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createNodeWriter, statusPatch } from './node-writer.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** JSON Patch (RFC 6902) as far as a status is written by it; a failed test, or a place that is not there, is an error. */
function applied(document: object, operations: readonly Operation[]): unknown {
  const whole = structuredClone(document) as Record<string, unknown>;
  for (const { op, path, value } of operations) {
    const [last = '', ...above] = path.split('/').slice(1).reverse();
    const parent = above.reduceRight((part, name) => part[name] as Record<string, unknown>, whole);
    if (op === 'test' && JSON.stringify(parent[last]) !== JSON.stringify(value)) throw new Error(`${path} is not that`);
    if (op === 'remove' && !(last in parent)) throw new Error(`${path} is not there`);
    if (op === 'add') parent[last] = value;
    if (op === 'remove') Reflect.deleteProperty(parent, last);
  }
  return whole;
}

/** An API server with one object; a patch is applied as it does it. */
class OneObject implements Pick<KubeClient, 'request'> {
  object: WireGuardNode | undefined;
  readonly asked: KubeRequest[] = [];
  /** What others do right before a patch lands. */
  beforePatch: () => void = () => undefined;
  /** Every patch is answered with this status and changes nothing, as when the schema refuses a value. */
  refusesWith: number | undefined;
  /** What others do right before the object is read. */
  beforeGet: () => void = () => undefined;

  constructor(object: WireGuardNode | undefined) {
    this.object = object;
  }

  request<T>(request: KubeRequest): Promise<T> {
    this.asked.push(request);
    if (request.method === 'GET') this.beforeGet();
    else this.beforePatch();
    if (this.object === undefined) return Promise.reject(new KubeError(request.method, 404, 'NotFound'));
    if (request.method === 'GET') return Promise.resolve(structuredClone(this.object) as T);
    if (this.refusesWith !== undefined) return Promise.reject(new KubeError('PATCH', this.refusesWith, 'Refused'));
    try {
      this.object = applied(this.object, request.body as readonly Operation[]) as WireGuardNode;
    } catch {
      return Promise.reject(new KubeError('PATCH', 422, 'Invalid'));
    }
    this.object.metadata.resourceVersion = String(Number(this.object.metadata.resourceVersion) + 1);
    return Promise.resolve(structuredClone(this.object) as T);
  }
}

const { signal } = new AbortController();
const NEXT: WireGuardNodeStatus = { observedGeneration: 3, conditions: [], consecutiveFailures: 1 };
const recreated = nodeWith(({ metadata }) => {
  metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
});

describe('statusPatch', () => {
  test('K2: tests the UID before anything else, so that it cannot land on a namesake', () => {
    const [first] = statusPatch(nodeWith(), NEXT);
    expect(first).toEqual({ op: 'test', path: '/metadata/uid', value: nodeWith().metadata.uid });
    expect(() => applied(recreated, statusPatch(nodeWith(), NEXT))).toThrow();
  });

  test.each<{ name: string; previous: WireGuardNodeStatus; next: WireGuardNodeStatus; expected: readonly Operation[] }>(
    [
      {
        name: 'a field that is new is added',
        previous: { observedGeneration: 3, conditions: [] },
        next: { observedGeneration: 3, conditions: [], consecutiveFailures: 1 },
        expected: [{ op: 'add', path: '/status/consecutiveFailures', value: 1 }],
      },
      {
        name: 'a field that changed is set',
        previous: { observedGeneration: -1, conditions: [] },
        next: { observedGeneration: 3, conditions: [] },
        expected: [{ op: 'add', path: '/status/observedGeneration', value: 3 }],
      },
      {
        name: 'a field that is gone is removed',
        previous: { observedGeneration: 3, conditions: [], drift: [] },
        next: { observedGeneration: 3, conditions: [] },
        expected: [{ op: 'remove', path: '/status/drift' }],
      },
      {
        name: 'a field that is the same but for the order of keys is left alone',
        previous: { observedGeneration: 3, conditions: [], agent: { version: '1', epoch: 'e' } },
        next: { observedGeneration: 3, conditions: [], agent: { epoch: 'e', version: '1' } },
        expected: [],
      },
    ],
  )('$name', ({ previous, next, expected }) => {
    const node = nodeWith((each) => {
      each.status = previous;
    });
    expect(statusPatch(node, next).slice(1)).toEqual(expected);
  });

  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  const status: fc.Arbitrary<WireGuardNodeStatus> = fc
    .record({
      agent: optional(fc.record({ version: fc.constantFrom('1', '2'), epoch: fc.constantFrom('a', 'b') })),
      drift: optional(fc.array(fc.record({ path: fc.constantFrom('x', 'y') }), { maxLength: 2 })),
      lastHandledReconcileRequest: optional(fc.constantFrom('a', 'b')),
      consecutiveFailures: optional(fc.nat(2)),
    })
    .map((fields) => {
      const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
      return { observedGeneration: 3, conditions: [], ...given };
    });

  test('makes the new status of the previous one, whatever they are', () => {
    const property = fc.property(status, status, (previous, next) => {
      const node = nodeWith((each) => {
        each.status = previous;
      });
      expect(applied(node, statusPatch(node, next))).toEqual({ ...node, status: next });
    });
    fc.assert(property);
  });
});

describe('writeStatus', () => {
  test('writes the status, by its subresource and under our name, and gives the object as it is then', async () => {
    const client = new OneObject(nodeWith());
    const written = await createNodeWriter({ client }).writeStatus(nodeWith(), NEXT, signal);
    expect(client.object?.status).toEqual(NEXT);
    expect([written?.status, written?.metadata.resourceVersion]).toEqual([NEXT, '8']);
    expect(client.asked).toMatchObject([
      {
        method: 'PATCH',
        path: '/apis/wgnode.dev/v1alpha1/namespaces/edge/wireguardnodes/fra1-wg0/status?fieldManager=wgnode-controller',
        contentType: 'application/json-patch+json',
      },
    ]);
  });

  test('says what is being written before it is sent, and says nothing where there is nothing to write', async () => {
    const client = new OneObject(nodeWith());
    const told: unknown[] = [];
    client.beforePatch = () => told.push('sent');
    const announce = (key: string, status: WireGuardNodeStatus): unknown => told.push([key, status]);
    const writer = createNodeWriter({ client, expect: announce });
    await writer.writeStatus(nodeWith(), nodeWith().status, signal);
    await writer.writeStatus(nodeWith(), NEXT, signal);
    expect(told).toEqual([['edge/fra1-wg0', NEXT], 'sent']);
  });

  test('I5: asks for nothing when the status says the same', async () => {
    const client = new OneObject(nodeWith());
    const node = nodeWith();
    expect(await createNodeWriter({ client }).writeStatus(node, { ...node.status }, signal)).toBe(node);
    expect(client.asked).toEqual([]);
  });

  test.each([
    { name: 'an object that is gone', object: undefined },
    { name: 'C9: a namesake with another UID', object: recreated },
  ])('gives undefined and changes nothing for $name', async ({ object }) => {
    const client = new OneObject(object);
    expect(await createNodeWriter({ client }).writeStatus(nodeWith(), NEXT, signal)).toBeUndefined();
    expect(client.object).toEqual(object);
  });
});

describe('an answer that is no success', () => {
  const write = {
    status: (client: OneObject) => createNodeWriter({ client }).writeStatus(nodeWith(), NEXT, signal),
    finalizer: (client: OneObject) => createNodeWriter({ client }).writeFinalizer(nodeWith(), true, signal),
  } as const;
  const refusing = (status: number, edit?: (node: WireGuardNode) => void): OneObject => {
    const client = new OneObject(nodeWith(edit));
    client.refusesWith = status;
    return client;
  };
  const movedOn = ({ metadata }: WireGuardNode): void => {
    metadata.resourceVersion = '8';
  };
  const another = ({ metadata }: WireGuardNode): void => {
    metadata.uid = recreated.metadata.uid;
  };

  test.each([
    { what: 'status', status: 404, name: 'no object' },
    { what: 'status', status: 409, name: 'a conflict' },
    { what: 'status', status: 422, name: 'C9: a namesake', edit: another },
    { what: 'finalizer', status: 404, name: 'no object' },
    { what: 'finalizer', status: 409, name: 'a conflict' },
    { what: 'finalizer', status: 422, name: 'C9: a namesake', edit: another },
  ] as const)('$status of the $what for $name means: look again', async ({ what, status, ...row }) => {
    expect(await write[what](refusing(status, 'edit' in row ? row.edit : undefined))).toBeUndefined();
  });

  test.each([
    { what: 'status', name: 'the object as it was read', status: 422 },
    {
      what: 'status',
      name: 'the object with another version, which a status does not ask about',
      status: 422,
      movedOn,
    },
    { what: 'finalizer', name: 'the object as it was read', status: 422 },
    { what: 'finalizer', name: 'an object that has moved on, and is refused as it is now, too', status: 422, movedOn },
    { what: 'status', name: 'a caller without rights', status: 403 },
    { what: 'finalizer', name: 'a server that fails', status: 500 },
  ] as const)('$status of the $what for $name is thrown, so that it is seen and backs off', async (row) => {
    const client = refusing(row.status, 'movedOn' in row ? row.movedOn : undefined);
    await expect(write[row.what](client)).rejects.toMatchObject({ code: 'kube', status: row.status });
  });

  test('an object that goes between the refusal and the second look is gone', async () => {
    const client = refusing(422);
    client.beforeGet = () => {
      client.object = undefined;
    };
    expect(await write.status(client)).toBeUndefined();
  });

  test('of a status only a 422 costs a second request', async () => {
    for (const status of [404, 409]) {
      const client = refusing(status);
      await write.status(client);
      expect(client.asked.map(({ method }) => method)).toEqual(['PATCH']);
    }
  });

  test('a status that the API server does not take is told, with the fields that it names', async () => {
    const client = new OneObject(nodeWith());
    const error = new KubeError('PATCH', 422, 'Invalid', { fields: ['status.agent.epoch'] });
    const request = client.request.bind(client);
    client.request = (asked) => (asked.method === 'PATCH' ? Promise.reject(error) : request(asked));
    const told: unknown[] = [];
    const refused = (key: string, { fields }: KubeError): unknown => told.push([key, fields]);
    await expect(createNodeWriter({ client, refused }).writeStatus(nodeWith(), NEXT, signal)).rejects.toBe(error);
    expect(told).toEqual([['edge/fra1-wg0', ['status.agent.epoch']]]);
  });

  test.each([404, 409])('%d is no status that the API server does not take', async (status) => {
    const told: string[] = [];
    const refused = (key: string): unknown => told.push(key);
    await createNodeWriter({ client: refusing(status), refused }).writeStatus(nodeWith(), NEXT, signal);
    expect(told).toEqual([]);
  });

  test('C13: an answer that is no object is a breach of protocol', async () => {
    const client = new OneObject(nodeWith());
    client.request = <T>() => Promise.resolve({ kind: 'Status' } as T);
    await expect(write.status(client)).rejects.toMatchObject({ code: 'kube' });
    await expect(createNodeWriter({ client }).read('edge/fra1-wg0', signal)).rejects.toMatchObject({ code: 'kube' });
  });
});

describe('read', () => {
  test('gives the object as the API server has it, slimmed', async () => {
    const client = new OneObject(
      nodeWith(({ metadata }) => {
        Object.assign(metadata, { resourceVersion: '9', labels: { app: 'x' }, finalizers: ['a.b/c'] });
      }),
    );
    const read = await createNodeWriter({ client }).read('edge/fra1-wg0', signal);
    expect(read).toEqual(
      nodeWith(({ metadata }) => {
        Object.assign(metadata, { resourceVersion: '9', annotations: {}, finalizers: ['a.b/c'] });
      }),
    );
    expect(client.asked).toMatchObject([
      { method: 'GET', path: '/apis/wgnode.dev/v1alpha1/namespaces/edge/wireguardnodes/fra1-wg0' },
    ]);
  });

  test('gives undefined for an object that is gone', async () => {
    expect(await createNodeWriter({ client: new OneObject(undefined) }).read('edge/fra1-wg0', signal)).toBeUndefined();
  });

  test('throws what is no answer about the object', async () => {
    const client = new OneObject(nodeWith());
    client.request = () => Promise.reject(new KubeError('GET', 500, 'InternalError'));
    await expect(createNodeWriter({ client }).read('edge/fra1-wg0', signal)).rejects.toMatchObject({ status: 500 });
  });
});
