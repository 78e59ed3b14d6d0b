import type { ManagedInterface } from '../apply/managed-interface.ts';
import { readSnapshot } from '../apply/snapshot.ts';
import { AgentError } from '../core/agent-error.ts';
import type { Peer } from '../core/device.ts';
import type { DumpResponse, WirePeer } from '../protocol/messages.ts';
import type { AgentContext } from './context.ts';

/** GET dump: the live peers. Preshared keys are shown only where the host's policy reads keys back. */
export async function getDump({ settings }: AgentContext, target: ManagedInterface): Promise<DumpResponse> {
  const { device } = await readSnapshot(target, { effects: 'none' });
  if (device === null)
    throw new AgentError('not_found', `WireGuard command failed: there is no interface ${target.name} on this host`);
  return { interface: target.name, peers: device.peers.map((peer) => peerView(peer, settings.readBackKeys)) };
}

const peerView = (peer: Peer, readBackKeys: boolean): WirePeer => ({
  public_key: peer.publicKey,
  preshared_key: readBackKeys ? (peer.presharedKey?.reveal() ?? null) : null,
  endpoint: peer.endpoint,
  // The old agent's clients expect this word of wg(8) where there is none.
  allowed_ips: peer.allowedIps.length === 0 ? ['(none)'] : peer.allowedIps,
  latest_handshake: peer.latestHandshake === 0 ? null : peer.latestHandshake,
  transfer_rx: peer.rxBytes,
  transfer_tx: peer.txBytes,
  persistent_keepalive: peer.keepalive,
});
