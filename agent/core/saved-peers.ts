import { Secret } from '../protocol/secret.ts';
import { peerKeys } from '../protocol/wgquick/document.ts';
import type { PeerEdits, PeerWish } from '../protocol/wgquick/peer-edits.ts';
import { wishesOfFile } from '../protocol/wgquick/peer-wishes.ts';
import { NO_PRESHARED_KEY } from './carry-over.ts';
import type { Peer } from './device.ts';
import { type PeerSources, peersToKeep } from './kept-peers.ts';

/**
 * What `SaveConfig = true` makes of the peers of a file when the interface goes down (wg-quick(8)): those of the kernel, with what
 * somebody set by hand. What was edited in the file since the device came up counts, as everywhere: a peer that was taken out of it, or
 * written into it, stays so. Endpoints of peers that the file has stay: a name would give way to an address.
 */
export function editsToSave(peers: readonly Peer[], sources: PeerSources): PeerEdits {
  const { file, running } = sources;
  const [inFile, inKernel] = [new Set(peerKeys(file)), new Set(peers.map(({ publicKey }) => publicKey))];
  const cameUp = running === null ? inFile : new Set(peerKeys(running));
  const wishes = new Map(wishesOfFile(file).map((wish) => [wish.publicKey, wish]));
  return {
    set: peersToKeep(peers, sources).flatMap((peer) => {
      const known = wishes.get(peer.publicKey);
      if (known !== undefined) return changeOf(peer, known);
      // A section that wg would not take is left as it stands.
      return inFile.has(peer.publicKey) ? [] : [wholeWish(peer)];
    }),
    removed: [...inFile].filter((key) => cameUp.has(key) && !inKernel.has(key)),
  };
}

function changeOf({ publicKey, presharedKey, allowedIps, keepalive }: Peer, known: PeerWish): PeerWish[] {
  const change = {
    ...(keepalive === (known.keepalive ?? 0) ? {} : { keepalive }),
    ...(isSameSet(allowedIps, known.allowedIps ?? []) ? {} : { allowedIps }),
    ...(presharedKey?.reveal() === known.presharedKey?.reveal()
      ? {}
      : { presharedKey: presharedKey ?? new Secret(NO_PRESHARED_KEY) }),
  };
  return Object.keys(change).length === 0 ? [] : [{ publicKey, ...change }];
}

const wholeWish = ({ publicKey, presharedKey, allowedIps, endpoint, keepalive }: Peer): PeerWish => ({
  ...{ publicKey, allowedIps, keepalive },
  ...(presharedKey === null ? {} : { presharedKey }),
  ...(endpoint === null ? {} : { endpoint }),
});

const isSameSet = (left: readonly string[], right: readonly string[]): boolean =>
  [...left].sort().join() === [...right].sort().join();
