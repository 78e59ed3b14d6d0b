import type { Cidr } from '../address.ts';
import type { Secret } from '../secret.ts';

/** Text of the file or of a request that is no value of its field, by field; of secrets only that there is some. */
export type InvalidTexts = Readonly<Partial<Record<FieldName, readonly string[]>>>;

/** The interface part of a wg-quick(8) file, canonical: equal settings are equal values. Null and empty mean "not in the file". */
export interface InterfaceConfig extends FieldValues {
  /** What stands beside the values: it is reported, kept where nobody asks for the field, and never passed on as a value. */
  readonly invalid: InvalidTexts;
}

/** The name of a field, which is also that of its property in the resource, but for the private key. */
export type FieldName = keyof FieldValues;

/** The value of each field. */
export interface FieldValues {
  readonly privateKey: Secret | null;
  /** 1..65535; null = a random port at every start. */
  readonly listenPort: number | null;
  /** 1..4294967295; null = none, or wg-quick's automatic one when a peer has a default route. */
  readonly fwMark: number | null;
  readonly addresses: readonly Cidr[];
  /** Bytes; null = chosen by wg-quick. */
  readonly mtu: number | null;
  /** Servers and search domains, in the order in which the resolver asks. */
  readonly dns: readonly string[];
  /** `off`, a number or an iproute2 name; null = wg-quick's `auto`. */
  readonly table: string | null;
  /** One bash line each, in order, `%i` not expanded. */
  readonly preUp: readonly string[];
  readonly postUp: readonly string[];
  readonly preDown: readonly string[];
  readonly postDown: readonly string[];
}

export const EMPTY_CONFIG: InterfaceConfig = {
  privateKey: null,
  listenPort: null,
  fwMark: null,
  addresses: [],
  mtu: null,
  dns: [],
  table: null,
  preUp: [],
  postUp: [],
  preDown: [],
  postDown: [],
  invalid: {},
};
