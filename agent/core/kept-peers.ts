import { type Document, parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import type { PeerWish } from '../protocol/wgquick/peer-edits.ts';
import { wishesOfFile } from '../protocol/wgquick/peer-wishes.ts';
import { joinPieces, type Section, sectionsIn } from '../protocol/wgquick/sections.ts';
import type { Peer } from './device.ts';

/** The file as it is, and the text that the device was brought up from; null = not known, and all that the kernel has is its own. */
export interface PeerSources {
  readonly file: Document;
  readonly running: Document | null;
}

/**
 * Peers of a device as they shall outlive it. One that the device came up with and that the file has no more was taken out on purpose,
 * and is left out; one that neither has was added by hand, and stays. A value that is as the device came up with gives way to that of
 * the file; one that somebody set by hand stays, and so does an endpoint that was learnt.
 */
export function peersToKeep(peers: readonly Peer[], { file, running }: PeerSources): readonly Peer[] {
  // The same object for every version of a file with the same peers, of which there may be thousands.
  if (running === null || peerKeys(running) === peerKeys(file)) return peers;
  const [inFile, cameUp] = [new Set(peerKeys(file)), new Set(peerKeys(running))];
  const [wanted, had] = [wishesByKey(file), wishesByKey(running)];
  return peers
    .filter(({ publicKey }) => inFile.has(publicKey) || !cameUp.has(publicKey))
    .map((peer) => {
      const [now, then] = [wanted.get(peer.publicKey), had.get(peer.publicKey)];
      return now === undefined || then === undefined ? peer : asInFile(peer, now, then);
    });
}

function asInFile(peer: Peer, now: PeerWish, then: PeerWish): Peer {
  const presharedKey = isKeyOf(peer, then) ? (now.presharedKey ?? null) : peer.presharedKey;
  const allowedIps = hasNetworksOf(peer, then) ? (now.allowedIps ?? []) : peer.allowedIps;
  const keepalive = peer.keepalive === then.keepalive ? (now.keepalive ?? 0) : peer.keepalive;
  // Of no endpoint that of the file stays.
  const isMoved = peer.endpoint === then.endpoint && now.endpoint !== then.endpoint;
  return { ...peer, presharedKey, allowedIps, keepalive, endpoint: isMoved ? null : peer.endpoint };
}

const wishesByKey = (document: Document): ReadonlyMap<string, PeerWish> =>
  new Map(wishesOfFile(document).map((wish) => [wish.publicKey, wish]));

const isKeyOf = ({ presharedKey }: Peer, wish: PeerWish): boolean =>
  presharedKey?.reveal() === wish.presharedKey?.reveal();

const hasNetworksOf = ({ allowedIps }: Peer, wish: PeerWish): boolean =>
  [...allowedIps].sort().join() === [...(wish.allowedIps ?? [])].sort().join();

const isAsIn = (peer: Peer, wish: PeerWish | undefined): boolean =>
  wish !== undefined && isKeyOf(peer, wish) && hasNetworksOf(peer, wish) && peer.keepalive === wish.keepalive;

/**
 * `text` as that which a device runs with from now on: peers that the device still has otherwise than the text says, or that the text
 * has no more, stay as in `running`, so that a later restart knows what was taken out of the file.
 */
export function withRunningPeers(text: string, running: string | null, peers: readonly Peer[]): string {
  const file = parseDocument(text);
  if (running === null || peerKeys(parseDocument(running)) === peerKeys(file)) return text;
  const wanted = wishesByKey(file);
  const differing = new Set(
    peers.filter((peer) => !isAsIn(peer, wanted.get(peer.publicKey))).map((peer) => peer.publicKey),
  );
  const older = sectionsIn(running).filter(({ isPeer, key }) => isPeer && differing.has(key));
  if (older.length === 0) return text;
  const replaced = new Set(older.map(({ key }) => key));
  const isKept = ({ isPeer, key }: Section): boolean => !isPeer || !replaced.has(key);
  const kept = sectionsIn(text).filter(isKept).map(endedText);
  return joinPieces([...kept, ...older.map(endedText)]);
}

/** What comes behind it begins a line of its own. */
const endedText = ({ text }: Section): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
