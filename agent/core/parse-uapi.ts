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

/** Calls back with each `key=value` line. */
function eachLine(text: string, take: (key: string, value: string) => void): void {
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    const equals = text.indexOf('=', start);
    if (equals >= 0 && equals < end) take(text.slice(start, equals), text.slice(equals + 1, end));
    start = end + 1;
  }
}

/** `block`: the lines of one peer, the first being the value of its key alone. */
function parsePeer(block: string): Peer {
  // A copy: a piece of the answer would keep all of it in memory for as long as the peer is known.
  const own = Buffer.from(block, 'latin1').toString('latin1');
  const feed = own.indexOf('\n');
  const peer = newPeer(feed < 0 ? own : own.slice(0, feed));
  eachLine(feed < 0 ? '' : own.slice(feed + 1), (key, value) => PEER_KEYS[key]?.(peer, value));
  return peer;
}

/**
 * Parses the answers to `get=1` on the socket of one wireguard-go (the cross-platform userspace protocol of wireguard.com/xplatform).
 * A peer of which the last answer told the same is the same object: as good as always that is nearly all of thousands.
 */
export class UapiParser {
  /** By the key in hex. */
  readonly #known = new Map<string, KnownPeer>();
  #reads = 0;

  parse(text: string): Dump {
    const [head = '', ...blocks] = `\n${text}`.split('\npublic_key=');
    this.#reads += 1;
    const peers = blocks.map((block) => this.#peer(block));
    if (this.#known.size > peers.length)
      for (const [hex, { read }] of this.#known) if (read < this.#reads) this.#known.delete(hex);
    const dump: Growing<Dump> = { key: null, listenPort: 0, fwMark: null, peers };
    eachLine(head, (key, value) => DEVICE_KEYS[key]?.(dump, value));
    return dump;
  }

  #peer(block: string): Peer {
    const hex = block.slice(0, HEX_LENGTH);
    const known = this.#known.get(hex);
    if (known?.block !== block) {
      const peer = parsePeer(block);
      // A copy: a piece of the answer would keep all of it for as long as the peer is known, keys and all.
      this.#known.set(Buffer.from(hex, 'latin1').toString('latin1'), { block, peer, read: this.#reads });
      return peer;
    }
    // The piece of this answer in the place of the former one's, which nothing keeps any more.
    known.block = block;
    known.read = this.#reads;
    return known.peer;
  }
}

const HEX_LENGTH = 64;

interface KnownPeer {
  /** What the last answer told of it. */
  block: string;
  readonly peer: Peer;
  /** The number of that answer. */
  read: number;
}
