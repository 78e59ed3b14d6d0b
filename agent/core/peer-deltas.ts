import { type Cidr, networkOf } from '../protocol/address.ts';
import type { PeerEdits, PeerWish } from '../protocol/wgquick/peer-edits.ts';
import type { Device, Peer } from './device.ts';

/** What a change of peers does to a device. */
export interface PeerDeltas {
  /** Whole peers, as they shall be; an endpoint of null stays as it is. */
  readonly set: readonly Peer[];
  readonly removed: readonly string[];
}

/** What leads to the wish, and what leads back. */
export interface PeerChangePlan {
  readonly forth: PeerDeltas;
  readonly back: PeerDeltas;
}

/** An address of the kernel's own notation; names are resolved later. */
const isAddress = (endpoint: string): boolean => /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.]+\]):\d+$/.test(endpoint);

/** What has to be done on a device so that its peers are as wished; those that nothing changes of are left out. */
export function peerDeltas({ peers }: Pick<Device, 'peers'>, { set, removed }: PeerEdits): PeerChangePlan {
  const present = new Map(peers.map((peer) => [peer.publicKey, peer]));
  const wished = set.flatMap((wish) => {
    const before = present.get(wish.publicKey);
    const after = wishedPeer(before, wish);
    return before !== undefined && isSame(before, after, wish) ? [] : [after];
  });
  const gone = removed.filter((key) => present.has(key));
  const taken = new Set(wished.flatMap(({ allowedIps }) => allowedIps));
  const touched = new Set([...wished.map(({ publicKey }) => publicKey), ...gone]);
  // Who loses an address to another peer gets it back, too.
  const back = peers.filter(
    ({ publicKey, allowedIps }) => touched.has(publicKey) || allowedIps.some((ip) => taken.has(ip)),
  );
  const made = wished.map(({ publicKey }) => publicKey).filter((key) => !present.has(key));
  return { forth: { set: wished, removed: gone }, back: { set: back, removed: made } };
}

function wishedPeer(before: Peer | undefined, wish: PeerWish): Peer {
  const { publicKey, allowedIps, presharedKey, keepalive, endpoint } = wish;
  return {
    publicKey,
    presharedKey: presharedKey ?? before?.presharedKey ?? null,
    endpoint: endpoint !== undefined && isAddress(endpoint) ? endpoint : null,
    allowedIps: allowedIps ?? before?.allowedIps ?? [],
    keepalive: keepalive ?? before?.keepalive ?? 0,
    ...{ latestHandshake: 0, rxBytes: 0, txBytes: 0 },
  };
}

const sorted = (ips: readonly Cidr[]): string => ips.map(networkOf).sort().join();

const isSame = (before: Peer, after: Peer, { endpoint }: PeerWish): boolean =>
  before.keepalive === after.keepalive &&
  before.presharedKey?.reveal() === after.presharedKey?.reveal() &&
  sorted(before.allowedIps) === sorted(after.allowedIps) &&
  (endpoint === undefined || before.endpoint === endpoint);
