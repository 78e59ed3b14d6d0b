import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { type Arguments, asksForMany, type FlagName, MISUSE } from './arguments.ts';
import { type Cluster, explainError, listNodes, readNode } from './cluster.ts';
import { CommandError } from './command-error.ts';
import type { Terminal } from './terminal.ts';
import { titleOf } from './views.ts';

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
  /** What -o takes beside its default; left out = the flag itself is not there. */
  readonly outputs?: readonly string[];
  readonly more?: string;
  /** Names that it takes at most; left out = any number. */
  readonly most?: 0 | 1;
  readonly run: ((session: Session) => Promise<number>) | { readonly alone: (session: Alone) => Promise<number> };
}

const misuse = (message: string): CommandError => new CommandError(message, MISUSE);

/** The objects that are named, or those of a selector, or all. To change many, `--all` says that all are meant. Throws CommandError. */
export async function chosen({ args, cluster, terminal }: Session, why: 'look' | 'change'): Promise<WireGuardNode[]> {
  const { command, names } = args;
  if (names.length > 0) return Promise.all(names.map((name) => readNode(cluster, name)));
  if (args.text('selector') === '') throw misuse('-l must not be empty: that would be every object');
  if (!asksForMany(args)) throw misuse(`${command} needs a name, -l SELECTOR or --all; see kubectl wgnode get`);
  if (why === 'change' && args.text('selector') === undefined && !args.has('all'))
    throw misuse(`${command} -A would change every object of the cluster: add -l SELECTOR, or --all if you mean it`);
  const nodes = await listNodes(cluster, args);
  if (nodes.length === 0) terminal.remark('No WireGuardNode fits\n');
  return nodes;
}

/** The one object that is named. Throws CommandError. */
export async function one({ args, cluster }: Session): Promise<WireGuardNode> {
  const [name, ...others] = args.names;
  if (name === undefined || others.length > 0) throw misuse(`${args.command} needs the name of one object`);
  return readNode(cluster, name);
}

/** The cluster, with the namespace of the object as the default. */
export const within = (node: WireGuardNode, cluster: Cluster): Cluster => ({
  ...cluster,
  namespace: node.metadata.namespace,
});

// A call, as the compiler takes `signal.aborted` for unchanged since the loop's test.
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Objects at a time: API server and hosts are not stormed. */
const AT_ONCE = 16;

/** Works on objects, each by itself: what fails for one is told, and the others go on. The worst exit code. */
export async function forEach(
  { cluster, terminal, signal }: Session,
  nodes: readonly WireGuardNode[],
  work: (node: WireGuardNode) => Promise<number>,
): Promise<number> {
  const left = [...nodes];
  let worst = 0;
  const go = async (): Promise<void> => {
    for (let node = left.shift(); node !== undefined && !signal.aborted; node = left.shift()) {
      try {
        const code = await work(node);
        worst = Math.max(worst, code);
      } catch (error) {
        if (isAborted(signal)) return;
        const text = error instanceof CommandError ? error.message : explainError(error, within(node, cluster));
        terminal.remark(`✘ ${text.includes(titleOf(node)) ? '' : `${titleOf(node)}: `}${text}\n`);
        worst = Math.max(worst, 1);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, nodes.length) }, go));
  return signal.aborted ? 130 : worst;
}
