import { parseCidr } from '../protocol/address.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { Secret } from '../protocol/secret.ts';
import type { Peer } from './device.ts';
import type { Dump } from './parse-dump.ts';

const ZERO_KEY = '0'.repeat(64);
const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const secretOf = (hex: string | undefined): Secret | null =>
  hex === undefined || hex === ZERO_KEY ? null : new Secret(toBase64(hex));

type Values = ReadonlyMap<string, readonly string[]>;
const first = (values: Values, key: string): string | undefined => values.get(key)?.[0];

/** Parses the answer to `get=1` on wireguard-go's socket (the cross-platform userspace protocol of wireguard.com/xplatform). */
export function parseUapi(text: string): Dump {
  const sections = [new Map<string, string[]>()];
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals);
    if (key === 'public_key') sections.push(new Map<string, string[]>());
    const section = sections.at(-1);
    const values = section?.get(key);
    // One peer may have tens of thousands of networks.
    if (values === undefined) section?.set(key, [line.slice(equals + 1)]);
    else values.push(line.slice(equals + 1));
  }
  const [device, ...peers] = sections;
  if (device === undefined) throw new Error('There is always a device section');
  const privateKey = secretOf(first(device, 'private_key'));
  const mark = Number(first(device, 'fwmark') ?? 0);
  return {
    key: privateKey === null ? null : InterfaceKey.fromPrivate(privateKey),
    listenPort: Number(first(device, 'listen_port') ?? 0),
    fwMark: mark === 0 ? null : mark,
    peers: peers.map(peerOf),
  };
}

const peerOf = (values: Values): Peer => ({
  publicKey: toBase64(first(values, 'public_key') ?? ''),
  presharedKey: secretOf(first(values, 'preshared_key')),
  endpoint: first(values, 'endpoint') ?? null,
  allowedIps: (values.get('allowed_ip') ?? []).flatMap((ip) => parseCidr(ip) ?? []),
  latestHandshake: Number(first(values, 'last_handshake_time_sec') ?? 0),
  rxBytes: Number(first(values, 'rx_bytes') ?? 0),
  txBytes: Number(first(values, 'tx_bytes') ?? 0),
  keepalive: Number(first(values, 'persistent_keepalive_interval') ?? 0),
});
