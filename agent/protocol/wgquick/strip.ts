import { type Document, interfaceLines, type Line, partsOf, WG_KEYS } from './document.ts';
import { memoized } from '../memoized.ts';
import { FIELD_NAMES, fieldOf } from './fields.ts';

const QUICK_KEYS = new Set([
  'saveconfig',
  ...FIELD_NAMES.map(fieldOf)
    .filter((field) => field.owner === 'wg-quick')
    .map((field) => field.key.toLowerCase()),
]);

/** Whether the line is wg-quick's own: it never reaches wg. */
export const isQuickLine = (line: Line): boolean => line.section === 'interface' && QUICK_KEYS.has(line.quickKey);
const isWgField = (line: Line): boolean => line.section === 'interface' && WG_KEYS.has(line.key);
const isEndpoint = (line: Line): boolean => line.section === 'peer' && line.key === 'endpoint';

/**
 * What wg(8) would parse of the file, as `wg-quick strip` prints it, but without the keys of the interface, which our own grammar
 * judges, and without the Endpoint lines: wg resolves their names, which blocks for seconds and fails as a parse error while DNS is down.
 */
export function textForParseCheck(document: Document): string {
  const { head, tail } = partsOf(document);
  return textOfOthers(head) + textOfOthers(tail);
}

const textOfOthers = memoized((lines: Document) =>
  lines
    .filter((line) => !isQuickLine(line) && !isWgField(line) && !isEndpoint(line))
    .map((line) => `${line.raw}\n`)
    .join(''),
);

/** The file without SaveConfig: with it `wg-quick down` overwrites the very file that it reads. A text that is no value of it stays: no file comes up with one. */
export function withoutSaveConfig(document: Document): Document {
  const isSwitch = (line: Line): boolean => line.quickKey === 'saveconfig' && /^(true|false)$/i.test(line.value);
  const switches = new Set(interfaceLines(document).filter(isSwitch));
  return switches.size === 0 ? document : document.filter((line) => !switches.has(line));
}
