import { LRUCache } from 'lru-cache';
import { type Cidr, networkOf, parseCidr } from '../address.ts';
import { memoized } from '../memoized.ts';
import { withIntentLines, withoutIntentLines } from '../firewall/hook-lines.ts';
import { configFrom, type InterfaceConfig } from './config.ts';
import { trimSpace, withoutSpace } from './white-space.ts';
import { FIELD_NAMES, FIREWALL_KEY, type FieldName, fieldOf } from './fields.ts';

/** One line of a wg-quick file, with everything that is needed to write it back byte for byte. */
export interface Line {
  readonly raw: string;
  /** `\n`, `\r\n`, or empty at the end of a file without a final newline. */
  readonly eol: string;
  readonly section: 'none' | 'interface' | 'peer' | 'other';
  readonly header: boolean;
  /** Lower case, without white space: wg(8) ignores both. Empty when the line is no `key = value`. */
  readonly key: string;
  /** Lower case and trimmed: to wg-quick(8) `Post Up` is no key of its own. */
  readonly quickKey: string;
  /** Text after `=` up to a comment, trimmed; for a key of wg(8) without any white space, as it takes all of that out of a line. */
  readonly value: string;
  /** Trimmed text after `=` to the end of the line, as hooks are read. */
  readonly text: string;
  /** From `#` to the end of the line, or empty. */
  readonly comment: string;
}

/** The lines of a wg-quick file: `documentText(parseDocument(text)) === text`, always. */
export type Document = readonly Line[];

/** Those of the interface part that wg-quick(8) hands on to wg(8), in lower case. */
export const WG_KEYS: ReadonlySet<string> = new Set(
  FIELD_NAMES.map(fieldOf)
    .filter(({ owner }) => owner === 'wg')
    .map(({ key }) => key.toLowerCase()),
);

/** What this agent keeps in a comment. */
const OWN_KEY = new RegExp(`^\\s*(${FIREWALL_KEY})\\s*=\\s*(.*?)\\s*$`);

const compact = (text: string): string => withoutSpace(text).toLowerCase();

const sectionOf = (name: string): Line['section'] => {
  if (name === '[interface]') return 'interface';
  return name === '[peer]' ? 'peer' : 'other';
};

/** What was parsed of the last texts, which are asked for again and again: a file is parsed once a version. */
const remembered = (): LRUCache<string, Document> =>
  new LRUCache({ max: 64, maxSize: 8_000_000, sizeCalculation: (_lines, text) => text.length + 1 });
const known = remembered();
/** Of peers: a change of the interface part leaves them as they are, and there may be thousands. */
const knownTails = remembered();

/** Forgets what was parsed before. */
export const forgetDocuments = (): void => {
  known.clear();
  knownTails.clear();
};

/** The lines up to the first [Peer], and the rest, which is the same object in every version of a file with these peers. */
export interface Parts {
  readonly head: Document;
  readonly tail: Document;
}

const NO_LINES: Document = [];
const parts = new WeakMap<Document, Parts>();

/** All lines are in the head where a document was not parsed from a text. */
export const partsOf = (document: Document): Parts => parts.get(document) ?? { head: document, tail: NO_LINES };

/** Parses what wg-quick(8) and wg(8) accept, in any letter case; what neither knows is kept as it is. Never fails. */
export function parseDocument(text: string): Document {
  const parsed = known.get(text) ?? parse(text);
  known.set(text, parsed);
  return parsed;
}

/** As `parseDocument`, and nothing of the text is kept: for those who only look at other hosts' files. */
export const parseUnshared = (text: string): Document => parseLines(text);

/** Takes `document` for what parsing `text` gives: who made the text of parsed pieces need not have it parsed again. */
export function rememberDocument(text: string, document: Document): void {
  if (known.has(text)) return;
  const at = document.findIndex(({ header, raw }) => header && PEER_HEADER.test(raw));
  const [head, tail] = at < 0 ? [document, NO_LINES] : [document.slice(0, at), document.slice(at)];
  parts.set(document, { head, tail });
  known.set(text, document);
}

const PEER_HEADER = /^[ \t]*\[peer\]/i;

function parse(text: string): Document {
  // A header makes what follows independent of what stands before. Only \n ends a line.
  const header = /(?:^|\n)[ \t]*\[peer\]/i.exec(text);
  const at = header === null ? text.length : header.index + (header[0].startsWith('\n') ? 1 : 0);
  const head = parseLines(text.slice(0, at));
  const tail = at === text.length ? NO_LINES : parseTail(text.slice(at));
  const document = [...head, ...tail];
  parts.set(document, { head, tail });
  return document;
}

function parseTail(text: string): Document {
  const lines = knownTails.get(text) ?? parseLines(text);
  knownTails.set(text, lines);
  return lines;
}

function parseLines(text: string): Document {
  const lines: Line[] = [];
  let section: Line['section'] = 'none';
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf('\n', start);
    const whole = feed < 0 ? text.slice(start) : text.slice(start, feed + 1);
    const eol = whole.endsWith('\r\n') ? '\r\n' : feed < 0 ? '' : '\n';
    start += whole.length;
    const line = parseLine(whole.slice(0, whole.length - eol.length), eol, section);
    section = line.section;
    lines.push(line);
  }
  return lines;
}

