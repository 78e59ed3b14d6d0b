import { redactKeys } from '../redact.ts';
import type { FieldName } from './config.ts';
import { type Document, isLineOf, type Line } from './document.ts';
import { FIELD_NAMES, fieldOf, pathOf } from './fields.ts';
import { peerFieldOf } from './peer-fields.ts';

/** A line whose value wg(8) or wg-quick(8) does not take. */
export interface InvalidLine {
  /** From 1. */
  readonly line: number;
  readonly section: 'interface' | 'peer';
  /** As the manual spells it: `AllowedIPs`. */
  readonly key: string;
  /** Of the resource, `spec.interface.mtu`; null where the resource has no such field. */
  readonly path: string | null;
  /** The text that is no value, without anything that looks like a key, and cut after 256 characters. */
  readonly text: string;
  /** `must be …` */
  readonly message: string;
}

const shown = (texts: readonly string[]): string => redactKeys(texts.join(', ')).slice(0, 256).toWellFormed();

/** Every line with a value that is none, in file order. Whatever the text is, this never fails. */
export const invalidLines = (document: Document): InvalidLine[] => {
  // wg-quick looks at the last line of a key only, where the key is no list.
  const overruled = new Set(FIELD_NAMES.flatMap((name) => overruledLines(document, name)));
  return document.flatMap((line, index) => {
    if (line.section === 'peer') return peerProblem(line, index + 1) ?? [];
    if (line.section !== 'interface' || overruled.has(line)) return [];
    return interfaceProblem(line, index + 1) ?? [];
  });
};

function overruledLines(document: Document, name: FieldName): Line[] {
  const field = fieldOf(name);
  const lines = document.filter((line) => isLineOf(line, name));
  const texts = lines.map((line) => line.value);
  // A list shows its items whatever comes behind them; of other keys only the last line counts.
  const isList = field.hook || Array.isArray(field.parse([]).value);
  return field.owner === 'wg' || isList || texts.length < 2 ? [] : lines.slice(0, -1);
}

function interfaceProblem(line: Line, number: number): InvalidLine | undefined {
  const at = { line: number, section: 'interface' } as const;
  const name = FIELD_NAMES.find((candidate) => isLineOf(line, candidate));
  if (name !== undefined) {
    const { key, rule, parse, hook } = fieldOf(name);
    const { invalid } = parse([hook ? line.text : line.value]);
    return invalid.length === 0 ? undefined : { ...at, key, path: pathOf(name), text: shown(invalid), message: rule };
  }
  if (line.quickKey !== 'saveconfig' || /^(true|false)$/i.test(line.value)) return undefined;
  return { ...at, key: 'SaveConfig', path: null, text: shown([line.value]), message: 'must be true or false' };
}

function peerProblem(line: Line, number: number): InvalidLine | undefined {
  const field = peerFieldOf(line.key);
  // wg(8) takes all white space out of a line.
  if (field === undefined || field.isValid(line.value.replace(/\s+/g, ''))) return undefined;
  const text = field.secret === true ? '[redacted]' : shown([line.value]);
  return { line: number, section: 'peer', key: field.key, path: null, text, message: field.rule };
}
