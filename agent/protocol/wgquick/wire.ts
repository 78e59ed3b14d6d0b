import { parseCidr, parseInterfaceAddress } from '../address.ts';
import { isPrivateKey } from '../key.ts';
import type { PutConfigBody, WireSpec } from '../messages.ts';
import { Secret } from '../secret.ts';
import type { FieldName, FieldValues, InterfaceConfig, InvalidTexts } from './config.ts';
import { FIELDS, type Parsed, parseDnsEntry, parseList } from './fields.ts';

type TextOrList = string | readonly string[] | null | undefined;

const hookLines = (value: TextOrList): string[] => {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
  return (value ?? []).map((line) => line.trim());
};

const listItems = (value: TextOrList): string[] =>
  typeof value === 'string' ? value.split(/[ ,]+/).filter(Boolean) : [...(value ?? [])];

const positive = (value: number | null | undefined): number | null => (value === 0 ? null : (value ?? null));

const tableOf = (value: string | null): Parsed<string | null> => FIELDS.table.parse([value ?? '']);

const keyOf = (text: string): Parsed<Secret | null> => {
  if (text === '') return { value: null, invalid: [] };
  return isPrivateKey(text) ? { value: new Secret(text), invalid: [] } : { value: null, invalid: ['[redacted]'] };
};

const isGiven = <T>(value: T | undefined): value is T => value !== undefined;

/**
 * The configuration that a PUT asks for. Old fields left out are removed, as the old agent does, except `address` and `table`,
 * which its panel never sends; fields that the old agent does not know are kept when they are left out. Texts that are no value
 * of a field that is sent are in `invalid`; those of the file stay there only where the field is kept.
 */
export function configFromPut(body: PutConfigBody, previous: InterfaceConfig): InterfaceConfig {
  const key = keyOf(body.private_key);
  const dns = parseList(listItems(body.dns), parseDnsEntry);
  const address = isGiven(body.address)
    ? parseList(listItems(body.address), parseInterfaceAddress)
    : { value: previous.addresses, invalid: previous.invalid.addresses ?? [] };
  const table = isGiven(body.table)
    ? tableOf(body.table)
    : { value: previous.table, invalid: previous.invalid.table ?? [] };
  return {
    privateKey: key.value,
    listenPort: positive(body.listen_port),
    fwMark: isGiven(body.fw_mark) ? positive(body.fw_mark) : previous.fwMark,
    addresses: address.value,
    mtu: positive(body.mtu),
    dns: dns.value,
    table: table.value,
    preUp: isGiven(body.pre_up) ? hookLines(body.pre_up) : previous.preUp,
    postUp: hookLines(body.post_up),
    preDown: hookLines(body.pre_down),
    postDown: isGiven(body.post_down) ? hookLines(body.post_down) : previous.postDown,
    invalid: invalidTexts({
      privateKey: key.invalid,
      fwMark: isGiven(body.fw_mark) ? [] : (previous.invalid.fwMark ?? []),
      addresses: address.invalid,
      dns: dns.invalid,
      table: table.invalid,
    }),
  };
}

/** Without the fields of which every text is a value. */
const invalidTexts = (texts: Partial<Record<FieldName, readonly string[]>>): InvalidTexts =>
  Object.fromEntries(Object.entries(texts).filter(([, list]) => list.length > 0));

/** The configuration of a resource, whose lists are strings: what is no value is in `invalid`. */
export function configFromValues(
  values: Omit<FieldValues, 'addresses' | 'dns'> & {
    readonly addresses: readonly string[];
    readonly dns: readonly string[];
  },
): InterfaceConfig {
  const own = parseList(values.addresses, parseCidr);
  const dns = parseList(values.dns, parseDnsEntry);
  return {
    ...values,
    addresses: own.value,
    dns: dns.value,
    invalid: invalidTexts({ addresses: own.invalid, dns: dns.invalid }),
  };
}

/** The body of a PUT that asks for exactly `config`: every field is sent, so nothing is left to an old agent's defaults. */
export function putFromConfig(config: InterfaceConfig): PutConfigBody {
  const { save_config: _, ...spec } = specFromConfig(config, false);
  return { private_key: config.privateKey?.reveal() ?? '', ...spec };
}

/** The wire form of an interface part, without its private key. */
export function specFromConfig(config: InterfaceConfig, saveConfig: boolean): WireSpec {
  return {
    listen_port: config.listenPort,
    address: config.addresses,
    mtu: config.mtu,
    dns: config.dns,
    table: config.table,
    fw_mark: config.fwMark,
    pre_up: config.preUp,
    post_up: config.postUp,
    pre_down: config.preDown,
    post_down: config.postDown,
    save_config: saveConfig,
  };
}

/** The inverse of `specFromConfig`; the private key is never on the wire, so it is null here. `texts` are those that are no value. */
export function configFromSpec(spec: WireSpec, texts: InvalidTexts = {}): InterfaceConfig {
  const config = configFromValues({
    privateKey: null,
    listenPort: spec.listen_port,
    fwMark: spec.fw_mark,
    addresses: spec.address,
    mtu: spec.mtu,
    dns: spec.dns,
    table: spec.table,
    preUp: spec.pre_up,
    postUp: spec.post_up,
    preDown: spec.pre_down,
    postDown: spec.post_down,
  });
  return { ...config, invalid: { ...config.invalid, ...texts } };
}
