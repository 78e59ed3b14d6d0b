import type { Document } from '../protocol/wgquick/document.ts';
import type { PeerEdits, PeerWish } from '../protocol/wgquick/peer-edits.ts';
import { wishesOfFile } from '../protocol/wgquick/peer-wishes.ts';
import type { Peer } from './device.ts';

/** What is known of an interface's peers. */
export interface KnownPeers {
  readonly document: Document;
  /** Public keys of those in the file. */
  readonly inFile: ReadonlySet<string>;
  /** Of the kernel, or kept for it. */
  readonly peers: readonly Peer[];
}

/**
 * The same change for file and kernel. A peer that only one of them has comes to the other one whole, and not with what the caller
 * happened to name alone: else its keys and addresses would be gone at the next down or up.
 */
export function wholeEdits(
  { set, removed }: PeerEdits,
  { document, inFile, peers }: KnownPeers,
): { readonly file: PeerEdits; readonly kernel: PeerEdits } {
  const inKernel = new Map(peers.map((peer) => [peer.publicKey, peer]));
  const forFile = set.map((wish) => {
    const peer = inKernel.get(wish.publicKey);
    return inFile.has(wish.publicKey) || peer === undefined ? wish : { ...wishOf(peer), ...wish };
  });
  const isForKernel = set.some(({ publicKey }) => inFile.has(publicKey) && !inKernel.has(publicKey));
  return {
    file: { set: forFile, removed },
    kernel: { set: isForKernel ? wholeOfFile(set, document, inKernel) : set, removed },
  };
}

/** Peers of the file that the kernel lacks, with all that the file says of them. */
function wholeOfFile(set: PeerEdits['set'], document: Document, inKernel: ReadonlyMap<string, Peer>): PeerWish[] {
  const inFile = new Map(wishesOfFile(document).map((wish) => [wish.publicKey, wish]));
  return set.map((wish) => {
    const known = inFile.get(wish.publicKey);
    return inKernel.has(wish.publicKey) || known === undefined ? wish : { ...known, ...wish };
  });
}

/** An endpoint without a handshake was not learnt, and may be of an older life. */
const wishOf = ({ publicKey, allowedIps, presharedKey, keepalive, endpoint, latestHandshake }: Peer): PeerWish => ({
  ...{ publicKey, allowedIps, keepalive },
  ...(presharedKey === null ? {} : { presharedKey }),
  ...(endpoint === null || latestHandshake === 0 ? {} : { endpoint }),
});
