import { type Problem, validate } from '../validate.ts';
import { configFrom, type InterfaceConfig } from './config.ts';
import { FIELD_NAMES, type FieldName, fieldOf, type FIELDS } from './fields.ts';

type Fields = typeof FIELDS;

/** The properties of a WireGuardNode's `spec.interface` that are fields of the file; its private key comes from a Secret. */
export type ResourceFields = {
  readonly [N in Exclude<FieldName, 'privateKey'>]?: NonNullable<Parameters<Fields[N]['fromResource']>[0]>;
};

/** The configuration of a resource and its private key, which may be any text: what is no value is in `invalid`. */
export const configFromResource = (resource: ResourceFields, privateKey: string | undefined): InterfaceConfig =>
  configFrom((name) => fieldOf(name).fromResource(name === 'privateKey' ? privateKey : resource[name]));

/** What of a configuration a resource can say, and the problems of what it cannot. */
export interface AsResource {
  readonly fields: ResourceFields;
  readonly problems: readonly Problem[];
}

/** The properties of `spec.interface` for a file; a value that a resource may not have is left out, as is text that is no value. */
export function resourceFrom(config: InterfaceConfig): AsResource {
  const problems = validate(config).filter(({ field }) => field !== 'privateKey');
  const said = FIELD_NAMES.filter((name) => {
    const { equal, absent, check } = fieldOf(name);
    const isAbsent = equal(config[name], absent);
    return name !== 'privateKey' && !isAbsent && check(config[name], { ...config, invalid: [] }).length === 0;
  });
  const entries = said.map((name) => {
    const { toResource } = fieldOf(name);
    return [name, toResource === undefined ? config[name] : toResource(config[name])];
  });
  return { fields: Object.fromEntries(entries) as ResourceFields, problems };
}
