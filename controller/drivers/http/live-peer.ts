import type { WirePeer } from '../../../agent/protocol/messages.ts';
import type { LivePeer } from '../driver.ts';

/** A peer in the answer to GET dump, as far as it is passed on; the old agent has `(none)` where there is no network. */
export const livePeerOf = (peer: Omit<WirePeer, 'preshared_key' | 'persistent_keepalive'>): LivePeer => ({
  publicKey: peer.public_key,
  endpoint: peer.endpoint ?? undefined,
  allowedIps: peer.allowed_ips.filter((network) => network !== '(none)'),
  latestHandshake: peer.latest_handshake ?? undefined,
  receivedBytes: peer.transfer_rx,
  sentBytes: peer.transfer_tx,
});
