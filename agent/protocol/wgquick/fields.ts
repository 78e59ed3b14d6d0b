import { canonicalIp, isIpv6, parseCidr, parseInterfaceAddress } from '../address.ts';
import { intentProblems } from '../firewall/check.ts';
import type { Intent } from '../firewall/intent.ts';
import { canonicalIntent, INTENTS_SCHEMA, isKnown, shapeProblems, TOLD_SCHEMA } from '../firewall/members.ts';
import { redactKeys } from '../redact.ts';
import { type InterfaceKey, NO_KEY, parsePrivateKey } from '../interface-key.ts';
import type { Field, Parsed } from './field.ts';
import { decimal, hooks, lastOfQuick, lastOfWg, list, same, sameList, tooMany, wholeNumber } from './field-kinds.ts';

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

/** A table that a request may ask for; a file may name others. */
const isTable = (table: string | null): boolean =>
  table === null || table === 'off' || (/^[1-9][0-9]{0,9}$/.test(table) && Number(table) <= 0xffffffff);

const DOMAIN = /^[a-zA-Z0-9_]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?$/;

/** A server in canonical text, or a search domain: to wg-quick(8) everything of digits and dots, or with a colon, is a server. */
function parseDnsEntry(text: string): string | undefined {
  const ip = canonicalIp(text);
  if (ip !== undefined) return ip;
  return !/^[0-9.]+$/.test(text) && text.length <= 253 && DOMAIN.test(text) ? text : undefined;
}

const KEY_RULE = 'must be a private key as `wg genkey` prints it: 44 characters of base64, not all zero';

/** Of a text that is no private key nothing is repeated. */
function keyOf(text: string | null): Parsed<InterfaceKey | null> {
  const value = text === null || text === '' ? null : parsePrivateKey(text);
  return { value: value ?? null, invalid: value === undefined ? ['[redacted]'] : [] };
}

const privateKey: Field<InterfaceKey | null, string, string, 'private_key'> = {
  key: 'PrivateKey',
  owner: 'wg',
  hook: false,
  rule: KEY_RULE,
  absent: null,
  parse: (texts) => {
    const { value, invalid } = lastOfWg(parsePrivateKey)(texts);
    return { value, invalid: invalid.map(() => '[redacted]') };
  },
  write: (value) => (value?.privateKey ? [value.privateKey.reveal()] : []),
  equal: (left, right) => (left === null || right === null ? left === right : left.equals(right)),
  text: (value) => value?.publicKey ?? '',
  check: (value) => (value === null ? [{ message: KEY_RULE }] : []),
  wire: {
    name: 'private_key',
    leftOut: 'removed',
    putSchema: { type: 'string', maxLength: 64 },
    // It is never read back.
    specSchema: { type: 'null' },
    to: (value) => value?.privateKey?.reveal() ?? '',
    from: keyOf,
  },
  fromResource: (value) => keyOf(value ?? null),
  running: {
    shownBy: 'kernel',
    of: (device) => device.key,
    // A file without a key leaves it to a hook.
    holds: (desired, device) => desired === null || desired.equals(device.key ?? NO_KEY),
    step: 'set-private-key',
  },
};

const table: Field<string | null, string | null, string | number, 'table'> = {
  key: 'Table',
  owner: 'wg-quick',
  hook: false,
  rule: 'must be auto, off or a number from 1 to 4294967295',
  absent: null,
  parse: lastOfQuick(parseTable),
  write: (value) => (value === null ? [] : [value]),
  equal: same,
  text: (value) => redactKeys(value ?? 'auto'),
  check: (value) => (isTable(value) ? [] : [{ message: 'must be auto, off or a number from 1 to 4294967295' }]),
  wire: {
    name: 'table',
    leftOut: 'kept',
    putSchema: { type: ['string', 'null'], maxLength: 32 },
    specSchema: { type: ['string', 'null'], maxLength: 64 },
    to: (value) => value,
    from: (sent) => lastOfQuick(parseTable)([sent ?? '']),
  },
  fromResource: (value) => {
    if (value === undefined || value === 'Auto') return { value: null, invalid: [] };
    return { value: value === 'None' ? 'off' : String(value), invalid: [] };
  },
  toResource: (value) => (value === 'off' ? 'None' : Number(value)),
  // wg-quick(8) makes routes and rules only at `up`.
  running: { shownBy: 'copy', step: 'restart' },
};

