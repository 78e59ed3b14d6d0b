import { canonicalIp, parseInterfaceAddress } from '../address.ts';
import { isPrivateKey } from '../key.ts';
import { Secret } from '../secret.ts';
import type { FieldName, FieldValues, InterfaceConfig } from './config.ts';

/** A value, and beside it the texts that are none. */
export interface Parsed<T> {
  readonly value: T;
  readonly invalid: readonly string[];
}

/** One key of the [Interface] section. Parse, render, diff, the wire messages and the apply engine all loop over FIELDS. */
export interface Field<N extends FieldName = FieldName> {
  readonly name: N;
  /** As wg-quick(8) and wg(8) spell it; files may use any letter case. */
  readonly key: string;
  /** Its name in the agent's HTTP messages. */
  readonly wire: string;
  /** Which program understands the key: wg(8) fails on those of wg-quick. */
  readonly owner: 'wg' | 'wg-quick';
  /** Hook values reach to the end of the line; in others `#` starts a comment. */
  readonly hook: boolean;
  /** What the value must be, for people: `must be …`. */
  readonly rule: string;
  /** The value of all lines with this key, in file order. */
  readonly parse: (values: readonly string[]) => Parsed<FieldValues[N]>;
  /** One string for each line to write. */
  readonly write: (value: FieldValues[N]) => readonly string[];
  readonly equal: (left: FieldValues[N], right: FieldValues[N]) => boolean;
}

const same = <T>(left: T, right: T): boolean => left === right;
const sameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((value, index) => value === right[index]);
const items = (values: readonly string[]): string[] => values.flatMap((value) => value.split(/[\s,]+/)).filter(Boolean);
const line = (value: number | string | null): string[] => (value === null ? [] : [String(value)]);

/** A parser of one text: the value, null for "as if it were not there", undefined for text that is no value. */
type ParseText<T> = (text: string) => T | null | undefined;

/** wg(8): each line is parsed, the last one counts, and a single bad one, or an empty one, makes wg refuse the file. */
const lastOfWg =
  <T>(parse: ParseText<T>) =>
  (texts: readonly string[]): Parsed<T | null> => {
    const values = texts.map(parse);
    return {
      value: values.filter((value) => value !== undefined).at(-1) ?? null,
      invalid: texts.filter((_, index) => values[index] === undefined),
    };
  };

/** wg-quick(8): only the last line is looked at, and an empty one is as none. */
const lastOfQuick =
  <T>(parse: ParseText<T>) =>
  (values: readonly string[]): Parsed<T | null> => {
    const text = values.at(-1) ?? '';
    const value = text === '' ? null : parse(text);
    return { value: value ?? null, invalid: value === undefined ? [text] : [] };
  };

/** The values of a list in their order and, beside them, what is none. */
export function parseList<T extends string>(
  texts: readonly string[],
  parse: (text: string) => T | undefined,
): Parsed<readonly T[]> {
  const values = texts.map(parse);
  return {
    value: values.filter((value) => value !== undefined),
    invalid: texts.filter((_, index) => values[index] === undefined),
  };
}

const decimal =
  (maximum: number) =>
  (text: string): number | null | undefined => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value === 0) return null;
    return value <= maximum ? value : undefined;
  };

function parseMark(text: string): number | null | undefined {
  if (/^off$/i.test(text)) return null;
  if (!/^0x[0-9a-fA-F]{1,8}$/.test(text)) return decimal(0xffffffff)(text);
  const value = Number.parseInt(text, 16);
  return value === 0 ? null : value;
}

/** `OFF` is a name to wg-quick: it is case-sensitive here. Names are those of iproute2. */
const parseTable = (text: string): string | null | undefined => {
  if (text === 'auto') return null;
  // Whatever ip(8) may know as a table is one: taken for none, its routes would go into the main table.
  return /^[^\s-]\S{0,63}$/.test(text) ? text : undefined;
};

const DOMAIN = /^[a-zA-Z0-9_]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?$/;

/** A server in canonical text, or a search domain: to wg-quick(8) everything of digits and dots, or with a colon, is a server. */
export function parseDnsEntry(text: string): string | undefined {
  const ip = canonicalIp(text);
  if (ip !== undefined) return ip;
  return !/^[0-9.]+$/.test(text) && text.length <= 253 && DOMAIN.test(text) ? text : undefined;
}

