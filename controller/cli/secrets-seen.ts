import { objectPath, SECRET } from '../api/kinds.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { KubeError } from '../cluster/kube-client.ts';
import type { Cluster } from './cluster.ts';
import type { LadderFacts, SecretSeen } from './ladder.ts';

/** Whether the Secrets of an object are there, as far as the user may see; of their values nothing is kept. */
export async function secretsSeen(
  { client }: Cluster,
  { metadata, spec }: WireGuardNode,
): Promise<LadderFacts['secrets']> {
  const seen = async (name: string, entry: string): Promise<SecretSeen> => {
    try {
      const path = objectPath(SECRET, `${metadata.namespace}/${name}`);
      const { data } = await client.request<{ data?: Readonly<Record<string, string>> | null }>({
        method: 'GET',
        path,
      });
      return Object.hasOwn(data ?? {}, entry) ? 'found' : 'no-entry';
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return 'missing';
      if (error instanceof KubeError && error.status === 403) return 'forbidden';
      throw error;
    }
  };
  const { name, key } = spec.interface.privateKeySecretRef;
  const [agent, own] = await Promise.all([seen(spec.agent.secretRef.name, 'hmac-key'), seen(name, key)]);
  return { agent, key: own };
}
