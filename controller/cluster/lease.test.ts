import { describe, expect, test } from '@jest/globals';
import type { LeaseRecord } from '../runtime/leader.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createLeaseStore } from './lease.ts';

const { signal } = new AbortController();
const RECORD: LeaseRecord = {
  holder: 'a',
  durationSeconds: 15,
  acquireTime: '2026-02-01T00:00:00.000000Z',
  renewTime: '2026-02-01T00:00:00.000000Z',
  transitions: 3,
};

interface RawLease {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: object;
}

/** An API server with one Lease or none: a PUT must show the version that there is, a POST that there is none. */
class LeaseApi implements Pick<KubeClient, 'request'> {
  lease: RawLease | undefined;
  readonly asked: string[] = [];
  status: number | undefined;

  request<T>({ method, path, body }: KubeRequest): Promise<T> {
    this.asked.push(`${method} ${path}`);
    const status = this.status ?? this.#work(method, body as RawLease);
    return status === undefined
      ? Promise.resolve(structuredClone(this.lease) as T)
      : Promise.reject(new KubeError(method, status, ''));
  }

  #work(method: string, body: RawLease): number | undefined {
    if (method === 'POST' && this.lease !== undefined) return 409;
    if (method !== 'POST' && this.lease === undefined) return 404;
    if (method === 'GET') return undefined;
    const version = this.lease?.metadata.resourceVersion;
    if (method === 'PUT' && body.metadata.resourceVersion !== version) return 409;
    this.lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(Number(version ?? 0) + 1) } };
    return undefined;
  }
}

const storeOf = (api: LeaseApi) => createLeaseStore(api, { namespace: 'wgnode-system', name: 'wgnode-controller' });

test('what is written is read', async () => {
  const api = new LeaseApi();
  const store = storeOf(api);
  expect(await store.read(signal)).toBeUndefined();
  const first = await store.write(RECORD, undefined, signal);
  expect([first, await store.read(signal)]).toMatchObject([
    { record: RECORD, version: '1' },
    { record: RECORD, version: '1' },
  ]);
  const next = { ...RECORD, holder: 'b' };
  expect(await store.write(next, first, signal)).toMatchObject({ record: next, version: '2' });
});

test('what others set on the Lease outlives a renewal', async () => {
  const api = new LeaseApi();
  const labels = { 'app.kubernetes.io/part-of': 'wgnode' };
  const metadata = { resourceVersion: '1', labels, annotations: { note: 'ours' }, finalizers: ['a.example/keep'] };
  api.lease = { metadata, spec: {} };
  const store = storeOf(api);
  const taken = await store.write(RECORD, await store.read(signal), signal);
  await store.write(RECORD, taken, signal);
  expect(api.lease).toMatchObject({ metadata: { ...metadata, resourceVersion: '3' }, spec: { holderIdentity: 'a' } });
});

test('it is a Lease of coordination.k8s.io in the namespace that was said', async () => {
  const api = new LeaseApi();
  const stored = await storeOf(api).write(RECORD, undefined, signal);
  await storeOf(api).write(RECORD, stored, signal);
  const collection = '/apis/coordination.k8s.io/v1/namespaces/wgnode-system/leases';
  expect(api.asked).toEqual([`POST ${collection}`, `PUT ${collection}/wgnode-controller`]);
  expect(api.lease).toMatchObject({
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    metadata: { name: 'wgnode-controller', namespace: 'wgnode-system' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3, renewTime: RECORD.renewTime },
  });
});

describe('a write that comes too late is no error, and changes nothing', () => {
  test('as somebody else wrote', async () => {
    const store = storeOf(new LeaseApi());
    const first = await store.write(RECORD, undefined, signal);
    await store.write({ ...RECORD, holder: 'b' }, first, signal);
    expect(await store.write({ ...RECORD, holder: 'c' }, first, signal)).toBeUndefined();
    expect((await store.read(signal))?.record.holder).toBe('b');
  });

  test('as somebody else made one', async () => {
    const store = storeOf(new LeaseApi());
    await store.write(RECORD, undefined, signal);
    expect(await store.write({ ...RECORD, holder: 'c' }, undefined, signal)).toBeUndefined();
  });

  test('as it was deleted', async () => {
    const api = new LeaseApi();
    const first = await storeOf(api).write(RECORD, undefined, signal);
    api.lease = undefined;
    expect(await storeOf(api).write(RECORD, first, signal)).toBeUndefined();
  });
});

test.each([403, 500])('a server that answers %d is an error', async (status) => {
  const api = new LeaseApi();
  api.status = status;
  await expect(storeOf(api).read(signal)).rejects.toMatchObject({ status });
  await expect(storeOf(api).write(RECORD, undefined, signal)).rejects.toMatchObject({ status });
});

test.each<{ name: string; spec: object | undefined }>([
  { name: 'nothing', spec: undefined },
  {
    name: 'nulls',
    spec: { holderIdentity: null, leaseDurationSeconds: null, leaseTransitions: null, renewTime: null },
  },
])('a Lease in which $name stands is nobody’s', async ({ spec }) => {
  const api = new LeaseApi();
  api.lease = { metadata: { resourceVersion: '5' }, ...(spec === undefined ? {} : { spec }) };
  expect(await storeOf(api).read(signal)).toMatchObject({ record: { holder: '', transitions: 0 }, version: '5' });
});

test('C13: an answer that is no Lease is a breach of protocol', async () => {
  const api = new LeaseApi();
  api.lease = { metadata: { resourceVersion: '5' }, spec: { leaseTransitions: 'many' } };
  await expect(storeOf(api).read(signal)).rejects.toMatchObject({ code: 'kube' });
});