/** Of the comment that holds the intents: to wg(8) and wg-quick(8) it is none of their business. */
export const FIREWALL_KEY = '#wgnode:firewall';

/** Intents of a file; a text with one that is none is none as a whole. */
function parseIntents(text: string | undefined): Parsed<readonly Intent[]> {
  if (text === undefined || text === '') return { value: [], invalid: [] };
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((item) => shapeProblems(item).length === 0))
      return { value: list.map((item) => canonicalIntent(item as object)), invalid: [] };
  } catch {
    // As below.
  }
  return { value: [], invalid: [text] };
}

const firewall: Field<readonly Intent[], readonly Intent[], readonly object[], 'firewall', never> = {
  key: FIREWALL_KEY,
  owner: 'wgnode',
  hook: true,
  rule: 'must be a list of intents as JSON',
  absent: [],
  parse: (texts) => parseIntents(texts.at(-1)),
  write: (value) => (value.length === 0 ? [] : [JSON.stringify(value)]),
  equal: (left, right) => JSON.stringify(left) === JSON.stringify(right),
  text: (value) => value.map(({ name, type }) => `${name} (${type})`).join(', '),
  check: intentProblems,
  judgedWith: ['addresses', 'fwMark', 'listenPort', 'table'],
  wire: {
    name: 'firewall',
    leftOut: 'kept',
    putSchema: INTENTS_SCHEMA,
    specSchema: TOLD_SCHEMA,
    to: (value) => value,
    from: (sent) => ({
      value: (sent ?? []).filter(isKnown).map(canonicalIntent),
      invalid: (sent ?? []).filter((intent) => !isKnown(intent)).map((intent) => JSON.stringify(intent)),
    }),
  },
  fromResource: (value) => ({ value: (value ?? []).map(canonicalIntent), invalid: [] }),
  running: { shownBy: 'copy', step: 'set-firewall' },
};

/**
 * Every field of an interface, in the order in which a fresh section is written. Parser, renderer, messages, plan, comparison and the
 * controller loop over it: a field is a row here, its property in the CRD and its arbitrary value in `test/fixtures/arbitraries.ts`.
 * Null and empty mean "not in the file".
 */
