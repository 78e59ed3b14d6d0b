import { MISUSE } from './arguments.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { CommandError } from './command-error.ts';
import { createLiveView, type LiveView, type PeerRow, peersText, type Sample, topText } from './live.ts';
import { chosen, forEach, type Session } from './session.ts';

/** An answer holds keys: over plain http it goes to this machine alone. */
export function mayBeAsked(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && /^(?:127\.[0-9.]+|\[::1\]|localhost)$/.test(hostname));
}

/** With the objects, and a view of their agents, which is closed at the end. */
async function withLive(
  session: Session,
  work: (view: LiveView, nodes: readonly WireGuardNode[]) => Promise<number>,
): Promise<number> {
  const { cluster, args, signal } = session;
  const agentUrl = args.text('agent-url');
  if (agentUrl !== undefined && !mayBeAsked(agentUrl))
    throw new CommandError(
      '--agent-url must be an https URL, as https://127.0.0.1:8443, or http of this very machine, as http://127.0.0.1:8080 through a tunnel of ssh',
      MISUSE,
    );
  const nodes = await chosen(session, 'look');
  if (agentUrl !== undefined && nodes.length !== 1)
    throw new CommandError('--agent-url is the way to one host: name one object', MISUSE);
  const view = createLiveView(cluster, { agentUrl, signal });
  try {
    return await work(view, nodes);
  } finally {
    await view.close();
  }
}

/** `kubectl wgnode peers` */
export const peers = (session: Session): Promise<number> =>
  withLive(session, async (view, nodes) => {
    const { terminal, args } = session;
    const rows: PeerRow[] = [];
    const code = await forEach(session, nodes, async (node) => {
      for (const peer of await view.peers(node)) rows.push({ node, peer });
      return 0;
    });
    if (args.text('output') === 'json') {
      const shown = rows.map(({ node, peer }) => ({
        namespace: node.metadata.namespace,
        node: node.metadata.name,
        ...peer,
      }));
      terminal.print(`${JSON.stringify(shown, null, 2)}\n`);
    } else terminal.print(peersText(rows, terminal.nowMs()));
    return code;
  });

const TOP_MS = 2_000;

/** `kubectl wgnode top` */
export const top = (session: Session): Promise<number> =>
  withLive(session, async (view, nodes) => {
    const { terminal, signal } = session;
    const look = async (samples: Map<WireGuardNode, Sample>): Promise<number> =>
      forEach(session, nodes, async (node) => {
        samples.set(node, { atMs: terminal.nowMs(), peers: await view.peers(node) });
        return 0;
      });
    const [first, second] = [new Map<WireGuardNode, Sample>(), new Map<WireGuardNode, Sample>()];
    const code = await look(first);
    await terminal.pause(TOP_MS, signal);
    if (first.size > 0) await look(second);
    const hosts = nodes.flatMap((node) => {
      const [from, to] = [first.get(node), second.get(node)];
      return from === undefined || to === undefined ? [] : [{ node, from, to }];
    });
    terminal.print(topText(hosts));
    return signal.aborted ? 130 : code;
  });
