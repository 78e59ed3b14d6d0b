import { canonicalCidr } from '../address.ts';
import type { PutConfigBody, WireSpec } from '../messages.ts';
import { Secret } from '../secret.ts';
import type { InterfaceConfig } from './config.ts';

type TextOrList = string | readonly string[] | null | undefined;

/** An absent field becomes `kept`; null and the empty string remove. */
const orKept = <T, U>(value: T | undefined, kept: U, parse: (value: T) => U): U =>
  value === undefined ? kept : parse(value);

const hookLines = (value: TextOrList): string[] => {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
  return (value ?? []).map((line) => line.trim());
};

const listItems = (value: TextOrList): string[] =>
  typeof value === 'string' ? value.split(/[ ,]+/).filter(Boolean) : [...(value ?? [])];

const addresses = (value: TextOrList): string[] => listItems(value).map((item) => canonicalCidr(item) ?? item);

const positive = (value: number | null | undefined): number | null => (value === 0 ? null : (value ?? null));

const tableOf = (value: string | null): string | null =>
  value === null || value === '' || value === 'auto' ? null : value;

/**
 * The configuration that a PUT asks for. Old fields left out are removed, as the old agent does, except `address` and `table`,
 * which its panel never sends; fields that the old agent does not know are kept when they are left out.
 */
export function configFromPut(body: PutConfigBody, former: InterfaceConfig): InterfaceConfig {
  return {
    privateKey: body.private_key === '' ? null : new Secret(body.private_key),
    listenPort: positive(body.listen_port),
    fwMark: orKept(body.fw_mark, former.fwMark, positive),
    addresses: orKept(body.address, former.addresses, addresses),
    mtu: positive(body.mtu),
    dns: listItems(body.dns),
    table: orKept(body.table, former.table, tableOf),
    preUp: orKept(body.pre_up, former.preUp, hookLines),
    postUp: hookLines(body.post_up),
    preDown: hookLines(body.pre_down),
    postDown: orKept(body.post_down, former.postDown, hookLines),
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

/** The inverse of `specFromConfig`; the private key is never on the wire, so it is null here. */
export function configFromSpec(spec: WireSpec): InterfaceConfig {
  return {
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
  };
}
