import { KubeConfig } from '@kubernetes/client-node';
import { reasonOf } from '../../agent/protocol/failure-text.ts';
import { collectionPath, objectPath, WIREGUARD_NODE } from '../api/kinds.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { createKubeClient, KubeError, type KubeClient } from '../cluster/kube-client.ts';
import { type Arguments, MISUSE } from './arguments.ts';
import { CommandError } from './command-error.ts';

/** The cluster as the user may see it: nothing is done with more than the user's own rights. */
export interface Cluster {
  readonly client: KubeClient;
  /** Of the flags, else of the context, else default. */
  readonly namespace: string;
  readonly server: string;
  /** Aborts with Ctrl-C: every request with it. */
  readonly signal: AbortSignal;
}

/** Opens no connection yet. Throws CommandError where there is no cluster to talk to. */
export async function connect(args: Arguments, signal: AbortSignal): Promise<Cluster> {
  const config = new KubeConfig();
  const file = args.text('kubeconfig');
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new CommandError(
      `Cannot read the kubeconfig ${file ?? process.env['KUBECONFIG'] ?? '~/.kube/config'}: ${reasonOf(error)}`,
    );
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
  if (config.getCurrentCluster()?.proxyUrl !== undefined)
    throw new CommandError('The kubeconfig reaches its cluster by a proxy-url, which this program cannot do yet');
  const given = args.text('namespace');
  if (given !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(given))
    throw new CommandError(`-n ${given} is no name of a namespace`, MISUSE);
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  try {
    const client = await createKubeClient({ loadConfig: () => config, answered: () => undefined });
    return { client, server, signal, namespace: given ?? own ?? 'default' };
  } catch (error) {
    // A login program that fails, a file that is gone.
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`Cannot use the kubeconfig for ${server}: ${why.split('\n', 1)[0] ?? ''}`);
  }
}

/** `?labelSelector=...`, or nothing. */
const queryOf = (selector: string | undefined): string =>
  selector === undefined ? '' : `?labelSelector=${encodeURIComponent(selector)}`;

/** The objects of a namespace, or of all. */
export async function listNodes({ client, namespace, signal }: Cluster, args: Arguments): Promise<WireGuardNode[]> {
  const path = collectionPath(WIREGUARD_NODE, args.has('all-namespaces') ? undefined : namespace);
  const list = await client.request<{ items: WireGuardNode[] | null }>({
    method: 'GET',
    path: path + queryOf(args.text('selector')),
    signal,
  });
  return list.items ?? [];
}

/** One object. Throws KubeError. */
export const readNode = ({ client, namespace, signal }: Cluster, name: string): Promise<WireGuardNode> =>
  client.request<WireGuardNode>({
    method: 'GET',
    path: objectPath(WIREGUARD_NODE, `${namespace}/${checked(name)}`),
    signal,
  });

/** The API server would take `a/b` or `..` as another path. */
function checked(name: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return name;
  throw new CommandError(`'${name}' is no name of an object`, MISUSE);
}

/** Changes fields of an object, as `kubectl patch --type merge`. */
export const patchNode = ({ client, namespace, signal }: Cluster, name: string, body: object): Promise<WireGuardNode> =>
  client.request<WireGuardNode>({
    method: 'PATCH',
    path: `${objectPath(WIREGUARD_NODE, `${namespace}/${checked(name)}`)}?fieldManager=kubectl-wgnode`,
    contentType: 'application/merge-patch+json',
    body,
    signal,
  });

/** What of objects was shown already, over watches that break. */
export type Seen = Map<string, string | undefined>;

/** Every state of the objects from now on, the present one first; ends when the API server ends the watch. */
export async function* watchNodes(
  { client, namespace, signal }: Cluster,
  args: Arguments,
  seen: Seen,
): AsyncGenerator<{ readonly node: WireGuardNode; readonly isGone: boolean }> {
  const path = collectionPath(WIREGUARD_NODE, args.has('all-namespaces') ? undefined : namespace);
  const query = queryOf(args.text('selector'));
  const list = await client.request<{ items: WireGuardNode[] | null; metadata: { resourceVersion: string } }>({
    method: 'GET',
    path: path + query,
    signal,
  });
  for (const node of list.items ?? []) if (isNew(seen, node)) yield { node, isGone: false };
  // Bookmarks tell a quiet watch from a dead one.
  const from = `watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=${list.metadata.resourceVersion}`;
  const lines = client.lines(`${path}${query === '' ? '?' : `${query}&`}${from}`, 'application/json', signal);
  for await (const line of lines) {
    const { type, object } = JSON.parse(line) as { type: string; object: WireGuardNode };
    if (type === 'ERROR') return;
    if (type === 'BOOKMARK') continue;
    if (type === 'DELETED' || isNew(seen, object)) yield { node: object, isGone: type === 'DELETED' };
  }
}

function isNew(seen: Seen, { metadata }: WireGuardNode): boolean {
  const { uid, resourceVersion } = metadata;
  if (seen.get(uid) === resourceVersion) return false;
  seen.set(uid, resourceVersion);
  return true;
}

/** `kubectl get` has the kind where names stand here. */
const IS_KIND = /^(?:wgn|nodes?|wireguardnodes?)(?:\.wgnode\.dev)?$/;

/** Of an object, or of the kind as a whole where the CRD is not there. */
function notFoundText({ message }: KubeError, namespace: string): string {
  const name = /\/wireguardnodes\/([^/ ]+)/.exec(message)?.[1];
  return name === undefined
    ? 'The API server knows no WireGuardNodes: see kubectl wgnode check'
    : `There is no wireguardnode ${name} in namespace ${namespace}; ${IS_KIND.test(name) ? 'names stand without their kind, as in kubectl wgnode get NAME' : 'see kubectl wgnode get -A'}`;
}

/** What went wrong, for the person at the keyboard. */
export function explainError(error: unknown, { namespace, server }: Pick<Cluster, 'namespace' | 'server'>): string {
  if (error instanceof KubeError) {
    const said = error.detail === '' ? error.message : error.detail;
    switch (error.status) {
      case 401:
        return `The API server does not know you: log in again, or see kubectl config view (${server})`;
      case 403:
        return `${said}. The roles view and edit have what is needed here; peers, top and keygen need Secrets besides`;
      case 404:
        return notFoundText(error, namespace);
      default:
        return said;
    }
  }
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return `Cannot reach the API server ${server}: ${code}`;
  return error instanceof Error ? error.message : String(error);
}
