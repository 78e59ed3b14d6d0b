import type { Device, Peer } from './device.ts';

/** What wg(8) takes as "no preshared key". */
export const NO_PRESHARED_KEY = `${'A'.repeat(43)}=`;

/**
 * The peers that a restart must bring back as they were, those that only the kernel had, and others where file and kernel differ:
 * learnt endpoints above all, without which a peer stays silent until it speaks first. An endpoint without a handshake was not learnt:
 * the file, whose name may resolve to another address by now, knows better.
 */
export function peersToRestore(before: Device, after: Device): Peer[] {
  const now = new Map(after.peers.map((peer) => [peer.publicKey, peer]));
  return before.peers.flatMap((peer) => {
    const present = now.get(peer.publicKey);
    if (present === undefined) return peer;
    const known = peer.latestHandshake === 0 ? { ...peer, endpoint: null } : peer;
    return isSame(known, present) ? [] : known;
  });
}

/** Whether a peer that came up is as it was; an endpoint that was not known says nothing. */
const isSame = (before: Peer, after: Peer): boolean =>
  (before.endpoint === null || before.endpoint === after.endpoint) &&
  before.keepalive === after.keepalive &&
  before.presharedKey?.reveal() === after.presharedKey?.reveal() &&
  [...before.allowedIps].sort().join() === [...after.allowedIps].sort().join();

/** Whole [Peer] sections, for `wg addconf` or a file: every value is named, so that nothing of another source remains. Holds keys. */
export const peerSections = (peers: readonly Peer[]): string =>
  peers.map((peer) => `[Peer]\n${peerLines(peer).join('\n')}\n`).join('\n');

function peerLines({ publicKey, presharedKey, allowedIps, endpoint, keepalive }: Peer): string[] {
  const lines = [`PublicKey = ${publicKey}`, `PresharedKey = ${presharedKey?.reveal() ?? NO_PRESHARED_KEY}`];
  if (allowedIps.length > 0) lines.push(`AllowedIPs = ${allowedIps.join(', ')}`);
  if (endpoint !== null) lines.push(`Endpoint = ${endpoint}`);
  return [...lines, `PersistentKeepalive = ${keepalive === 0 ? 'off' : String(keepalive)}`];
}

/** Seconds after which a session is dead anyway (REJECT_AFTER_TIME of the WireGuard paper, section 6.1). */
const SESSION_SECONDS = 180;

/** The peers whose session may still be alive. */
export const withSession = (peers: readonly Peer[], nowSeconds: number): Peer[] =>
  peers.filter((peer) => nowSeconds - peer.latestHandshake < SESSION_SECONDS);

/** What changes of a peer that is there. */
export interface PeerChange {
  readonly publicKey: string;
  /** `ip:port` */
  readonly endpoint?: string;
  /** Keepalive intervals, seconds, set one after the other; 0 = off. */
  readonly keepalives?: readonly number[];
}

/**
 * Changes that make us send to peers, so that the far side learns our new port, or drops a session that we no longer have, at once
 * instead of after 15 s. They toggle the keepalive, because wg has no word for "send".
 */
export const triggerHandshake = (peers: readonly Peer[]): PeerChange[] =>
  peers
    .filter(({ endpoint }) => endpoint !== null)
    .map(({ publicKey, keepalive }) => ({ publicKey, keepalives: keepalive === 0 ? [25, 0] : [0, keepalive] }));