const hooks = (name: 'preUp' | 'postUp' | 'preDown' | 'postDown', key: string, wire: string): Field<typeof name> => ({
  name,
  key,
  wire,
  owner: 'wg-quick',
  hook: true,
  rule: 'must be a command of one line',
  parse: (values) => ({ value: values.filter((value) => value !== ''), invalid: [] }),
  write: (value) => value,
  // Old agents and clients write all rules joined in one line; one line and several lines then do the same.
  equal: (left, right) => sameList(left, right) || left.join('; ') === right.join('; '),
});

const field = <N extends FieldName>(row: Omit<Field<N>, 'hook'>): Field<N> => ({ ...row, hook: false });

/** In the order in which a fresh section is written. */
export const FIELDS = {
  privateKey: field<'privateKey'>({
    name: 'privateKey',
    key: 'PrivateKey',
    wire: 'private_key',
    owner: 'wg',
    rule: 'must be a private key as `wg genkey` prints it: 44 characters of base64, not all zero',
    parse: (values) => {
      const { value, invalid } = lastOfWg((text) => (isPrivateKey(text) ? new Secret(text) : undefined))(values);
      return { value, invalid: invalid.map(() => '[redacted]') };
    },
    write: (value) => line(value?.reveal() ?? null),
    equal: (left, right) => (left === null || right === null ? left === right : left.equals(right)),
  }),
  listenPort: field<'listenPort'>({
    name: 'listenPort',
    key: 'ListenPort',
    wire: 'listen_port',
    owner: 'wg',
    rule: 'must be from 1 to 65535',
    parse: lastOfWg(decimal(65_535)),
    write: line,
    equal: same,
  }),
  fwMark: field<'fwMark'>({
    name: 'fwMark',
    key: 'FwMark',
    wire: 'fw_mark',
    owner: 'wg',
    rule: 'must be from 1 to 4294967295',
    parse: lastOfWg(parseMark),
    write: line,
    equal: same,
  }),
  addresses: field<'addresses'>({
    name: 'addresses',
    key: 'Address',
    wire: 'address',
    owner: 'wg-quick',
    rule: 'must hold addresses with or without a prefix length',
    parse: (values) => {
      const { value, invalid } = parseList(items(values), parseInterfaceAddress);
      return { value: [...new Set(value)], invalid };
    },
    write: (value) => line(value.length === 0 ? null : value.join(', ')),
    // The order says nothing: an interface has a set of addresses.
    equal: (left, right) => sameList([...left].sort(), [...right].sort()),
  }),
  mtu: field<'mtu'>({
    name: 'mtu',
    key: 'MTU',
    wire: 'mtu',
    owner: 'wg-quick',
    rule: 'must be from 576 to 65535',
    parse: lastOfQuick(decimal(65_535)),
    write: line,
    equal: same,
  }),
  dns: field<'dns'>({
    name: 'dns',
    key: 'DNS',
    wire: 'dns',
    owner: 'wg-quick',
    rule: 'must hold IP addresses or search domains',
    parse: (values) => parseList(items(values), parseDnsEntry),
    write: (value) => line(value.length === 0 ? null : value.join(', ')),
    equal: sameList,
  }),
  table: field<'table'>({
    name: 'table',
    key: 'Table',
    wire: 'table',
    owner: 'wg-quick',
    rule: 'must be auto, off or a number from 1 to 4294967295',
    parse: lastOfQuick(parseTable),
    write: line,
    equal: same,
  }),
  preUp: hooks('preUp', 'PreUp', 'pre_up'),
  postUp: hooks('postUp', 'PostUp', 'post_up'),
  preDown: hooks('preDown', 'PreDown', 'pre_down'),
  postDown: hooks('postDown', 'PostDown', 'post_down'),
} as const;

export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[];
export const HOOK_NAMES = ['preUp', 'postUp', 'preDown', 'postDown'] as const;

/** The field `name` with its value types hidden, for loops over all of them. */
export const fieldOf = (name: FieldName): Field => FIELDS[name] as unknown as Field;

/** Where the field stands in the resource: `spec.interface.mtu`. */
export const pathOf = (name: FieldName): string =>
  `spec.interface.${name === 'privateKey' ? 'privateKeySecretRef' : name}`;

/** Whether a field says the same in two configurations: equal values, and equal texts that are none. */
export const isSame = (name: FieldName, left: InterfaceConfig, right: InterfaceConfig): boolean =>
  fieldOf(name).equal(left[name], right[name]) && sameList(left.invalid[name] ?? [], right.invalid[name] ?? []);

/** Names of the fields in which two configurations differ, in canonical order. */
export const changedFields = (left: InterfaceConfig, right: InterfaceConfig): FieldName[] =>
  FIELD_NAMES.filter((name) => !isSame(name, left, right));
