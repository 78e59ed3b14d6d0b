import { type Cidr, networkOf, parseCidr } from '../address.ts';
import { type Document, type Line, parseDocument, parseUnshared, rememberDocument } from './document.ts';

/**
 * A header with the lines up to the next one; the first section has none. The same object in every version of a file that has it, so
 * that of 5,000 peers only what changes is worked out anew.
 */
export class Section {
  readonly lines: readonly Line[];
  readonly isPeer: boolean;
  /** The last public key that it names, as wg reads it; empty = none. */
  readonly key: string;
  /** Byte for byte what was parsed. */
  readonly text: string;
  #networks: readonly Cidr[] | undefined;

  constructor(lines: readonly Line[]) {
    this.lines = lines;
    this.isPeer = lines[0]?.header === true && lines[0].section === 'peer';
    this.key = this.isPeer ? (lines.findLast(({ key }) => key === 'publickey')?.value ?? '') : '';
    this.text = lines.map(({ raw, eol }) => raw + eol).join('');
  }

  /** Of its AllowedIPs. */
  get networks(): readonly Cidr[] {
    this.#networks ??= this.lines
      .filter(({ key }) => key === 'allowedips')
      .flatMap(({ value }) => value.split(','))
      .flatMap((text) => networkIn(text) ?? []);
    return this.#networks;
  }
}

/** A network as AllowedIPs has it; a leading `+` or `-` of wg(8) says nothing here. */
export function networkIn(text: string): Cidr | undefined {
  const network = parseCidr(text.replace(/^[+-]/, ''));
  return network === undefined ? undefined : networkOf(network);
}

const known = new WeakMap<Document, readonly Section[]>();

/** The sections of a text. */
export function sectionsIn(text: string): readonly Section[] {
  const document = parseDocument(text);
  const sections = known.get(document) ?? split(document);
  known.set(document, sections);
  return sections;
}

/** The public keys of the peer sections of a text. */
export const peerKeysIn = (text: string): ReadonlySet<string> =>
  new Set(sectionsIn(text).flatMap(({ isPeer, key }) => (isPeer ? [key] : [])));

function split(document: Document): readonly Section[] {
  const sections: Line[][] = [[]];
  for (const line of document) {
    if (line.header) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections.map((lines) => new Section(lines));
}

/** A section that stays, or the text of the one in its place, which begins with a header where it is not the first. */
export type Piece = Section | string;

export const pieceText = (piece: Piece): string => (typeof piece === 'string' ? piece : piece.text);

/** The text of a file of these pieces. What of it is known is not parsed again. */
export function joinPieces(pieces: readonly Piece[]): string {
  const sections = pieces.map((piece) => (typeof piece === 'string' ? new Section(parseUnshared(piece)) : piece));
  const text = sections.map((section) => section.text).join('');
  const document = sections.flatMap(({ lines }) => lines);
  known.set(document, sections);
  rememberDocument(text, document);
  return text;
}
