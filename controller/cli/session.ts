import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { type Arguments, type FlagName, MISUSE } from './arguments.ts';
import { type Cluster, listNodes, readNode } from './cluster.ts';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with that asks no cluster. */
export interface Alone {
  readonly args: Arguments;
  readonly terminal: Terminal;
}

/** What a command works with. */
export interface Session extends Alone {
  readonly cluster: Cluster;
  /** Aborts with Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One command: its help, and its work, which ends with an exit code. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** Beside -n, --context, --kubeconfig and -h. */
  readonly flags: readonly FlagName[];
  readonly more?: string;
  readonly run: ((session: Session) => Promise<number>) | { readonly alone: (session: Alone) => Promise<number> };
}

/** The objects that are named, or those of a selector, or all. Throws CommandError where there are none. */
export async function chosen({ args, cluster, terminal }: Session): Promise<WireGuardNode[]> {
  if (args.names.length > 0) return Promise.all(args.names.map((name) => readNode(cluster, name)));
  if (!args.has('all-namespaces') && args.text('selector') === undefined)
    throw new CommandError(`${args.command} needs a name, -l SELECTOR or -A; see kubectl wgnode get`, MISUSE);
  const nodes = await listNodes(cluster, args);
  if (nodes.length === 0) terminal.remark('No WireGuardNode fits\n');
  return nodes;
}

export async function one({ args, cluster }: Session): Promise<WireGuardNode> {
  const [name, ...others] = args.names;
  if (name === undefined || others.length > 0)
    throw new CommandError(`${args.command} needs the name of one object`, MISUSE);
  return readNode(cluster, name);
}

/** The cluster, with the namespace of the object as the default. */
export const within = (node: WireGuardNode, cluster: Cluster): Cluster => ({
  ...cluster,
  namespace: node.metadata.namespace,
});
