import { canonicalCidr } from '../address.ts';
import { Secret } from '../secret.ts';
import type { InterfaceConfig } from './config.ts';

type Name = keyof InterfaceConfig;

/** One key of the [Interface] section. Parse, render, diff, the wire messages and the apply engine all loop over FIELDS. */
export interface Field<N extends Name = Name> {
  readonly name: N;
  /** As wg-quick(8) and wg(8) spell it; files may use any letter case. */
  readonly key: string;
  /** Its name in the agent's HTTP messages. */
  readonly wire: string;
  /** Which program understands the key: wg(8) fails on those of wg-quick. */
  readonly owner: 'wg' | 'wg-quick';
  /** Hook values reach to the end of the line; in others `#` starts a comment. */
  readonly hook: boolean;
  /** The value of all lines with this key, in file order. Text that is no value reads as absent. */
  readonly read: (values: readonly string[]) => InterfaceConfig[N];
  /** One string for each line to write. */
  readonly write: (value: InterfaceConfig[N]) => readonly string[];
  readonly equal: (left: InterfaceConfig[N], right: InterfaceConfig[N]) => boolean;
}

const last = (values: readonly string[]): string => values.at(-1) ?? '';
const same = <T>(left: T, right: T): boolean => left === right;
const sameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((value, index) => value === right[index]);
const items = (values: readonly string[]): string[] => values.flatMap((value) => value.split(/[\s,]+/)).filter(Boolean);
const line = (value: number | string | null): string[] => (value === null ? [] : [String(value)]);

const decimal = (text: string, maximum: number): number | null => {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= maximum ? value : null;
};

const readMark = (text: string): number | null => {
  if (!/^0x[0-9a-fA-F]{1,8}$/.test(text)) return decimal(text, 0xffffffff);
  const value = Number.parseInt(text, 16);
  return value === 0 ? null : value;
};

const hooks = (name: 'preUp' | 'postUp' | 'preDown' | 'postDown', key: string, wire: string): Field<typeof name> => ({
  name,
  key,
  wire,
  owner: 'wg-quick',
  hook: true,
  read: (values) => values.filter((value) => value !== ''),
  write: (value) => value,
  // Old agents and clients write all rules joined in one line; one line and several lines then do the same.
  equal: (left, right) => sameList(left, right) || left.join('; ') === right.join('; '),
});

const field = <N extends Name>(row: Omit<Field<N>, 'hook'>): Field<N> => ({ ...row, hook: false });

/** In the order in which a fresh section is written. */
export const FIELDS = {
  privateKey: field<'privateKey'>({
    name: 'privateKey',
    key: 'PrivateKey',
    wire: 'private_key',
    owner: 'wg',
    read: (values) => (last(values) === '' ? null : new Secret(last(values))),
    write: (value) => line(value?.reveal() ?? null),
    equal: (left, right) => (left === null || right === null ? left === right : left.equals(right)),
  }),
  listenPort: field<'listenPort'>({
    name: 'listenPort',
    key: 'ListenPort',
    wire: 'listen_port',
    owner: 'wg',
    read: (values) => decimal(last(values), 65535),
    write: line,
    equal: same,
  }),
  fwMark: field<'fwMark'>({
    name: 'fwMark',
    key: 'FwMark',
    wire: 'fw_mark',
    owner: 'wg',
    read: (values) => readMark(last(values)),
    write: line,
    equal: same,
  }),
  addresses: field<'addresses'>({
    name: 'addresses',
    key: 'Address',
    wire: 'address',
    owner: 'wg-quick',
    read: (values) => [...new Set(items(values).map((item) => canonicalCidr(item) ?? item))],
    write: (value) => line(value.length === 0 ? null : value.join(', ')),
    // The order says nothing: an interface has a set of addresses.
    equal: (left, right) => sameList([...left].sort(), [...right].sort()),
  }),
  mtu: field<'mtu'>({
    name: 'mtu',
    key: 'MTU',
    wire: 'mtu',
    owner: 'wg-quick',
    read: (values) => decimal(last(values), 65535),
    write: line,
    equal: same,
  }),
  dns: field<'dns'>({
    name: 'dns',
    key: 'DNS',
    wire: 'dns',
    owner: 'wg-quick',
    read: items,
    write: (value) => line(value.length === 0 ? null : value.join(', ')),
    equal: sameList,
  }),
  table: field<'table'>({
    name: 'table',
    key: 'Table',
    wire: 'table',
    owner: 'wg-quick',
    read: (values) => (last(values) === '' || last(values) === 'auto' ? null : last(values)),
    write: line,
    equal: same,
  }),
  preUp: hooks('preUp', 'PreUp', 'pre_up'),
  postUp: hooks('postUp', 'PostUp', 'post_up'),
  preDown: hooks('preDown', 'PreDown', 'pre_down'),
  postDown: hooks('postDown', 'PostDown', 'post_down'),
} as const;

export const FIELD_NAMES = Object.keys(FIELDS) as readonly Name[];
export const HOOK_NAMES = ['preUp', 'postUp', 'preDown', 'postDown'] as const;

/** The field `name` with its value types hidden, for loops over all of them. */
export const fieldOf = (name: Name): Field => FIELDS[name] as unknown as Field;

/** Names of the fields in which two configurations differ, in canonical order. */
export const changedFields = (left: InterfaceConfig, right: InterfaceConfig): Name[] =>
  FIELD_NAMES.filter((name) => !fieldOf(name).equal(left[name], right[name]));
