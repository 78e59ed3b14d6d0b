import { sameHook } from '../hooks/canonical.ts';
import { markShapes, redactKeys } from '../redact.ts';
import type { Field, FieldProblem, Parsed } from './field.ts';

/** The kinds of values that the field table is made of: each function gives a row what all fields of its kind share. */

/** Items that a list may have. */
export const MAX_LIST = 64;
/** Old clients join all rules into one line. */
const MAX_HOOK = 4096;
/** The longest text of a whole list that an old client sends. */
const MAX_JOINED = 65_536;
/** What the controller takes from an agent: a file may hold much that no request may send. */
const MAX_REPORTED = 1024;
// Control characters and the line and paragraph separators: any of them could end the line it stands in.
// Half a surrogate pair cannot be written as UTF-8.
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A parser of one text: the value, null for "as if it were not there", undefined for text that is no value. */
export type ParseText<V> = (text: string) => V | null | undefined;

export const same = <V>(left: V, right: V): boolean => left === right;
/** Whether two lists hold the same texts in the same order. */
export const sameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((value, index) => value === right[index]);

const line = (value: number | string | null): string[] => (value === null ? [] : [String(value)]);
const textOf = (value: number | string | null): string => (value === null ? '' : String(value));
const valid = <V>(value: V): Parsed<V> => ({ value, invalid: [] });

/** wg(8): each line is parsed, the last one counts, and a single bad one, or an empty one, makes wg refuse the file. */
export const lastOfWg =
  <V>(parse: ParseText<V>) =>
  (texts: readonly string[]): Parsed<V | null> => {
    const values = texts.map(parse);
    return {
      value: values.filter((value) => value !== undefined).at(-1) ?? null,
      invalid: texts.filter((_, index) => values[index] === undefined),
    };
  };

/** wg-quick(8): only the last line is looked at, and an empty one is as none. */
export const lastOfQuick =
  <V>(parse: ParseText<V>) =>
  (texts: readonly string[]): Parsed<V | null> => {
    const text = texts.at(-1) ?? '';
    const value = text === '' ? null : parse(text);
    return { value: value ?? null, invalid: value === undefined ? [text] : [] };
  };

/** A parser of a whole number up to `maximum`; 0 is as if it were not there. */
export const decimal =
  (maximum: number): ParseText<number> =>
  (text) => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value === 0) return null;
    return value <= maximum ? value : undefined;
  };

type WireRow<Name extends string> = Pick<Field<unknown, unknown, unknown, Name>['wire'], 'name' | 'leftOut'>;

type Row<V, Name extends string, Given extends keyof Field> = Omit<Field<V>, Given | 'wire'> & {
  readonly wire: WireRow<Name>;
};

type NumberRow<Name extends string> = Row<
  number | null,
  Name,
  'hook' | 'absent' | 'write' | 'equal' | 'text' | 'fromResource' | 'toResource' | 'check'
> & {
  /** What validation takes; a file may hold less, which is reported. */
  readonly minimum: number;
  readonly maximum: number;
  readonly check?: Field<number | null>['check'];
};

/** A whole number; 0 and null mean that there is none. */
export function wholeNumber<const Name extends string>(
  options: NumberRow<Name>,
): Field<number | null, number | null, number, Name, never> {
  const { minimum, maximum, check, ...row } = options;
  const schema = { type: ['integer', 'null'], minimum: 0, maximum };
  const from = (sent: number | null): Parsed<number | null> => valid(sent === 0 ? null : sent);
  return {
    ...row,
    hook: false,
    absent: null,
    write: line,
    equal: same,
    text: textOf,
    check: (value, related) => [
      ...(value === null || (value >= minimum && value <= maximum) ? [] : [{ message: row.rule }]),
      ...(check?.(value, related) ?? []),
    ],
    wire: { ...row.wire, putSchema: schema, specSchema: schema, to: (value) => value, from },
    fromResource: (value) => valid(value ?? null),
  };
}

interface ListKind<V extends string> {
  /** An item of a file or of a request, in canonical text. */
  readonly parseItem: (text: string) => V | undefined;
  /** An item of the resource; default: as in a file. */
  readonly parseResourceItem?: (text: string) => V | undefined;
  /** The length of the longest item that the controller takes from an agent. */
  readonly maxReported: number;
  /** Of several equal items of a file one counts. */
  readonly unique: boolean;
}

type ListRow<V extends string, Name extends string> = Row<
  readonly V[],
  Name,
  'hook' | 'absent' | 'write' | 'text' | 'parse' | 'fromResource' | 'toResource'
> &
  ListKind<V>;

/** The values of a list in their order and, beside them, what is none. */
function parseList<V extends string>(
  texts: readonly string[],
  parse: (text: string) => V | undefined,
): Parsed<readonly V[]> {
  const values = texts.map(parse);
  return {
    value: values.filter((value) => value !== undefined),
    invalid: texts.filter((_, index) => values[index] === undefined),
  };
}

