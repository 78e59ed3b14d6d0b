import { Secret } from '../../agent/protocol/secret.ts';
import { claimOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Input, OperatorPolicy, SecretRead } from '../policy/input.ts';
import type { Store } from '../runtime/store.ts';
import { KubeError, type KubeClient } from './kube-client.ts';

interface RawSecret {
  readonly data?: Readonly<Record<string, string>>;
}

/** Reads one Secret whole. Its values leave this function only as `Secret`. */
async function readSecret(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<SecretRead> {
  try {
    const { data = {} } = await client.request<RawSecret>({
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}/secrets/${name}`,
      signal,
    });
    const entries = Object.entries(data).map(
      ([key, value]) => [key, new Secret(Buffer.from(value, 'base64').toString('utf8'))] as const,
    );
    return { kind: 'found', data: new Map(entries) };
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return { kind: 'missing' };
    if (error instanceof KubeError && error.status === 403) return { kind: 'forbidden' };
    throw error;
  }
}

/** What a load reads from. */
export interface LoadOptions {
  readonly client: KubeClient;
  readonly nodes: Store<WireGuardNode>;
  readonly policy: OperatorPolicy;
  readonly signal: AbortSignal;
}

/** Gathers everything of the cluster that a reconcile of this object judges. */
export async function load(node: WireGuardNode, { client, nodes, policy, signal }: LoadOptions): Promise<Input> {
  const { namespace } = node.metadata;
  const { agent, interface: spec } = node.spec;
  const [agentSecret, keySecret] = await Promise.all([
    readSecret(client, namespace, agent.secretRef.name, signal),
    readSecret(client, namespace, spec.privateKeySecretRef.name, signal),
  ]);
  return { node, agentSecret, keySecret, conflicting: conflictingNodes(node, nodes), policy };
}

/** The other objects that claim the same interface of the same host, those that are being deleted left out. */
export const conflictingNodes = (node: WireGuardNode, nodes: Store<WireGuardNode>): WireGuardNode[] =>
  nodes
    .withIndex('claim', claimOf(node))
    .flatMap((key) => nodes.get(key) ?? [])
    .filter((other) => other.metadata.uid !== node.metadata.uid && other.metadata.deletionTimestamp === undefined);
