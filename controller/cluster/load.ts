import { agentOrigin, claimOf, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { wasApplied } from '../policy/claims.ts';
import type { Input, OperatorPolicy } from '../policy/input.ts';
import type { Store } from '../runtime/store.ts';
import type { SecretReader } from './secrets.ts';

/** What a load reads from. */
export interface LoadOptions {
  readonly secrets: SecretReader;
  readonly nodes: Store<WireGuardNode>;
  readonly policy: OperatorPolicy;
  /** The origin of the agent that has accepted the signature of an object in this process. */
  readonly acceptedBy: (node: WireGuardNode) => string | undefined;
}

/** Gathers everything of the cluster that a reconcile of this object judges. */
export async function load(node: WireGuardNode, options: LoadOptions): Promise<Input> {
  const { secrets, nodes, policy } = options;
  const [agentSecret, key] = await Promise.all([secrets.agent(node), secrets.key(node)]);
  const byUid = (uid: string): WireGuardNode | undefined => {
    const [holder] = nodes.withIndex('uid', uid);
    return holder === undefined ? undefined : nodes.get(holder);
  };
  return { node, agentSecret, key, conflicting: { accepted: conflictingNodes(node, options), byUid }, policy };
}

/** The other objects that name the same interface of the same host, and that its agent has accepted, now or before. */
export const conflictingNodes = (
  node: WireGuardNode,
  { nodes, acceptedBy }: Pick<LoadOptions, 'nodes' | 'acceptedBy'>,
): WireGuardNode[] =>
  nodes
    .withIndex('claim', claimOf(node))
    .filter((key) => key !== keyOf(node))
    .flatMap((key) => nodes.get(key) ?? [])
    .filter((other) => wasApplied(other) || acceptedBy(other) === agentOrigin(other));
