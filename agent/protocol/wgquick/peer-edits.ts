import type { Cidr } from '../address.ts';
import type { Secret } from '../secret.ts';
import type { Line } from './document.ts';
import { joinPieces, networkIn, type Piece, pieceText, type Section, sectionsIn } from './sections.ts';
import { withoutSpace } from './white-space.ts';

/** What a caller wants of one peer; what is left out stays as it is. */
export interface PeerWish {
  readonly publicKey: string;
  /** All of them; empty = none. */
  readonly allowedIps?: readonly Cidr[];
  readonly presharedKey?: Secret;
  /** Seconds; 0 = off. */
  readonly keepalive?: number;
  /** `host:port` */
  readonly endpoint?: string;
}

/** A change of peers, which is the same when it is made twice. */
export interface PeerEdits {
  readonly set: readonly PeerWish[];
  /** Public keys. */
  readonly removed: readonly string[];
}

/** The text of a wg-quick file with other peers. Comments, order, letter case and what nobody knows stay as they are, byte for byte. */
export function withPeerEdits(text: string, { set, removed }: PeerEdits): string {
  const gone = new Set(removed);
  const sections = sectionsIn(text);
  const wishes = new Map(set.map((wish) => [wish.publicKey, wish]));
  const taken = new Map(set.flatMap(({ publicKey, allowedIps = [] }) => allowedIps.map((ip) => [ip, publicKey])));
  const eol = eolOf(sections);
  const lastOf = lastSections(sections, wishes);
  const pieces: Piece[] = [];
  for (const section of sections) {
    if (section.isPeer && gone.has(section.key)) {
      addToLast(pieces, textOf(afterRemoved(section.lines)));
      continue;
    }
    const wish = section.isPeer && lastOf.get(section.key) === section ? wishes.get(section.key) : undefined;
    const { lines } = section;
    const changed = wish === undefined ? withoutTaken(section, taken) : withWish(lines, wish, eol);
    pieces.push(changed === lines ? section : textOf(changed));
  }
  append(
    pieces,
    set.filter(({ publicKey }) => !lastOf.has(publicKey)),
    eol,
  );
  const isSame = pieces.length === sections.length && pieces.every((piece, index) => piece === sections[index]);
  return isSame ? text : joinPieces(pieces);
}

/** Of sections with one key wg takes the last. */
function lastSections(sections: readonly Section[], wishes: ReadonlyMap<string, PeerWish>): Map<string, Section> {
  const last = new Map<string, Section>();
  for (const section of sections) if (section.isPeer && wishes.has(section.key)) last.set(section.key, section);
  return last;
}

type Lines = readonly Line[];

const textOf = (lines: Lines): string => lines.map(({ raw, eol }) => raw + eol).join('');

function eolOf(sections: readonly Section[]): string {
  for (const { lines } of sections) {
    const line = lines.find(({ eol }) => eol !== '');
    if (line !== undefined) return line.eol;
  }
  return '\n';
}

/** What has no header of its own belongs to what stands before it. */
function addToLast(pieces: Piece[], text: string): void {
  if (text !== '') pieces.push(pieceText(pieces.pop() ?? '') + text);
}

/** What of a section stays when its peer goes: comments behind its last value, which belong to what comes next. */
function afterRemoved(section: Lines): Lines {
  const end = section.findLastIndex(({ key, header }) => key !== '' || header) + 1;
  const comment = section.findIndex(({ comment: text }, index) => index >= end && text !== '');
  return comment < 0 ? [] : section.slice(comment);
}

const FIELDS = [
  { key: 'presharedkey', name: 'PresharedKey', of: ({ presharedKey }: PeerWish) => presharedKey?.reveal() },
  { key: 'allowedips', name: 'AllowedIPs', of: ({ allowedIps }: PeerWish) => allowedIps?.join(', ') },
  { key: 'endpoint', name: 'Endpoint', of: ({ endpoint }: PeerWish) => endpoint },
  {
    key: 'persistentkeepalive',
    name: 'PersistentKeepalive',
    of: ({ keepalive }: PeerWish) => (keepalive === undefined ? undefined : keepalive === 0 ? '' : String(keepalive)),
  },
] as const;

function withWish(section: Lines, wish: PeerWish, eol: string): Lines {
  let lines = section;
  for (const { key, name, of } of FIELDS) {
    const value = of(wish);
    if (value !== undefined) lines = withValue(lines, { key, name, value, eol });
  }
  return lines;
}

interface Value {
  readonly key: string;
  readonly name: string;
  /** Empty = the field goes. */
  readonly value: string;
  readonly eol: string;
}

function withValue(section: Lines, { key, name, value, eol }: Value): Lines {
  const own = section.filter((line) => line.key === key);
  if (own.map((line) => line.value).join(',') === withoutSpace(value)) return section;
  const comments = own.map(({ comment }) => comment).filter((text) => text !== '');
  const fresh = [...comments, ...(value === '' ? [] : [`${name} = ${value}`])].map((raw) => plainLine(raw, eol));
  const [first] = own;
  const at =
    first === undefined ? section.findLastIndex((line) => line.key !== '' || line.header) + 1 : section.indexOf(first);
  const before = section.slice(0, at).map((line) => (line.eol === '' ? { ...line, eol } : line));
  return [...before, ...fresh, ...section.slice(at).filter((line) => line.key !== key)];
}

/** An address that another peer gets is no longer this one's, as in the kernel. */
function withoutTaken(section: Section, taken: ReadonlyMap<Cidr, string>): Lines {
  const { isPeer, key, lines } = section;
  const isTaken = (network: Cidr): boolean => (taken.get(network) ?? key) !== key;
  if (taken.size === 0 || !isPeer || !section.networks.some(isTaken)) return lines;
  return lines.flatMap((line): Line[] => {
    if (line.key !== 'allowedips') return [line];
    const all = line.value.split(',');
    const left = all.filter((text) => {
      const network = networkIn(text);
      return network === undefined || !isTaken(network);
    });
    if (left.length === all.length) return [line];
    const raw =
      left.length === 0
        ? line.comment
        : `AllowedIPs = ${left.join(', ')}${line.comment === '' ? '' : ` ${line.comment}`}`;
    return raw === '' ? [] : [plainLine(raw, line.eol)];
  });
}

/** A line whose text alone counts: what is made of it is read from the text again. */
const plainLine = (raw: string, eol: string): Line => ({
  ...{ raw, eol, section: 'peer', header: false },
  ...{ key: '', quickKey: '', value: '', text: '', comment: '' },
});

/** New peers come last, each after an empty line. */
function append(pieces: Piece[], wishes: readonly PeerWish[], eol: string): void {
  if (wishes.length === 0) return;
  const text = pieces.map(pieceText).findLast((piece) => piece !== '') ?? '';
  const ended = text === '' || text.endsWith('\n') ? text : text + eol;
  const isApart = ended === '' || /\n\r?\n$/.test(ended) || /^\r?\n$/.test(ended);
  addToLast(pieces, ended.slice(text.length) + (isApart ? '' : eol));
  const sections = wishes.map((wish) => {
    const values = FIELDS.map(({ name, of }) => [name, of(wish) ?? ''] as const).filter(([, value]) => value !== '');
    const lines = [['PublicKey', wish.publicKey] as const, ...values].map(
      ([name, value]) => `${name} = ${value}${eol}`,
    );
    return `[Peer]${eol}${lines.join('')}`;
  });
  pieces.push(...sections.map((section, index) => (index < sections.length - 1 ? section + eol : section)));
}
