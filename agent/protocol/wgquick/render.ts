import { changedFields, type InterfaceConfig } from './config.ts';
import { type Document, type Line, documentText, interfaceOf, isLineOf, parseDocument } from './document.ts';
import { hookLinesOf, withIntentLines } from '../firewall/hook-lines.ts';
import { FIELD_NAMES, type FieldName, fieldOf } from './fields.ts';

/**
 * The text of `document` with its interface part set to `config`. Only lines of fields that differ are touched; peers, comments,
 * unknown keys, order and line ends stay as they are, byte for byte. `render(d, interfaceOf(d))` is the text of `d`.
 */
export function render(document: Document, config: InterfaceConfig): string {
  const changed = changedFields(interfaceOf(document), config);
  if (changed.length === 0) return documentText(document);
  const whole = withIntentLines(config);
  let lines = withInterfaceHeader(document);
  for (const name of changed) lines = replaceField(lines, name, whole);
  if (!changed.includes('firewall')) return documentText(lines);
  const [had, wanted] = [interfaceOf(document).firewall, config.firewall].map(hookLinesOf);
  for (const name of ['postUp', 'postDown'] as const)
    if (!changed.includes(name))
      lines = exchanged(lines, name, { had: had?.[name] ?? [], wanted: wanted?.[name] ?? [] });
  return documentText(lines);
}

/** The lines that intents stand for, in the place of those that were there, before (PostUp) or after (PostDown) the lines of others, which stay as they are. */
function exchanged(
  document: Document,
  name: 'postUp' | 'postDown',
  { had, wanted }: { readonly had: readonly string[]; readonly wanted: readonly string[] },
): Document {
  const left = [...had];
  const kept = document.filter((line) => {
    const at = isLineOf(line, name) ? left.indexOf(line.text) : -1;
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  const eol = lineEnd(document);
  const fresh = wanted.map((value) => makeLine(`${fieldOf(name).key} = ${value}`, eol));
  const own = kept.filter((line) => isLineOf(line, name));
  const [first, last] = [own[0], own.at(-1)];
  const none = insertionPoint(kept, name);
  const at =
    name === 'postUp'
      ? first === undefined
        ? none
        : kept.indexOf(first)
      : last === undefined
        ? none
        : kept.indexOf(last) + 1;
  return [...endedLines(kept.slice(0, at), eol), ...fresh, ...kept.slice(at)];
}

const lineEnd = (document: Document): string => document.find((line) => line.eol !== '')?.eol ?? '\n';

const makeLine = (raw: string, eol: string): Line => {
  const [line] = parseDocument(`[Interface]\n${raw}`).slice(1);
  if (line === undefined) throw new Error('Cannot render an empty line');
  return { ...line, eol };
};

/** wg takes `[ Interface ]`, wg-quick only `[Interface]`: a header that both take, and a section where there was none. */
function withInterfaceHeader(document: Document): Document {
  const isHeader = (line: Line): boolean => line.header && line.section === 'interface';
  if (document.some(isHeader)) {
    return document.map((line) =>
      isHeader(line) && !/^\s*\[interface\]\s*(#.*)?$/i.test(line.raw)
        ? { ...line, raw: line.comment === '' ? '[Interface]' : `[Interface] ${line.comment}` }
        : line,
    );
  }
  const eol = lineEnd(document);
  const firstHeader = document.findIndex((line) => line.header);
  const at = firstHeader < 0 ? document.length : firstHeader;
  const header: Line = { ...makeLine('x=', eol), raw: '[Interface]', key: '', header: true };
  const gap: Line[] = firstHeader < 0 ? [] : [{ ...makeLine('#', eol), raw: '' }];
  return [...endedLines(document.slice(0, at), eol), header, ...gap, ...document.slice(at)];
}

/**
 * What the lines of a field say: its values, and beside them what is none, so that an undo brings that back too. An unusable private
 * key is not known any more.
 */
function textsOf(config: InterfaceConfig, name: FieldName): readonly string[] {
  const values = fieldOf(name).write(config[name]);
  const invalid = name === 'privateKey' ? [] : (config.invalid[name] ?? []);
  if (invalid.length === 0) return values;
  // Of single values the last line counts, of lists every item.
  return Array.isArray(config[name]) ? [[...values, ...invalid].join(', ')] : [...invalid, ...values];
}

/** Only the last line of a file has no end. */
const endedLines = (document: Document, eol: string): Document =>
  document.at(-1)?.eol === '' ? document.map((line) => (line.eol === '' ? { ...line, eol } : line)) : document;

function replaceField(document: Document, name: FieldName, config: InterfaceConfig): Document {
  const field = fieldOf(name);
  const eol = lineEnd(document);
  const old = document.filter((line) => isLineOf(line, name));
  const fresh = textsOf(config, name).map((value) => makeLine(`${field.key} = ${value}`, eol));
  const comments = old.map((line) => line.comment).filter((comment) => comment !== '');
  const inserted = [...comments.map((comment) => makeLine(comment, eol)), ...fresh];
  const at = old[0] === undefined ? insertionPoint(document, name) : document.indexOf(old[0]);
  const before = endedLines(document.slice(0, at), eol);
  return [...before, ...inserted, ...document.slice(at).filter((line) => !isLineOf(line, name))];
}

/** After the last line of a field that canonically comes earlier, else right after the header. */
function insertionPoint(document: Document, name: FieldName): number {
  const earlier = FIELD_NAMES.slice(0, FIELD_NAMES.indexOf(name));
  const header = document.findIndex((line) => line.header && line.section === 'interface');
  const previous = document.findLastIndex((line) => earlier.some((other) => isLineOf(line, other)));
  return Math.max(header, previous) + 1;
}
