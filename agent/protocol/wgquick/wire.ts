import { configFrom, type InterfaceConfig, type InvalidTexts } from './config.ts';
import type { Field } from './field.ts';
import { FIELD_NAMES, type FieldName, fieldOf, type FIELDS } from './fields.ts';

/** Interface parts in the agent's messages. Names, forms and limits are those of the field table. */

type Fields = typeof FIELDS;
type WireName<N extends FieldName> = Fields[N]['wire']['name'];
type Reported = Exclude<FieldName, 'privateKey'>;

/** The interface part of the file, without its private key; null and empty mean "not in the file". */
export type WireSpec = {
  readonly [N in Reported as WireName<N>]: ReturnType<Fields[N]['wire']['to']>;
} & { readonly save_config: boolean };

/** The fields of a PUT; one that is left out is removed or kept, as its row says. */
export type SentFields = {
  readonly [N in Reported as WireName<N>]?: Parameters<Fields[N]['wire']['from']>[0];
} & { readonly private_key: string };

const REPORTED = FIELD_NAMES.filter((name): name is Reported => name !== 'privateKey');

const properties = (names: readonly FieldName[], schemaOf: (wire: Field['wire']) => object): Record<string, object> =>
  Object.fromEntries(names.map((name) => [fieldOf(name).wire.name, schemaOf(fieldOf(name).wire)]));

/** JSON schemas of the fields of a PUT, by wire name: limits before any work. */
export const PUT_PROPERTIES = properties(FIELD_NAMES, ({ putSchema }) => putSchema);

/** JSON schemas of what the controller takes as `spec` from an agent, by wire name. */
export const SPEC_PROPERTIES = {
  ...properties(REPORTED, ({ specSchema }) => specSchema),
  save_config: { type: 'boolean' },
};

/**
 * The configuration that a PUT asks for. Texts that are no value of a field that is sent are in `invalid`; those of the previous
 * configuration stay there only where the field is kept.
 */
export function configFromPut(body: SentFields, previous: InterfaceConfig): InterfaceConfig {
  const sent = new Map<string, unknown>(Object.entries(body));
  return configFrom((name) => {
    const { wire, absent } = fieldOf(name);
    const value = sent.get(wire.name);
    if (value !== undefined) return wire.from(value);
    return wire.leftOut === 'kept'
      ? { value: previous[name], invalid: previous.invalid[name] ?? [] }
      : { value: absent, invalid: [] };
  });
}

const sentFields = (names: readonly FieldName[], config: InterfaceConfig): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [fieldOf(name).wire.name, fieldOf(name).wire.to(config[name])]));

/** The fields of a PUT that asks for exactly `config`: every one is sent, so nothing is left to an old agent's defaults. */
export const putFromConfig = (config: InterfaceConfig): SentFields =>
  sentFields(FIELD_NAMES, config) as unknown as SentFields;

/** The wire form of an interface part, without its private key. */
export const specFromConfig = (config: InterfaceConfig, saveConfig: boolean): WireSpec =>
  ({ ...sentFields(REPORTED, config), save_config: saveConfig }) as unknown as WireSpec;

/** The inverse of `specFromConfig`; the private key is never in it, so it is null here. `texts` are those that are no value. */
export function configFromSpec(spec: WireSpec, texts: InvalidTexts = {}): InterfaceConfig {
  const { save_config: _, ...fields } = spec;
  const sent = new Map<string, unknown>(Object.entries(fields));
  const config = configFrom((name) => {
    const { wire, absent } = fieldOf(name);
    const value = sent.get(wire.name);
    return value === undefined ? { value: absent, invalid: [] } : wire.from(value);
  });
  return { ...config, invalid: { ...config.invalid, ...texts } };
}
