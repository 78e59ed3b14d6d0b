import type { Live, LivePeer } from './live.ts';
import type { Secret } from '../protocol/secret.ts';

/** Arguments of `wg set NAME` for one peer; a preshared key travels beside them and is passed as a file. */
export interface PeerArguments {
  readonly args: readonly string[];
  readonly presharedKey: Secret | null;
}

/** Where a PSK file is named in the arguments; the caller puts its path there. */
export const PRESHARED_KEY_FILE = '\0psk';

/**
 * What `wg set` must restore after a restart: peers that only the kernel had, what of the others only the kernel had, and learnt
 * endpoints, without which a peer stays silent until it speaks first.
 */
export function carryOver(before: Live, after: Live): PeerArguments[] {
  const now = new Map(after.peers.map((peer) => [peer.publicKey, peer]));
  return before.peers.flatMap((peer) => {
    const present = now.get(peer.publicKey);
    return present !== undefined && isSame(peer, present) ? [] : [wholePeer(peer)];
  });
}

const isSame = (before: LivePeer, after: LivePeer): boolean =>
  (before.endpoint === null || before.endpoint === after.endpoint) &&
  before.keepalive === after.keepalive &&
  before.presharedKey?.reveal() === after.presharedKey?.reveal() &&
  [...before.allowedIps].sort().join() === [...after.allowedIps].sort().join();

function wholePeer(peer: LivePeer): PeerArguments {
  const args = ['peer', peer.publicKey, 'allowed-ips', peer.allowedIps.join(',')];
  if (peer.endpoint !== null) args.push('endpoint', peer.endpoint);
  args.push('persistent-keepalive', String(peer.keepalive));
  if (peer.presharedKey !== null) args.push('preshared-key', PRESHARED_KEY_FILE);
  return { args, presharedKey: peer.presharedKey };
}

/** Seconds after which a session is dead anyway (REJECT_AFTER_TIME of the WireGuard paper, section 6.1). */
const SESSION_SECONDS = 180;

/** The peers whose session may still be alive. */
export const withSession = (peers: readonly LivePeer[], nowSeconds: number): LivePeer[] =>
  peers.filter((peer) => nowSeconds - peer.latestHandshake < SESSION_SECONDS);

/**
 * Arguments of `wg set NAME`, one list for each peer, that make us send to it, so that the far side learns our new port, or drops a
 * session that we no longer have, at once instead of after 15 s. Toggles the keepalive, because wg has no word for "send".
 */
export const nudge = (peers: readonly LivePeer[]): string[][] =>
  peers
    .filter((peer) => peer.endpoint !== null)
    .map((peer) => {
      const [first, second] = peer.keepalive === 0 ? [25, 0] : [0, peer.keepalive];
      const set = (seconds: number): string[] => ['peer', peer.publicKey, 'persistent-keepalive', String(seconds)];
      return [...set(first), ...set(second)];
    });
