import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { CommandError } from './command-error.ts';
import { createLiveView, type LiveView, type PeerRow, peersText, type Sample, topText } from './live.ts';
import { chosen, type Session } from './session.ts';

/** With a view of the agents, which is closed at the end. */
async function withLive<T>(session: Session, work: (view: LiveView) => Promise<T>): Promise<T> {
  const { cluster, args, signal } = session;
  const view = createLiveView(cluster, { agentUrl: args.text('agent-url'), signal });
  try {
    return await work(view);
  } finally {
    await view.close();
  }
}

/** `kubectl wgnode peers` */
export const peers = (session: Session): Promise<number> =>
  withLive(session, async (view) => {
    const { terminal, args } = session;
    const nodes = await chosen(session);
    const found = await Promise.all(nodes.map((node) => peersOf(session, view, node)));
    const rows = found.flatMap((each): PeerRow[] => each ?? []);
    if (args.text('output') === 'json')
      terminal.print(
        `${JSON.stringify(
          rows.map(({ node, peer }) => ({ node: node.metadata.name, ...peer })),
          null,
          2,
        )}\n`,
      );
    else terminal.print(peersText(rows, terminal.nowMs()));
    return found.includes(undefined) ? 1 : 0;
  });

/** Undefined = the agent could not be asked, as was said. */
async function peersOf({ terminal }: Session, view: LiveView, node: WireGuardNode): Promise<PeerRow[] | undefined> {
  try {
    return (await view.peers(node)).map((peer) => ({ node, peer }));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    terminal.remark(`✘ ${error.message}\n`);
    return undefined;
  }
}

const TOP_MS = 2_000;

/** `kubectl wgnode top` */
export const top = (session: Session): Promise<number> =>
  withLive(session, async (view) => {
    const { terminal, signal } = session;
    const nodes = await chosen(session);
    const look = async (node: WireGuardNode): Promise<Sample | undefined> => {
      const rows = await peersOf(session, view, node);
      return rows === undefined ? undefined : { atMs: terminal.nowMs(), peers: rows.map(({ peer }) => peer) };
    };
    const first = await Promise.all(nodes.map(look));
    await terminal.pause(TOP_MS, signal);
    const second = await Promise.all(
      nodes.map((node, at) => (first[at] === undefined ? Promise.resolve(undefined) : look(node))),
    );
    const hosts = nodes.flatMap((node, at) => {
      const [from, to] = [first[at], second[at]];
      return from === undefined || to === undefined ? [] : [{ node, from, to }];
    });
    terminal.print(topText(hosts));
    return hosts.length === nodes.length ? 0 : 1;
  });
