import { ageText, bytesText } from '../../agent/protocol/human-units.ts';
import { textTable } from '../../agent/protocol/text-table.ts';
import { keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { createSecretReader } from '../cluster/secrets.ts';
import type { Drivers, LivePeer } from '../drivers/driver.ts';
import { createUrlGuard } from '../drivers/http/url-guard.ts';
import { createDrivers } from '../drivers/drivers.ts';
import { credentialProblem } from '../policy/credentials.ts';
import type { Cluster } from './cluster.ts';
import { CommandError } from './command-error.ts';
import { argumentOf } from './ladder.ts';

/** The agents of objects, asked from here with the Secrets that the user may read. Nothing is changed on them. */
export interface LiveView {
  /** Throws CommandError. */
  peers(node: WireGuardNode): Promise<readonly LivePeer[]>;
  close(): Promise<void>;
}

/** `agentUrl`: where the agent is reached from here, as through a tunnel of ssh; its certificate is checked as ever. */
export function createLiveView(
  { client }: Cluster,
  { agentUrl, signal }: { readonly agentUrl: string | undefined; readonly signal: AbortSignal },
): LiveView {
  // An object may be somebody else's: of its URL the rules of the controller hold. What is typed here may be any address.
  const guard = createUrlGuard({ allow: agentUrl === undefined ? [] : ['0.0.0.0/0', '::/0'], deny: [] });
  const drivers: Drivers = createDrivers({ guard, now: Date.now, called: () => undefined });
  const secrets = createSecretReader({ client, versionOf: () => undefined, signal });
  return {
    async peers(node) {
      const name = node.spec.agent.secretRef.name;
      if (agentUrl === undefined && !node.spec.agent.url.startsWith('https:'))
        throw new CommandError(
          `${keyOf(node)} has a plain http agent, which is not asked over the network: make a way and name it, as ssh -L 8080:localhost:8080 HOST and --agent-url http://127.0.0.1:8080`,
        );
      const read = await secrets.agent(node);
      if (read.kind !== 'found')
        throw new CommandError(
          read.kind === 'missing'
            ? `There is no Secret ${name}: see kubectl wgnode status ${argumentOf(node)}`
            : `You may not read the Secret ${name}, which signs calls to the agent: a role with get on it is needed`,
        );
      const problem = credentialProblem(name, read.data);
      if (problem !== undefined) throw new CommandError(problem.message);
      const answer = await drivers
        .open(agentUrl === undefined ? node : elsewhere(node, agentUrl), read.data)
        .peers({ timeoutMs: 10_000, signal });
      if (answer.kind === 'peers') return answer.peers;
      const text = answer.kind === 'refused' ? answer.refusal.message : answer.message;
      throw new CommandError(
        `${keyOf(node)}: ${text}. It is asked from here: where only the controller reaches it, make a way and name it, as ssh -L 8443:localhost:8443 HOST and --agent-url https://127.0.0.1:8443`,
      );
    },
    close: () => drivers.close(),
  };
}

/** The same agent by another way: the name in its certificate stays that of the object. */
function elsewhere(node: WireGuardNode, url: string): WireGuardNode {
  if (!URL.canParse(url)) throw new CommandError(`--agent-url ${url} must be a URL as https://127.0.0.1:8443`);
  const { agent } = node.spec;
  const serverName = agent.tls?.serverName ?? new URL(agent.url).hostname.replace(/^\[|\]$/g, '');
  return { ...node, spec: { ...node.spec, agent: { ...agent, url, tls: { ...agent.tls, serverName } } } };
}

/** WireGuard renews a handshake every two minutes while traffic flows. */
const ACTIVE_SECONDS = 180;

const handshakeText = (peer: LivePeer, nowMs: number): string =>
  peer.latestHandshake === undefined ? 'never' : `${ageText(nowMs / 1000 - peer.latestHandshake)} ago`;

export interface PeerRow {
  readonly node: WireGuardNode;
  readonly peer: LivePeer;
}

/** Peers, one a row; the longest without a handshake last. */
export function peersText(rows: readonly PeerRow[], nowMs: number): string {
  const sorted = [...rows].sort((a, b) => (b.peer.latestHandshake ?? 0) - (a.peer.latestHandshake ?? 0));
  return textTable(
    ['NODE', 'PEER', 'ENDPOINT', 'ALLOWED', 'HANDSHAKE', 'RECEIVED', 'SENT'],
    sorted.map(({ node, peer }) => [
      node.metadata.name,
      peer.publicKey,
      peer.endpoint ?? '-',
      few(peer.allowedIps),
      handshakeText(peer, nowMs),
      bytesText(peer.receivedBytes),
      bytesText(peer.sentBytes),
    ]),
  );
}

const few = (list: readonly string[]): string =>
  list.length <= 2 ? list.join(',') : `${list.slice(0, 2).join(',')},+${String(list.length - 2)}`;

/** A look at the peers of a host, for rates between two of them. */
export interface Sample {
  readonly atMs: number;
  readonly peers: readonly LivePeer[];
}

/** Traffic and activity of hosts between two looks, the busiest first. */
export function topText(
  hosts: readonly { readonly node: WireGuardNode; readonly from: Sample; readonly to: Sample }[],
): string {
  const rows = hosts.map(({ node, from, to }) => {
    const seconds = Math.max(0.001, (to.atMs - from.atMs) / 1000);
    const before = new Map(from.peers.map((peer) => [peer.publicKey, peer]));
    const rate = (of: 'receivedBytes' | 'sentBytes'): number =>
      to.peers.reduce((sum, peer) => sum + Math.max(0, peer[of] - (before.get(peer.publicKey)?.[of] ?? peer[of])), 0) /
      seconds;
    const active = to.peers.filter(
      ({ latestHandshake: last }) => last !== undefined && to.atMs / 1000 - last < ACTIVE_SECONDS,
    );
    return {
      node,
      received: rate('receivedBytes'),
      sent: rate('sentBytes'),
      active: active.length,
      all: to.peers.length,
    };
  });
  rows.sort((a, b) => b.received + b.sent - a.received - a.sent);
  return textTable(
    ['NODE', 'INTERFACE', 'PEERS', 'ACTIVE', 'RECEIVED/S', 'SENT/S'],
    rows.map(({ node, received, sent, active, all }) => [
      node.metadata.name,
      node.spec.interface.name,
      String(all),
      String(active),
      bytesText(received),
      bytesText(sent),
    ]),
  );
}
