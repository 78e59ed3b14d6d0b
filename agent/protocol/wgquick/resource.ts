import { configFrom, type InterfaceConfig } from './config.ts';
import { type FieldName, fieldOf, type FIELDS } from './fields.ts';

type Fields = typeof FIELDS;

/** The properties of a WireGuardNode's `spec.interface` that are fields of the file; its private key comes from a Secret. */
export type ResourceFields = {
  readonly [N in Exclude<FieldName, 'privateKey'>]?: NonNullable<Parameters<Fields[N]['fromResource']>[0]>;
};

/** The configuration of a resource and its private key, which may be any text: what is no value is in `invalid`. */
export const configFromResource = (resource: ResourceFields, privateKey: string | undefined): InterfaceConfig =>
  configFrom((name) => fieldOf(name).fromResource(name === 'privateKey' ? privateKey : resource[name]));
