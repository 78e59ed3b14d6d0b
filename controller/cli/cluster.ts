import { KubeConfig } from '@kubernetes/client-node';
import { collectionPath, objectPath, WIREGUARD_NODE } from '../api/kinds.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { createKubeClient, KubeError, type KubeClient } from '../cluster/kube-client.ts';
import type { Arguments } from './arguments.ts';
import { CommandError } from './command-error.ts';

/** The cluster as the user may see it: nothing is done with more than the user's own rights. */
export interface Cluster {
  readonly client: KubeClient;
  /** Of the flags, else of the context, else default. */
  readonly namespace: string;
  readonly server: string;
}

/** Opens no connection yet. Throws CommandError where there is no cluster to talk to. */
export async function connect(args: Arguments): Promise<Cluster> {
  const config = new KubeConfig();
  const file = args.text('kubeconfig');
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new CommandError(`Cannot read the kubeconfig: ${error instanceof Error ? error.message : String(error)}`);
  }
  const context = args.text('context');
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new CommandError(`There is no context ${context} in the kubeconfig; it has ${known.join(', ')}`);
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server ?? '';
  if (server === '') throw new CommandError('The kubeconfig has no current context: see kubectl config get-contexts');
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  const client = await createKubeClient({ loadConfig: () => config, answered: () => undefined });
  return { client, server, namespace: args.text('namespace') ?? own ?? 'default' };
}

/** `?labelSelector=...`, or nothing. */
const queryOf = (selector: string | undefined): string =>
  selector === undefined ? '' : `?labelSelector=${encodeURIComponent(selector)}`;

/** The objects of a namespace, or of all. */
export async function listNodes({ client, namespace }: Cluster, args: Arguments): Promise<WireGuardNode[]> {
  const path = collectionPath(WIREGUARD_NODE, args.has('all-namespaces') ? undefined : namespace);
  const list = await client.request<{ items: WireGuardNode[] | null }>({
    method: 'GET',
    path: path + queryOf(args.text('selector')),
  });
  return list.items ?? [];
}

/** One object. Throws KubeError. */
export const readNode = ({ client, namespace }: Cluster, name: string): Promise<WireGuardNode> =>
  client.request<WireGuardNode>({ method: 'GET', path: objectPath(WIREGUARD_NODE, `${namespace}/${checked(name)}`) });

/** The API server would take `a/b` or `..` as another path. */
function checked(name: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return name;
  throw new CommandError(`'${name}' is no name of an object`);
}

/** Changes fields of an object, as `kubectl patch --type merge`. */
export const patchNode = ({ client, namespace }: Cluster, name: string, body: object): Promise<WireGuardNode> =>
  client.request<WireGuardNode>({
    method: 'PATCH',
    path: `${objectPath(WIREGUARD_NODE, `${namespace}/${checked(name)}`)}?fieldManager=kubectl-wgnode`,
    contentType: 'application/merge-patch+json',
    body,
  });

/** Every state of the objects from now on, the present one first; ends with the signal. A watch that breaks is begun anew. */
export async function* watchNodes(
  cluster: Cluster,
  args: Arguments,
  signal: AbortSignal,
): AsyncGenerator<{ readonly node: WireGuardNode; readonly isGone: boolean }> {
  const { client, namespace } = cluster;
  const path = collectionPath(WIREGUARD_NODE, args.has('all-namespaces') ? undefined : namespace);
  const query = queryOf(args.text('selector'));
  const seen = new Map<string, string | undefined>();
  for (;;) {
    const list = await client.request<{ items: WireGuardNode[] | null; metadata: { resourceVersion: string } }>({
      method: 'GET',
      path: path + query,
      signal,
    });
    for (const node of list.items ?? []) if (isNew(seen, node)) yield { node, isGone: false };
    const from = `watch=1&timeoutSeconds=300&resourceVersion=${list.metadata.resourceVersion}`;
    const lines = client.lines(`${path}${query === '' ? '?' : `${query}&`}${from}`, 'application/json', signal);
    for await (const line of lines) {
      const { type, object } = JSON.parse(line) as { type: string; object: WireGuardNode };
      if (type === 'ERROR') break;
      if (type === 'DELETED' || isNew(seen, object)) yield { node: object, isGone: type === 'DELETED' };
    }
  }
}

function isNew(seen: Map<string, string | undefined>, { metadata }: WireGuardNode): boolean {
  const { uid, resourceVersion } = metadata;
  if (seen.get(uid) === resourceVersion) return false;
  seen.set(uid, resourceVersion);
  return true;
}

/** Of an object, or of the kind as a whole where the CRD is not there. */
function notFoundText({ message }: KubeError, namespace: string): string {
  const name = /\/wireguardnodes\/([^/ ]+)/.exec(message)?.[1];
  return name === undefined
    ? 'The API server knows no WireGuardNodes: see kubectl wgnode check'
    : `There is no wireguardnode ${name} in namespace ${namespace}; see kubectl wgnode get -A`;
}

/** What went wrong, for the person at the keyboard. */
export function explainError(error: unknown, { namespace, server }: Pick<Cluster, 'namespace' | 'server'>): string {
  if (error instanceof KubeError) {
    switch (error.status) {
      case 401:
        return `The API server does not know you: log in again, or see kubectl config view (${server})`;
      case 403:
        return `${error.message}: you may not. The roles wireguardnodes view and edit, as of manifests/base, are for this`;
      case 404:
        return notFoundText(error, namespace);
      default:
        return error.message;
    }
  }
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return `Cannot reach the API server ${server}: ${code}`;
  return error instanceof Error ? error.message : String(error);
}
