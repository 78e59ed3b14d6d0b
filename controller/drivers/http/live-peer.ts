import type { LivePeer } from '../driver.ts';

/** A peer in the answer to GET dump, which all kinds of agents have in common, as far as it is passed on. */
interface WirePeer {
  readonly public_key: string;
  readonly endpoint: string | null;
  /** The old agent has `(none)` where there is no network. */
  readonly allowed_ips: readonly string[];
  readonly latest_handshake: number | null;
  readonly transfer_rx: number;
  readonly transfer_tx: number;
}

export const livePeerOf = (peer: WirePeer): LivePeer => ({
  publicKey: peer.public_key,
  endpoint: peer.endpoint ?? undefined,
  allowedIps: peer.allowed_ips.filter((network) => network !== '(none)'),
  latestHandshake: peer.latest_handshake ?? undefined,
  receivedBytes: peer.transfer_rx,
  sentBytes: peer.transfer_tx,
});
