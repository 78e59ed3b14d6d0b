import { ageText } from '../../agent/protocol/human-units.ts';
import { LEASE, objectPath, WIREGUARD_NODE } from '../api/kinds.ts';
import { conditionOf } from '../api/conditions.ts';
import { STATUS_SCHEMA } from '../api/wireguardnode-status.generated.ts';
import { KubeError } from '../cluster/kube-client.ts';
import type { Arguments } from './arguments.ts';
import { type Cluster, explainError, listNodes } from './cluster.ts';
import { argumentOf } from './ladder.ts';
import type { Finding } from './views.ts';

const SYSTEM = 'wgnode-system';
const SKEW_MS = 5_000;

/** Looks at everything of the cluster that objects need; one finding after the other, as soon as it is known. */
export async function* examine(cluster: Cluster, args: Arguments): AsyncGenerator<Finding> {
  const server = await apiServer(cluster);
  yield server;
  if (server.state === 'failed') return;
  const crd = await schema(cluster);
  yield crd;
  yield* await rights(cluster);
  yield await controllerSeen(cluster);
  if (crd.state !== 'failed') yield await objects(cluster, args);
}

async function apiServer(cluster: Cluster): Promise<Finding> {
  const name = 'API server';
  try {
    const { gitVersion = '?' } = await cluster.client.request<{ gitVersion?: string }>({
      method: 'GET',
      path: '/version',
    });
    const offMs = cluster.client.clockOffsetMs();
    const text = `${cluster.server}, ${gitVersion}, its clock is ${String(Math.round(Math.abs(offMs) / 1000))} s off yours`;
    if (Math.abs(offMs) <= SKEW_MS) return { name, state: 'ok', text };
    return { name, state: 'waits', text, cure: 'Set the clock: signatures of calls to agents go by the time' };
  } catch (error) {
    return { name, state: 'failed', text: explainError(error, cluster), cure: 'See kubectl cluster-info' };
  }
}

interface Crd {
  readonly spec: {
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: {
        readonly openAPIV3Schema?: {
          readonly properties?: { readonly status?: { readonly properties?: Readonly<Record<string, unknown>> } };
        };
      };
    }[];
  };
}

async function schema(cluster: Cluster): Promise<Finding> {
  const { client, signal } = cluster;
  const name = 'CRD';
  const { plural, group, version } = WIREGUARD_NODE;
  const cure = 'kubectl apply --server-side -f install.yaml';
  try {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
    const crd = await client.request<Crd>({ method: 'GET', path, signal });
    const own = crd.spec.versions.find((each) => each.name === version && each.served);
    if (own === undefined) return { name, state: 'failed', text: `${plural}.${group} does not serve ${version}`, cure };
    const known = own.schema?.openAPIV3Schema?.properties?.status?.properties ?? {};
    const missing = Object.keys(STATUS_SCHEMA.properties ?? {}).filter((field) => !Object.hasOwn(known, field));
    if (missing.length === 0) return { name, state: 'ok', text: `${plural}.${group}, ${version}` };
    return { name, state: 'failed', text: `older than this program: status has no ${missing.join(', ')}`, cure };
  } catch (error) {
    if (error instanceof KubeError && error.status === 403)
      return { name, state: 'unknown', text: 'you may not look at it' };
    if (error instanceof KubeError && error.status === 404)
      return { name, state: 'failed', text: `${plural}.${group} is not there`, cure };
    return { name, state: 'failed', text: explainError(error, cluster), cure: 'See kubectl get --raw /readyz?verbose' };
  }
}

const RIGHTS = [
  { verbs: ['get', 'list', 'watch'], group: WIREGUARD_NODE.group, resource: WIREGUARD_NODE.plural, for: 'to look' },
  {
    verbs: ['patch'],
    group: WIREGUARD_NODE.group,
    resource: WIREGUARD_NODE.plural,
    for: 'suspend, up, reconcile, ...',
  },
  { verbs: ['list'], group: 'events.k8s.io', resource: 'events', for: 'events' },
  { verbs: ['get'], group: '', resource: 'secrets', for: 'peers, top' },
] as const;

