import type { Parsed } from './field.ts';
import { sameList } from './field-kinds.ts';
import { FIELD_NAMES, type FieldName, fieldOf, type FieldValues, HOOK_NAMES } from './fields.ts';

/** Text of the file or of a request that is no value of its field, by field; of secrets only that there is some. */
export type InvalidTexts = Readonly<Partial<Record<FieldName, readonly string[]>>>;

/** The interface part of a wg-quick(8) file, canonical: equal settings are equal values. Null and empty mean "not in the file". */
export interface InterfaceConfig extends FieldValues {
  /** What stands beside the values: it is reported, kept where nobody asks for the field, and never passed on as a value. */
  readonly invalid: InvalidTexts;
}

/** Whether a field says the same in two configurations: equal values, and equal texts that are none. */
export const isSame = (name: FieldName, left: InterfaceConfig, right: InterfaceConfig): boolean =>
  fieldOf(name).equal(left[name], right[name]) && sameList(left.invalid[name] ?? [], right.invalid[name] ?? []);

/** Names of the fields in which two configurations differ, in canonical order. */
export const changedFields = (left: InterfaceConfig, right: InterfaceConfig): FieldName[] =>
  FIELD_NAMES.filter((name) => !isSame(name, left, right));

/** A configuration with the value of each field from `read`, and the texts that are none beside them. */
export function configFrom(read: (name: FieldName) => Parsed<unknown>): InterfaceConfig {
  const parsed = FIELD_NAMES.map((name) => [name, read(name)] as const);
  const values = Object.fromEntries(parsed.map(([name, { value }]) => [name, value]));
  const texts = parsed.filter(([, { invalid }]) => invalid.length > 0).map(([name, { invalid }]) => [name, invalid]);
  return { ...values, invalid: Object.fromEntries(texts) as InvalidTexts } as InterfaceConfig;
}

/** `config` with another text for each hook. */
export function mapHooks(
  config: InterfaceConfig,
  change: (hook: string, name: (typeof HOOK_NAMES)[number], index: number) => string,
): InterfaceConfig {
  const hooks = HOOK_NAMES.map((name) => [name, config[name].map((hook, index) => change(hook, name, index))] as const);
  return { ...config, ...Object.fromEntries(hooks) };
}

/** What a file without any line says. */
export const EMPTY_CONFIG: InterfaceConfig = configFrom((name) => ({ value: fieldOf(name).absent, invalid: [] }));

/** `config` with these fields, and the texts of them that are no value, as `source` has them. */
export function withFieldsOf(
  config: InterfaceConfig,
  source: InterfaceConfig,
  names: readonly FieldName[],
): InterfaceConfig {
  const from = (name: FieldName): InterfaceConfig => (names.includes(name) ? source : config);
  return configFrom((name) => ({ value: from(name)[name], invalid: from(name).invalid[name] ?? [] }));
}
