import { isObject } from './shapes.ts';
import { KubeError, type KubeClient } from './kube-client.ts';

/** What tells this cluster from others: the UID of its namespace kube-system. Empty where we may not read it. */
export async function readClusterId(client: Pick<KubeClient, 'request'>, signal: AbortSignal): Promise<string> {
  try {
    const namespace: unknown = await client.request({ method: 'GET', path: '/api/v1/namespaces/kube-system', signal });
    return isObject(namespace) ? namespace.metadata.uid : '';
  } catch (error) {
    if (error instanceof KubeError && (error.status === 403 || error.status === 404)) return '';
    throw error;
  }
}