/** What the user may do in the namespace; a right that is not there is no fault. */
function rights({ client, namespace }: Cluster): Promise<Finding[]> {
  return Promise.all(
    RIGHTS.map(async ({ verbs, group, resource, for: use }): Promise<Finding> => {
      const allowed = await Promise.all(
        verbs.map(async (verb) => {
          const body = {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { namespace, verb, group, resource } },
          };
          const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
          const review = await client.request<{ status?: { allowed?: boolean } }>({ method: 'POST', path, body });
          return review.status?.allowed === true;
        }),
      );
      const text = `${verbs.join(', ')} ${resource} in ${namespace} (${use})`;
      const isAllowed = allowed.every(Boolean);
      return {
        name: 'your rights',
        state: isAllowed ? 'ok' : 'unknown',
        text: isAllowed ? text : `you may not: ${text}`,
      };
    }),
  );
}

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly readyReplicas?: number };
}

/** Whether a controller is at work, as far as the user may see. */
export async function controllerSeen({ client, signal }: Cluster): Promise<Finding> {
  const name = 'controller';
  const cure = `kubectl -n ${SYSTEM} get pods,lease, and kubectl -n ${SYSTEM} logs deploy/wgnode-controller`;
  const path = `/apis/apps/v1/namespaces/${SYSTEM}/deployments/wgnode-controller`;
  const deployment = await seen(client.request<Deployment>({ method: 'GET', path, signal }));
  const lease = await seen(
    client.request<Lease>({ method: 'GET', path: objectPath(LEASE, `${SYSTEM}/wgnode-controller`), signal }),
  );
  const nowMs = Date.now() + client.clockOffsetMs();
  const leads = typeof lease === 'string' ? undefined : leaderOf(lease, nowMs);
  if (typeof deployment === 'string') {
    if (leads?.isFresh === true) return { name, state: 'ok', text: leads.text };
    const text =
      deployment === 'missing' ? `no Deployment in ${SYSTEM}; it may run outside` : 'whether one runs you may not see';
    return { name, state: 'unknown', text };
  }
  const ready = deployment.status.readyReplicas ?? 0;
  const text = `${String(ready)} of ${String(deployment.spec.replicas ?? 1)} ready${leads === undefined ? '' : `; ${leads.text}`}`;
  if (ready > 0 && leads?.isFresh !== false) return { name, state: 'ok', text };
  return { name, state: 'failed', text, cure };
}

/** `missing`, or `hidden` where the user may not look. */
const seen = <T>(request: Promise<T>): Promise<T | 'missing' | 'hidden'> =>
  request.catch((error: unknown) => {
    if (error instanceof KubeError && error.status === 404) return 'missing';
    if (error instanceof KubeError && error.status === 403) return 'hidden';
    throw error;
  });

interface Lease {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly renewTime?: string | null;
    readonly leaseDurationSeconds?: number | null;
  };
}

/** Who leads; undefined = nobody has yet, or there is no election. */
function leaderOf(
  { spec = {} }: Lease,
  nowMs: number,
): { readonly text: string; readonly isFresh: boolean } | undefined {
  const { holderIdentity, renewTime, leaseDurationSeconds } = spec;
  if (holderIdentity == null || holderIdentity === '') return undefined;
  const age = (nowMs - Date.parse(renewTime ?? '')) / 1000;
  // The clocks of two machines need not agree.
  const isFresh = age < 4 * (leaseDurationSeconds ?? 15) + 5;
  return { text: `${holderIdentity} leads, renewed ${ageText(age)} ago`, isFresh };
}

async function objects(cluster: Cluster, args: Arguments): Promise<Finding> {
  const name = 'objects';
  const nodes = await seen(listNodes(cluster, args));
  if (typeof nodes === 'string') return { name, state: 'unknown', text: 'you may not list them' };
  const bad = nodes.filter(({ status }) => conditionOf(status.conditions, 'Ready')?.status !== 'True');
  const where = args.has('all-namespaces') ? 'in all namespaces' : `in ${cluster.namespace}`;
  const text = `${String(nodes.length)} ${where}, ${String(nodes.length - bad.length)} Ready`;
  if (bad.length === 0) return { name, state: 'ok', text };
  const cure = bad.slice(0, 1).map((first) => `kubectl wgnode status ${argumentOf(first)}`);
  return { name, state: 'failed', text, cure: cure.join() };
}