function parseLine(raw: string, eol: string, previous: Line['section']): Line {
  const [, own, text = ''] = (previous === 'peer' ? null : OWN_KEY.exec(raw)) ?? [];
  if (own !== undefined)
    return { raw, eol, section: previous, header: false, key: own, quickKey: own, value: text, text, comment: '' };
  const hash = raw.indexOf('#');
  const code = trimSpace(hash < 0 ? raw : raw.slice(0, hash));
  const comment = hash < 0 ? '' : raw.slice(hash);
  const header = code.startsWith('[');
  const section = header ? sectionOf(compact(code)) : previous;
  const equals = header ? -1 : code.indexOf('=');
  if (equals < 0) return { raw, eol, section, header, key: '', quickKey: '', value: '', text: '', comment };
  const name = trimSpace(code.slice(0, equals)).toLowerCase();
  const key = withoutSpace(name);
  const isOfWg = section === 'peer' || (section === 'interface' && WG_KEYS.has(key));
  const value = code.slice(equals + 1);
  return {
    ...{ raw, eol, section, header, comment, key },
    quickKey: name,
    value: isOfWg ? withoutSpace(value) : trimSpace(value),
    text: trimSpace(raw.slice(raw.indexOf('=') + 1)),
  };
}

/** The text of a document, byte for byte what was parsed. */
export const documentText = (document: Document): string => {
  const { head, tail } = partsOf(document);
  return textOf(head) + textOf(tail);
};

const textOf = memoized((lines: Document) => lines.map((line) => line.raw + line.eol).join(''));

const interfaceLinesIn = memoized((lines: Document) => lines.filter((line) => line.section === 'interface'));

/** The lines of the interface part, in file order. */
export const interfaceLines = memoized((document: Document) => {
  const { head, tail } = partsOf(document);
  return [...interfaceLinesIn(head), ...interfaceLinesIn(tail)];
});

/** The interface part; several [Interface] sections count as one, as in wg-quick. */
export const interfaceOf = memoized((document: Document): InterfaceConfig => {
  const entries = interfaceLines(document);
  const config = configFrom((name) => {
    const { hook, parse } = fieldOf(name);
    const own = entries.filter((line) => isLineOf(line, name));
    return parse(own.map((line) => (hook ? line.text : line.value)));
  });
  return withoutIntentLines(config);
});

/** The interface part with the hooks that the file really has: those that firewall intents stand for, too. */
export const hooksOf = (document: Document): InterfaceConfig => withIntentLines(interfaceOf(document));

/** Whether the line gives a value to this field, as the program that owns the field reads it. */
export function isLineOf(line: Line, name: FieldName): boolean {
  if (line.section !== 'interface') return false;
  const { key, owner } = fieldOf(name);
  return (owner === 'wg' ? line.key : line.quickKey) === key.toLowerCase();
}

/** The number of the first line of wg-quick's own under a header like `[ Interface ]`, which is one to wg(8) only; null = there is none. */
export function strayLine(document: Document): number | null {
  let isSpaced = false;
  const at = document.findIndex((line) => {
    if (line.header) isSpaced = line.section === 'interface' && !/^\s*\[interface\]\s*(#|$)/i.test(line.raw);
    return isSpaced && FIELD_NAMES.some((name) => fieldOf(name).owner !== 'wg' && isLineOf(line, name));
  });
  return at < 0 ? null : at + 1;
}

/** Lines of the interface part that we keep and do not own: unknown keys and SaveConfig. */
export const unmanagedLines = (document: Document): string[] =>
  interfaceLines(document)
    .filter((line) => line.key !== '' && !FIELD_NAMES.some((name) => isLineOf(line, name)))
    .map((line) => trimSpace(line.raw));

/** Whether the file asks wg-quick to overwrite it from the kernel at every `down`. */
export const savesConfig = (document: Document): boolean =>
  interfaceLines(document).some((line) => line.quickKey === 'saveconfig' && /^true$/i.test(line.value));

/** Of the lines of peers that are asked for, those of the head and those of the tail, each worked out once. */
function ofPeers<T>(make: (lines: Document) => readonly T[]): (document: Document) => readonly T[] {
  const read = memoized(make);
  return memoized((document: Document) => {
    const { head, tail } = partsOf(document);
    const first = read(head);
    // The same object for every version of the file, so that equal ones need no comparison.
    return first.length === 0 ? read(tail) : [...first, ...read(tail)];
  });
}

const isPeerLine = (line: Line, key: string): boolean => line.section === 'peer' && line.key === key;

/** The networks of all peer sections that are any, in file order. A leading `+` or `-` of wg(8) says nothing here. */
export const allowedIpsOf: (document: Document) => readonly Cidr[] = ofPeers((lines) =>
  lines
    .filter((line) => isPeerLine(line, 'allowedips'))
    .flatMap((line) => line.value.split(','))
    .flatMap((text) => parseCidr(text.replace(/^[+-]/, '')) ?? [])
    .map(networkOf),
);

/** The public keys of the peer sections, in file order. */
export const peerKeys: (document: Document) => readonly string[] = ofPeers((lines) =>
  lines.filter((line) => isPeerLine(line, 'publickey')).map((line) => line.value),
);
