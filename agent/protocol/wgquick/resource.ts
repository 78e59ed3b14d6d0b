import { type Problem, validate } from '../validate.ts';
import { configFrom, type InterfaceConfig } from './config.ts';
import { FIELD_NAMES, type FieldName, fieldOf, type FIELDS, pathOf } from './fields.ts';

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

/** An IPv4 address in the form of IPv6, which the API server takes for none at all. */
const MAPPED = '::ffff:';
const MAPPED_ADDRESS: Problem = {
  ...{ code: 'invalid_value', field: 'addresses', path: pathOf('addresses') },
  message: `must not hold an IPv4 address in the form of IPv6 (${MAPPED}10.0.0.1): write it as IPv4`,
};

/** The properties of `spec.interface` for a file; a value that a resource may not have is left out, as is text that is no value. */
export function resourceFrom(config: InterfaceConfig): AsResource {
  const isMapped = config.addresses.some((address) => address.startsWith(MAPPED));
  const problems = [
    ...validate(config).filter(({ field }) => field !== 'privateKey'),
    ...(isMapped ? [MAPPED_ADDRESS] : []),
  ];
  const said = FIELD_NAMES.filter((name) => {
    const { equal, absent, check } = fieldOf(name);
    const isAbsent = equal(config[name], absent);
    const isSayable = name !== 'privateKey' && !(name === 'addresses' && isMapped);
    return isSayable && !isAbsent && check(config[name], { ...config, invalid: [] }).length === 0;
  });
  const entries = said.map((name) => {
    const { toResource } = fieldOf(name);
    return [name, toResource === undefined ? config[name] : toResource(config[name])];
  });
  return { fields: Object.fromEntries(entries) as ResourceFields, problems };
}
