import { parseCidr } from '../protocol/address.ts';
import { memoized } from '../protocol/memoized.ts';
import { parsePrivateKey } from '../protocol/interface-key.ts';
import { Secret } from '../protocol/secret.ts';
import type { Device, Peer } from './device.ts';

/** What wg(8) or the userspace socket tell of a device; addresses, MTU, link and routes come from elsewhere. */
export type Dump = Pick<Device, 'key' | 'listenPort' | 'fwMark' | 'peers'>;

const none = (text: string | undefined): string | null =>
  text === undefined || text === '(none)' || text === 'off' ? null : text;

/** Parses `wg show NAME dump` (wg(8)): tab-separated, the device's line first, then one line a peer. */
export function parseDump(text: string): Dump {
  const [device = '', ...peers] = text.split('\n').filter((line) => line !== '');
  const [privateKey, , port, mark] = device.split('\t');
  return {
    key: parsePrivateKey(none(privateKey) ?? '') ?? null,
    listenPort: Number(port ?? 0),
    fwMark: none(mark) === null ? null : Number(mark),
    peers: peers.map(parsePeer),
  };
}

/** The line of a peer, as wg(8) prints it. It is secret where the peer has a preshared key. */
export const dumpLineOf = memoized((peer: Peer): string =>
  [
    peer.publicKey,
    peer.presharedKey?.reveal() ?? '(none)',
    peer.endpoint ?? '(none)',
    peer.allowedIps.join() || '(none)',
    peer.latestHandshake,
    peer.rxBytes,
    peer.txBytes,
    peer.keepalive === 0 ? 'off' : peer.keepalive,
  ].join('\t'),
);

/** The peer of such a line. */
export function parsePeer(line: string): Peer {
  const [publicKey = '', psk, endpoint, allowedIps, handshake, rx, tx, keepalive] = line.split('\t');
  const preshared = none(psk);
  return {
    publicKey,
    presharedKey: preshared === null ? null : new Secret(preshared),
    endpoint: none(endpoint),
    allowedIps: (none(allowedIps) ?? '')
      .split(',')
      .filter(Boolean)
      .flatMap((ip) => parseCidr(ip) ?? []),
    latestHandshake: Number(handshake ?? 0),
    rxBytes: Number(rx ?? 0),
    txBytes: Number(tx ?? 0),
    keepalive: Number(none(keepalive) ?? 0),
  };
}
