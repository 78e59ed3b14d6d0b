import { redactKeys } from '../redact.ts';
import { type Document, interfaceLines, isLineOf, type Line, partsOf } from './document.ts';
import { memoized } from '../memoized.ts';
import { FIELD_NAMES, fieldOf, pathOf } from './fields.ts';
import { PEER_KEYS, peerFieldOf } from './peer-fields.ts';

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

/** Every line with a value that is none, or a key that no peer has, in file order. Whatever the text is, this never fails. */
export function invalidLines(document: Document): InvalidLine[] {
  const { head, tail } = partsOf(document);
  const overruled = overruledLines(interfaceLines(document));
  const own = (lines: Document): InvalidLine[] =>
    lines.flatMap((line, index) => {
      if (line.section !== 'interface' || overruled.has(line)) return [];
      return interfaceProblem(line, index + 1) ?? [];
    });
  const behind = [...own(tail), ...peerProblems(tail)];
  return [...own(head), ...peerProblems(head)]
    .concat(behind.map((problem) => ({ ...problem, line: problem.line + head.length })))
    .sort((left, right) => left.line - right.line);
}

const peerProblems = memoized((lines: Document) =>
  lines.flatMap((line, index) => (line.section === 'peer' ? (peerProblem(line, index + 1) ?? []) : [])),
);

/** wg-quick looks at the last line of a key only, where the key is no list. */
function overruledLines(lines: readonly Line[]): ReadonlySet<Line> {
  const names = FIELD_NAMES.filter((name) => {
    const { owner, hook, parse } = fieldOf(name);
    return owner === 'wgnode' || (owner === 'wg-quick' && !hook && !Array.isArray(parse([]).value));
  });
  return new Set(names.flatMap((name) => lines.filter((line) => isLineOf(line, name)).slice(0, -1)));
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
  if (line.header || line.key === '') return undefined;
  const at = { line: number, section: 'peer', path: null } as const;
  const field = peerFieldOf(line.key);
  if (field === undefined) {
    const key = redactKeys(line.key).slice(0, 64).toWellFormed();
    return { ...at, key, text: shown([line.value]), message: `must be one of ${PEER_KEYS.join(', ')} in a [Peer]` };
  }
  if (field.isValid(line.value)) return undefined;
  const text = field.secret === true ? '[redacted]' : shown([line.value]);
  return { ...at, key: field.key, text, message: field.rule };
}
