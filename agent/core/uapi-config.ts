import { networkOf, parseCidr } from '../protocol/address.ts';
import type { Dump } from './parse-dump.ts';
import { UapiParser } from './parse-uapi.ts';
import { parsePrivateKey } from '../protocol/interface-key.ts';
import { isKey } from '../protocol/key.ts';
import type { Document, Line } from '../protocol/wgquick/document.ts';
import { withoutSpace } from '../protocol/wgquick/white-space.ts';

/**
 * The lines by which wireguard-go (wireguard.com/xplatform) takes what `wg setconf` would make of a text: everything that it does not
 * name is cleared. Null = a line that is not surely taken as wg takes it: wg itself shall judge.
 */
export function uapiConfig(document: Document): string[] | null {
  const device = new Map([
    ['private_key', '0'.repeat(64)],
    ['listen_port', '0'],
    ['fwmark', '0'],
  ]);
  const peers: (Peer | null)[] = [];
  for (const line of document) {
    if (line.section === 'peer' && line.header) peers.push({ publicKey: null, lines: [], allowedIps: [] });
    if (line.header || withoutSpace(line.raw.split('#', 1)[0] ?? '') === '') {
      if (line.header && line.section !== 'peer' && line.section !== 'interface') return null;
      continue;
    }
    const taken = line.section === 'interface' ? takeOwn(device, line) : takePeer(peers.at(-1) ?? null, line);
    if (!taken) return null;
  }
  const sections = peers.map((peer) => (peer === null ? null : peerLines(peer)));
  if (sections.includes(null)) return null;
  return [
    ...[...device].map(([key, value]) => `${key}=${value}`),
    'replace_peers=true',
    ...sections.flatMap((own) => own ?? []),
  ];
}

/**
 * What a device has after it took these lines; null = it is not surely that, and has to be asked: a later section of a peer takes the
 * networks of an earlier one away, and a peer with the key of the device is none.
 */
export function dumpAfter(lines: readonly string[]): Dump | null {
  const dump = new UapiParser().parse(lines.join('\n'));
  const keys = dump.peers.map(({ publicKey }) => publicKey);
  if (new Set(keys).size < keys.length || keys.includes(dump.key?.publicKey ?? '')) return null;
  return { ...dump, peers: dump.peers.map((peer) => ({ ...peer, allowedIps: peer.allowedIps.map(networkOf) })) };
}

interface Peer {
  publicKey: string | null;
  readonly lines: string[];
  readonly allowedIps: string[];
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
const isPort = (text: string): boolean => /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535;

function takeOwn(device: Map<string, string>, line: Line): boolean {
  const { value } = line;
  switch (line.key) {
    case 'privatekey':
      if (parsePrivateKey(value) === undefined) return false;
      device.set('private_key', hexOf(value));
      return true;
    case 'listenport':
      if (!isPort(value)) return false;
      device.set('listen_port', String(Number(value)));
      return true;
    case 'fwmark':
      if (!/^(off|0x[0-9a-f]{1,8}|[0-9]{1,9})$/.test(value)) return false;
      device.set('fwmark', value === 'off' ? '0' : String(Number(value.replace(/^0+(?=[0-9])/, ''))));
      return true;
    default:
      return false;
  }
}

function takePeer(peer: Peer | null, line: Line): boolean {
  const { value } = line;
  switch (peer === null ? '' : line.key) {
    case 'publickey':
      if (!isKey(value) || peer?.publicKey !== null) return false;
      peer.publicKey = hexOf(value);
      return true;
    case 'presharedkey':
      if (!isKey(value)) return false;
      peer?.lines.push(`preshared_key=${hexOf(value)}`);
      return true;
    case 'endpoint':
      if (!isAddressAndPort(value)) return false;
      peer?.lines.push(`endpoint=${value}`);
      return true;
    case 'persistentkeepalive':
      if (value !== 'off' && !isPort(value)) return false;
      peer?.lines.push(`persistent_keepalive_interval=${value === 'off' ? '0' : String(Number(value))}`);
      return true;
    case 'allowedips': {
      const networks = value.split(',').map((text) => parseCidr(text));
      if (networks.includes(undefined)) return false;
      peer?.allowedIps.push(...networks.map((network) => `allowed_ip=${network ?? ''}`));
      return true;
    }
    default:
      return false;
  }
}

/** `198.51.100.7:51820` or `[2001:db8::1]:51820`; no zone, no name, no name of a service. */
function isAddressAndPort(text: string): boolean {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]+)$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  return (
    parseCidr(host) !== undefined &&
    (bracketed !== undefined) === host.includes(':') &&
    isPort(port) &&
    Number(port) > 0
  );
}

const peerLines = ({ publicKey, lines, allowedIps }: Peer): string[] | null =>
  publicKey === null ? null : [`public_key=${publicKey}`, 'replace_allowed_ips=true', ...lines, ...allowedIps];
