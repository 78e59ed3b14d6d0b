import { validatorOf } from '../runtime/validator.ts';
import { apiVersionOf, collectionPath, LEASE, objectPath } from '../api/kinds.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from '../runtime/leader.ts';
import { KubeError, type KubeClient } from './kube-client.ts';

interface RawLease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

const text = { type: ['string', 'null'], maxLength: 1024 };
const number = { type: ['integer', 'null'] };

const isLease = validatorOf<RawLease>({
  type: 'object',
  required: ['metadata'],
  properties: {
    metadata: { type: 'object', required: ['resourceVersion'], properties: { resourceVersion: { type: 'string' } } },
    spec: {
      type: 'object',
      properties: {
        ...{ holderIdentity: text, acquireTime: text, renewTime: text },
        ...{ leaseDurationSeconds: number, leaseTransitions: number },
      },
    },
  },
});

function storedOf(raw: unknown): StoredLease {
  if (!isLease(raw)) throw new KubeError('a read of a Lease', 0, 'in a form that is none');
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = raw.spec ?? {};
  const record: LeaseRecord = {
    holder: holderIdentity ?? '',
    durationSeconds: leaseDurationSeconds ?? 1,
    acquireTime: acquireTime ?? '',
    renewTime: renewTime ?? '',
    transitions: leaseTransitions ?? 0,
  };
  return { record, version: raw.metadata.resourceVersion, metadata: raw.metadata };
}

/** One Lease of the API server. A write that comes too late is no error. */
export function createLeaseStore(
  client: Pick<KubeClient, 'request'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): LeaseStore {
  const path = objectPath(LEASE, `${namespace}/${name}`);
  const bodyOf = (record: LeaseRecord, previous: StoredLease | undefined): object => ({
    apiVersion: apiVersionOf(LEASE),
    kind: LEASE.kind,
    // Labels and the like are others': a PUT without them takes them away.
    metadata: previous?.metadata ?? { namespace, name },
    spec: {
      holderIdentity: record.holder,
      leaseDurationSeconds: record.durationSeconds,
      acquireTime: record.acquireTime,
      renewTime: record.renewTime,
      leaseTransitions: record.transitions,
    },
  });
  return {
    async read(signal) {
      try {
        return storedOf(await client.request({ method: 'GET', path, signal }));
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return undefined;
        throw error;
      }
    },
    async write(record, previous, signal) {
      const body = bodyOf(record, previous);
      try {
        return storedOf(
          previous === undefined
            ? await client.request({ method: 'POST', path: collectionPath(LEASE, namespace), body, signal })
            : await client.request({ method: 'PUT', path, body, signal }),
        );
      } catch (error) {
        if (error instanceof KubeError && (error.status === 409 || error.status === 404)) return undefined;
        throw error;
      }
    },
  };
}
