import { type Cidr, parseCidr } from '../protocol/address.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { Secret } from '../protocol/secret.ts';
import type { Peer } from './device.ts';
import type { Dump } from './parse-dump.ts';

const ZERO_KEY = '0'.repeat(64);
const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const secretOf = (hex: string): Secret | null => (hex === ZERO_KEY ? null : new Secret(toBase64(hex)));

type Growing<T> = { -readonly [K in keyof T]: T[K] };
interface GrowingPeer extends Growing<Omit<Peer, 'allowedIps'>> {
  readonly allowedIps: Cidr[];
}

const newPeer = (hex: string): GrowingPeer => ({
  publicKey: toBase64(hex),
  presharedKey: null,
  endpoint: null,
  allowedIps: [],
  latestHandshake: 0,
  rxBytes: 0,
  txBytes: 0,
  keepalive: 0,
});

/** What a line of the answer says of the device: every read of thousands of peers goes through these tables, a line at a time. */
const DEVICE_KEYS: Readonly<Record<string, (dump: Growing<Dump>, value: string) => void>> = {
  private_key: (dump, value) => {
    const privateKey = secretOf(value);
    dump.key = privateKey === null ? null : InterfaceKey.fromPrivate(privateKey);
  },
  listen_port: (dump, value) => {
    dump.listenPort = Number(value);
  },
  fwmark: (dump, value) => {
    dump.fwMark = value === '0' ? null : Number(value);
  },
};

/** What it says of the last peer. */
const PEER_KEYS: Readonly<Record<string, (peer: GrowingPeer, value: string) => void>> = {
  preshared_key: (peer, value) => {
    peer.presharedKey = secretOf(value);
  },
  endpoint: (peer, value) => {
    peer.endpoint = value;
  },
  allowed_ip: (peer, value) => {
    const network = parseCidr(value);
    if (network !== undefined) peer.allowedIps.push(network);
  },
  last_handshake_time_sec: (peer, value) => {
    peer.latestHandshake = Number(value);
  },
  rx_bytes: (peer, value) => {
    peer.rxBytes = Number(value);
  },
  tx_bytes: (peer, value) => {
    peer.txBytes = Number(value);
  },
  persistent_keepalive_interval: (peer, value) => {
    peer.keepalive = Number(value);
  },
};

/** Parses the answer to `get=1` on wireguard-go's socket (the cross-platform userspace protocol of wireguard.com/xplatform). */
export function parseUapi(text: string): Dump {
  const peers: GrowingPeer[] = [];
  const dump: Growing<Dump> = { key: null, listenPort: 0, fwMark: null, peers };
  let peer: GrowingPeer | undefined;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    const equals = text.indexOf('=', start);
    if (equals >= 0 && equals < end) {
      const key = text.slice(start, equals);
      const value = text.slice(equals + 1, end);
      if (key === 'public_key') peers.push((peer = newPeer(value)));
      else if (peer === undefined) DEVICE_KEYS[key]?.(dump, value);
      else PEER_KEYS[key]?.(peer, value);
    }
    start = end + 1;
  }
  return dump;
}
