import { canonicalIp, type Cidr, networkOf, parseCidr } from '../address.ts';
import { isKey, isPrivateKey } from '../key.ts';
import { Secret } from '../secret.ts';
import type { Document, Line } from './document.ts';
import type { PeerWish } from './peer-edits.ts';
import { trimSpace, withoutSpace } from './white-space.ts';

/** What a text for `wg setconf` says of peers; `problem`: what wg would not take, with its line; null = nothing. */
export interface PeerWishes {
  readonly wishes: readonly PeerWish[];
  readonly problem: string | null;
}

const INTERFACE_KEYS = new Set(['privatekey', 'listenport', 'fwmark']);
const QUICK_KEYS = new Set(['address', 'dns', 'mtu', 'table', 'preup', 'postup', 'predown', 'postdown', 'saveconfig']);
const MAX_KEEPALIVE = 65_535;

/** The peers of a text as whole wishes: what a section leaves out is none, but for the preshared key and the endpoint, which stay. */
export function peerWishes(document: Document): PeerWishes {
  for (const [index, line] of document.entries()) {
    const problem = problemOf(line);
    if (problem !== null) return { wishes: [], problem: `line ${String(index + 1)}: ${problem}` };
  }
  const wishes: PeerWish[] = [];
  for (const section of peerSectionsOf(document)) {
    const wish = wishOf(section);
    if (typeof wish === 'string') return { wishes: [], problem: wish };
    wishes.push(wish);
  }
  return { wishes: merged(wishes), problem: null };
}

/** The peers of a file; sections that wg would not take are left out. */
export const wishesOfFile = (document: Document): PeerWish[] =>
  merged(
    peerSectionsOf(document).flatMap((section) => {
      const wish = wishOf(section);
      return typeof wish === 'string' ? [] : [wish];
    }),
  );

function peerSectionsOf(document: Document): Line[][] {
  const sections: Line[][] = [];
  for (const line of document) {
    if (line.section !== 'peer') continue;
    if (line.header) sections.push([]);
    else if (line.key !== '') sections.at(-1)?.push(line);
  }
  return sections;
}

/** As wg has it: of sections with one key the last counts, and a network is the last one's that names it. */
function merged(wishes: readonly PeerWish[]): PeerWish[] {
  const byKey = new Map<string, PeerWish>();
  for (const wish of wishes) {
    // In the order of its last section.
    const known = byKey.get(wish.publicKey);
    byKey.delete(wish.publicKey);
    byKey.set(wish.publicKey, { ...known, ...wish });
  }
  const owner = new Map(
    [...byKey.values()].flatMap(({ publicKey, allowedIps = [] }) => allowedIps.map((ip) => [ip, publicKey])),
  );
  return [...byKey.values()].map((wish) => ({
    ...wish,
    allowedIps: [...new Set((wish.allowedIps ?? []).filter((ip) => owner.get(ip) === wish.publicKey))],
  }));
}

/** As wg says it of what it does not know; never what stands there, which may be a key whose `=` is missing. */
function problemOf({ section, header, key, raw, comment }: Line): string | null {
  const code = trimSpace(raw.slice(0, raw.length - comment.length));
  if (code === '') return null;
  if (header)
    return section === 'interface' || section === 'peer' ? null : 'Line unrecognized: a section that wg has not';
  if (key === '') return 'Line unrecognized: it is neither a section nor a value';
  if (section === 'interface')
    return INTERFACE_KEYS.has(key) ? null : `Line unrecognized${QUICK_KEYS.has(key) ? `: ${key} is of wg-quick` : ''}`;
  if (section === 'peer') return Object.hasOwn(PARSERS, key) ? null : 'Line unrecognized in a peer';
  return 'Line unrecognized: it stands in no section';
}

type Parsed = Partial<PeerWish> | null;

/** Null = no such value. */
const PARSERS: Readonly<Record<string, (value: string) => Parsed>> = {
  publickey: (value) => (isKey(value) ? { publicKey: value } : null),
  presharedkey: (value) => (isPrivateKey(value) ? { presharedKey: new Secret(value) } : null),
  endpoint: (value) => (isEndpoint(value) ? { endpoint: value } : null),
  persistentkeepalive: (value) => keepaliveOf(value),
  allowedips: (value) => allowedIpsIn(value),
};

/** `address:port`, `[IPv6]:port` or `name:port`. */
function isEndpoint(value: string): boolean {
  const [, six, host = '', port = ''] = /^(?:\[([^\]]+)\]|([^\s:[\]]+)):([0-9]{1,5})$/.exec(value) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isPort && (six === undefined ? host !== '' : canonicalIp(six) !== undefined && six.includes(':'));
}

function keepaliveOf(value: string): Parsed {
  if (value.toLowerCase() === 'off') return { keepalive: 0 };
  const keepalive = /^[0-9]{1,5}$/.test(value) ? Number(value) : MAX_KEEPALIVE + 1;
  return keepalive <= MAX_KEEPALIVE ? { keepalive } : null;
}

function allowedIpsIn(value: string): Parsed {
  const texts = withoutSpace(value)
    .split(',')
    .filter((text) => text !== '');
  const networks = texts.map((text) => parseCidr(text));
  return networks.includes(undefined) ? null : { allowedIps: (networks as Cidr[]).map(networkOf) };
}

/** A text = what is wrong. */
function wishOf(section: readonly Line[]): PeerWish | string {
  let wish: Partial<PeerWish> = { allowedIps: [], keepalive: 0 };
  for (const { key, value } of section) {
    const parsed = PARSERS[key]?.(value) ?? null;
    // Never the value itself: it may be a key.
    if (parsed === null) return `the value of ${key} of a peer is none that wg takes`;
    const { allowedIps = [] } = parsed;
    wish = { ...wish, ...parsed, allowedIps: [...(wish.allowedIps ?? []), ...allowedIps] };
  }
  const { publicKey } = wish;
  return publicKey === undefined ? 'a peer has no PublicKey' : { ...wish, publicKey };
}
