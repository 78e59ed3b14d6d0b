import { networkOf, parseCidr, type Cidr } from '../address.ts';
import type { Secret } from '../secret.ts';
import { type Line, parseDocument } from './document.ts';
import { trimSpace, withoutSpace } from './white-space.ts';

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

/** A header with the lines up to the next one; the first section has none. */
type Section = readonly Line[];

const isPeer = ([first]: Section): boolean => first?.header === true && first.section === 'peer';
const keyOf = (section: Section): string => section.findLast(({ key }) => key === 'publickey')?.value ?? '';

/** The text of a wg-quick file with other peers. Comments, order, letter case and what nobody knows stay as they are, byte for byte. */
export function withPeerEdits(text: string, { set, removed }: PeerEdits): string {
  const gone = new Set(removed);
  const sections = sectionsOf(parseDocument(text)).flatMap((section): Section[] =>
    isPeer(section) && gone.has(keyOf(section)) ? [afterRemoved(section)] : [section],
  );
  const wishes = new Map(set.map((wish) => [wish.publicKey, wish]));
  const taken = new Map(set.flatMap(({ publicKey, allowedIps = [] }) => allowedIps.map((ip) => [ip, publicKey])));
  const eol = sections.flat().find((line) => line.eol !== '')?.eol ?? '\n';
  // Of sections with one key wg takes the last.
  const lastOf = new Map(sections.map((section, index) => [isPeer(section) ? keyOf(section) : '', index]));
  const changed = sections.map((section, index): Section => {
    if (!isPeer(section)) return section;
    const key = keyOf(section);
    const wish = lastOf.get(key) === index ? wishes.get(key) : undefined;
    return wish === undefined ? withoutTaken(section, taken) : withWish(section, wish, eol);
  });
  const known = new Set(sections.filter(isPeer).map(keyOf));
  const fresh = set.filter(({ publicKey }) => !known.has(publicKey));
  return appended(
    changed
      .flat()
      .map(({ raw, eol: end }) => raw + end)
      .join(''),
    fresh,
    eol,
  );
}

function sectionsOf(lines: readonly Line[]): Section[] {
  const sections: Line[][] = [[]];
  for (const line of lines) {
    if (line.header) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

/** What of a section stays when its peer goes: comments behind its last value, which belong to what comes next. */
function afterRemoved(section: Section): Section {
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

function withWish(section: Section, wish: PeerWish, eol: string): Section {
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

function withValue(section: Section, { key, name, value, eol }: Value): Section {
  const own = section.filter((line) => line.key === key);
  if (own.map((line) => line.value).join(', ') === value) return section;
  const comments = own.map(({ comment }) => comment).filter((text) => text !== '');
  const fresh = [...comments, ...(value === '' ? [] : [`${name} = ${value}`])].map((raw) => plainLine(raw, eol));
  const [first] = own;
  const at =
    first === undefined ? section.findLastIndex((line) => line.key !== '' || line.header) + 1 : section.indexOf(first);
  const before = section.slice(0, at).map((line) => (line.eol === '' ? { ...line, eol } : line));
  return [...before, ...fresh, ...section.slice(at).filter((line) => line.key !== key)];
}

/** An address that another peer gets is no longer this one's, as in the kernel. */
function withoutTaken(section: Section, taken: ReadonlyMap<Cidr, string>): Section {
  if (taken.size === 0) return section;
  const key = keyOf(section);
  return section.flatMap((line): Line[] => {
    if (line.key !== 'allowedips') return [line];
    const all = line.value.split(',').map(trimSpace);
    const left = all.filter((text) => {
      const network = parseCidr(withoutSpace(text).replace(/^[+-]/, ''));
      const owner = network === undefined ? undefined : taken.get(networkOf(network));
      return owner === undefined || owner === key;
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

function appended(text: string, wishes: readonly PeerWish[], eol: string): string {
  if (wishes.length === 0) return text;
  const ended = text === '' || text.endsWith('\n') ? text : text + eol;
  const gap = ended === '' || /\n\r?\n$/.test(ended) ? '' : eol;
  const sections = wishes.map((wish) => {
    const values = FIELDS.map(({ name, of }) => [name, of(wish) ?? ''] as const).filter(([, value]) => value !== '');
    const lines = [['PublicKey', wish.publicKey] as const, ...values].map(
      ([name, value]) => `${name} = ${value}${eol}`,
    );
    return `[Peer]${eol}${lines.join('')}`;
  });
  return ended + gap + sections.join(eol);
}
