import { type Cidr, networkOf, parseCidr } from '../address.ts';
import { isKey } from '../key.ts';
import { Secret } from '../secret.ts';
import type { Document, Line } from './document.ts';
import type { PeerWish } from './peer-edits.ts';
import { withoutSpace } from './white-space.ts';

/** What a text for `wg setconf` says of peers; `problem`: what wg would not take, with its line; null = nothing. */
export interface PeerWishes {
  readonly wishes: readonly PeerWish[];
  readonly problem: string | null;
}

const INTERFACE_KEYS = new Set(['privatekey', 'listenport', 'fwmark']);
const MAX_KEEPALIVE = 65_535;

/** The peers of a text as whole wishes: what a section leaves out is none, but for the preshared key and the endpoint, which stay. */
export function peerWishes(document: Document): PeerWishes {
  const sections: Line[][] = [];
  for (const [index, line] of document.entries()) {
    const problem = problemOf(line);
    if (problem !== null) return { wishes: [], problem: `line ${String(index + 1)}: ${problem}` };
    if (line.section !== 'peer') continue;
    if (line.header) sections.push([]);
    else if (line.key !== '') sections.at(-1)?.push(line);
  }
  const wishes: PeerWish[] = [];
  for (const section of sections) {
    const wish = wishOf(section);
    if (typeof wish === 'string') return { wishes: [], problem: wish };
    wishes.push(wish);
  }
  return { wishes, problem: null };
}

/** As wg says it of what it does not know: the old agent passed that on. */
function problemOf({ section, header, key, raw }: Line): string | null {
  if (section === 'none' && key !== '') return 'Line unrecognized: it stands in no section';
  if (header) return section === 'other' ? `Line unrecognized: \`${raw.trim().slice(0, 32)}\`` : null;
  if (section === 'interface' && key !== '' && !INTERFACE_KEYS.has(key)) return `Line unrecognized: \`${key}\``;
  if (section === 'peer' && key !== '' && !Object.hasOwn(PARSERS, key)) return `Line unrecognized: \`${key}\``;
  return null;
}

type Parsed = Partial<PeerWish> | null;

/** Null = no such value. */
const PARSERS: Readonly<Record<string, (value: string) => Parsed>> = {
  publickey: (value) => (isKey(value) ? { publicKey: value } : null),
  presharedkey: (value) => (isKey(value) ? { presharedKey: new Secret(value) } : null),
  endpoint: (value) => (/^(\[[0-9a-fA-F:.%a-z]+\]|[^\s:[\]]+):[0-9]{1,5}$/.test(value) ? { endpoint: value } : null),
  persistentkeepalive: (value) => keepaliveOf(value),
  allowedips: (value) => allowedIpsIn(value),
};

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