export const FIELDS = {
  /** Null in a file = left to a hook. */
  privateKey,
  /** 1..65535; null = a random port at every start. */
  listenPort: wholeNumber({
    key: 'ListenPort',
    owner: 'wg',
    rule: 'must be from 1 to 65535',
    minimum: 1,
    maximum: 65_535,
    parse: lastOfWg(decimal(65_535)),
    wire: { name: 'listen_port', leftOut: 'removed' },
    running: {
      shownBy: 'kernel',
      of: (device) => device.listenPort,
      holds: (desired, device) => desired === null || desired === device.listenPort,
      step: 'set-listen-port',
    },
  }),
  /** 1..4294967295; null = none, or wg-quick's automatic one when a peer has a default route. */
  fwMark: wholeNumber({
    key: 'FwMark',
    owner: 'wg',
    rule: 'must be from 1 to 4294967295',
    minimum: 1,
    maximum: 0xffffffff,
    parse: lastOfWg(parseMark),
    wire: { name: 'fw_mark', leftOut: 'kept' },
    running: {
      shownBy: 'kernel',
      of: (device) => device.fwMark,
      holds: (desired, { fwMark }, ours) => desired === fwMark || (desired === null && !ours.includes(fwMark)),
      step: 'set-fwmark',
    },
  }),
  addresses: list({
    key: 'Address',
    owner: 'wg-quick',
    rule: 'must hold addresses with or without a prefix length',
    parseItem: parseInterfaceAddress,
    parseResourceItem: parseCidr,
    maxReported: 64,
    unique: true,
    // The order says nothing: an interface has a set of addresses.
    equal: (left, right) => sameList([...left].sort(), [...right].sort()),
    check: (value) => [
      ...tooMany(value, 'addresses'),
      ...(new Set(value).size < value.length ? [{ message: 'must not hold an address twice' }] : []),
    ],
    wire: { name: 'address', leftOut: 'kept' },
    running: {
      shownBy: 'kernel',
      of: (device) => device.addresses,
      holds: (desired, device, ours) =>
        desired.every((address) => device.addresses.includes(address)) &&
        device.addresses.every((address) => desired.includes(address) || !ours.some((own) => own.includes(address))),
      step: 'add-address',
    },
  }),
  /** Bytes; null = chosen by wg-quick. */
  mtu: wholeNumber({
    key: 'MTU',
    owner: 'wg-quick',
    rule: 'must be from 576 to 65535',
    minimum: 576,
    maximum: 65_535,
    parse: lastOfQuick(decimal(65_535)),
    check: (value, { addresses }) =>
      value !== null && value < 1280 && addresses.some(isIpv6)
        ? [{ message: 'must be at least 1280 when `addresses` has an IPv6 address' }]
        : [],
    judgedWith: ['addresses'],
    wire: { name: 'mtu', leftOut: 'removed' },
    running: {
      shownBy: 'kernel',
      of: (device) => device.mtu,
      holds: (desired, { mtu }, ours) => (desired === null ? !ours.includes(mtu) : desired === mtu),
      step: 'set-mtu',
    },
  }),
  /** Servers and search domains, in the order in which the resolver asks. */
  dns: list({
    key: 'DNS',
    owner: 'wg-quick',
    rule: 'must hold IP addresses or search domains',
    parseItem: parseDnsEntry,
    maxReported: 1024,
    unique: false,
    equal: sameList,
    check: (value, { invalid }) => [
      ...tooMany(value, 'entries'),
      ...(value.length > 0 && invalid.length === 0 && value.every((entry) => canonicalIp(entry) === undefined)
        ? [{ message: 'must hold a server: search domains alone do nothing in wg-quick' }]
        : []),
    ],
    wire: { name: 'dns', leftOut: 'removed' },
    running: { shownBy: 'copy', step: 'set-dns' },
  }),
  /** `off`, a number or an iproute2 name; null = wg-quick's `auto`. */
  table,
  /** One command a line, in order, `%i` not expanded; so are the three below. */
  preUp: hooks({
    key: 'PreUp',
    wire: { name: 'pre_up', leftOut: 'kept' },
    running: { shownBy: 'copy', step: 'run-hooks' },
  }),
  postUp: hooks({
    key: 'PostUp',
    wire: { name: 'post_up', leftOut: 'removed' },
    running: { shownBy: 'copy', step: 'run-hooks' },
  }),
  /** Typed intents, which the agent compiles into a table of nftables, rules and settings. */
  firewall,
  // A change of the down hooks alone corrects the teardown of a set-up that stays: it is stored and nothing runs.
  preDown: hooks({
    key: 'PreDown',
    wire: { name: 'pre_down', leftOut: 'removed' },
    running: { shownBy: 'file' },
  }),
  postDown: hooks({
    key: 'PostDown',
    wire: { name: 'post_down', leftOut: 'kept' },
    running: { shownBy: 'file' },
  }),
} as const;

/** The name of a field: that of its property in the resource, but for the private key. */
export type FieldName = keyof typeof FIELDS;

/** The value of each field. */
export type FieldValues = { readonly [N in FieldName]: (typeof FIELDS)[N]['absent'] };

/** In the order of the table. */
export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[];

/** The field `name` with its value types hidden, for loops over all of them. */
export const fieldOf = (name: FieldName): Field => FIELDS[name] as unknown as Field;

/** The fields that are commands. */
export const HOOK_NAMES = ['preUp', 'postUp', 'preDown', 'postDown'] as const satisfies readonly FieldName[];

export type HookName = (typeof HOOK_NAMES)[number];

/** Where the field stands in the resource: `spec.interface.mtu`. */
export const pathOf = (name: FieldName): string =>
  `spec.interface.${name === 'privateKey' ? 'privateKeySecretRef' : name}`;