const itemsOf = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => text.split(/[ \t\n\v\f\r,]+/)).filter(Boolean);

/** What stands on a host may be sent back: the limits of new values are for validation, which judges what changes. */
const putList = (maxLength: number): object => ({
  anyOf: [
    { type: ['string', 'null'], maxLength: MAX_JOINED },
    { type: 'array', maxItems: MAX_REPORTED, items: { type: 'string', minLength: 1, maxLength } },
  ],
});

const reportedList = (maxLength: number): object => ({
  type: 'array',
  maxItems: MAX_REPORTED,
  items: { type: 'string', maxLength },
});

/** Items separated by commas or white space. */
export function list<V extends string, const Name extends string>(
  options: ListRow<V, Name>,
): Field<readonly V[], readonly string[], readonly string[], Name> {
  const { parseItem, parseResourceItem = parseItem, maxReported, unique, ...row } = options;
  const { value: absent } = parseList<V>([], parseItem);
  return {
    ...row,
    hook: false,
    absent,
    parse: (texts) => {
      const { value, invalid } = parseList(itemsOf(texts), parseItem);
      return { value: unique ? [...new Set(value)] : value, invalid };
    },
    write: (value) => line(value.length === 0 ? null : value.join(', ')),
    text: (value) => value.join(', '),
    wire: {
      ...row.wire,
      putSchema: putList(MAX_REPORTED),
      specSchema: reportedList(maxReported),
      to: (value) => value,
      // A line feed splits no list.
      from: (sent) =>
        parseList(typeof sent === 'string' ? sent.split(/[ ,]+/).filter(Boolean) : (sent ?? []), parseItem),
    },
    fromResource: (value) => parseList(value ?? [], parseResourceItem),
  };
}

/** What is wrong with a list that is too long. */
export const tooMany = (value: readonly string[], what: string): FieldProblem[] =>
  value.length > MAX_LIST ? [{ message: `must hold at most ${String(MAX_LIST)} ${what}` }] : [];

/** Several commands as one line that does the same, as old agents and clients write it. */
export const joinedHooks = (commands: readonly string[]): string =>
  commands
    .map((command, index) => {
      // `a; ; b` and `a &; b` are no commands to bash.
      if (index === commands.length - 1) return command;
      const bare = command.replace(/[;\s]+$/, '');
      return bare.endsWith('&') ? `${bare} ` : `${bare}; `;
    })
    .join('');

function hookProblem(command: string): string | undefined {
  if (command === '') return 'must not be empty';
  if (CONTROL.test(command)) return 'must be one line without control characters';
  // Characters as the API server counts them; a text of as many UTF-16 units has no more.
  if (command.length > MAX_HOOK && Array.from(command).length > MAX_HOOK)
    return `must be at most ${String(MAX_HOOK)} characters`;
  if (command.includes('#')) return 'must not contain #: wg-quick before 1.0.20260223 cuts the line there';
  return undefined;
}

type HookRow<Name extends string> = Pick<Field<readonly string[]>, 'key' | 'running'> & {
  readonly wire: WireRow<Name>;
};

const joined = (commands: readonly string[]): string => markShapes(joinedHooks(commands));

const trimmed = (commands: readonly string[]): Parsed<readonly string[]> =>
  valid(commands.map((command) => command.trim()));

/** Commands of one line each, in the order in which they run. */
export const hooks = <const Name extends string>(
  row: HookRow<Name>,
): Field<readonly string[], readonly string[], readonly string[], Name> => ({
  ...row,
  owner: 'wg-quick',
  hook: true,
  rule: 'must be a command of one line',
  absent: [],
  parse: (texts) => valid(texts.filter((text) => text !== '')),
  write: (value) => value,
  // Old agents and clients write all rules joined in one line; one line and several lines then do the same. What an agent shows has
  // marks for keys, and hooks of the grammar as it writes them.
  equal: (left, right) =>
    sameList(left, right) ||
    joined(left) === joined(right) ||
    joined(left.map(sameHook)) === joined(right.map(sameHook)),
  text: (value) => redactKeys(value.join(', ')),
  check: (value) => [
    ...value.flatMap((command, index) => {
      const message = hookProblem(command);
      return message === undefined ? [] : [{ message, index }];
    }),
    ...tooMany(value, 'commands'),
  ],
  wire: {
    ...row.wire,
    putSchema: putList(MAX_JOINED),
    specSchema: reportedList(MAX_JOINED),
    to: (value) => value,
    from: (sent) => trimmed(typeof sent === 'string' ? [sent].filter((text) => text.trim() !== '') : (sent ?? [])),
  },
  fromResource: (value) => trimmed(value ?? []),
});
