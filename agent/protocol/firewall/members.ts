import { canonicalIp, parseNetwork } from '../address.ts';
import { isInterfaceName } from '../interface-name.ts';
import type { Intent, IntentType } from './intent.ts';

/** What a property of a member may be. `accepts` judges what the JSON schema has let through. */
interface Kind {
  readonly schema: object;
  readonly rule: string;
  readonly accepts: (value: unknown) => boolean;
  /** The one spelling of a value. */
  readonly canonical?: (value: unknown) => unknown;
}

const text = (maxLength: number): object => ({ type: 'string', minLength: 1, maxLength });
const whole = (minimum: number, maximum: number): Kind => ({
  schema: { type: 'integer', minimum, maximum },
  rule: `must be a whole number from ${String(minimum)} to ${String(maximum)}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum,
});
const oneOf = (...words: readonly string[]): Kind => ({
  schema: { enum: words },
  rule: `must be ${words.join(' or ')}`,
  accepts: (value) => words.includes(value as string),
});
const listOf = (kind: Kind, maxItems: number, minItems = 0): Kind => ({
  schema: { type: 'array', minItems, maxItems, items: kind.schema },
  rule: `each ${kind.rule}`,
  accepts: (value) =>
    Array.isArray(value) && value.length >= minItems && value.length <= maxItems && value.every(kind.accepts),
  canonical: (value) => [...new Set((value as readonly unknown[]).map((item) => kind.canonical?.(item) ?? item))],
});

const DEVICE: Kind = {
  schema: text(15),
  rule: 'must be the name of a device',
  accepts: (value) => typeof value === 'string' && isInterfaceName(value),
};
const NETWORK: Kind = {
  schema: text(49),
  rule: 'must be a network or an address',
  accepts: (value) => typeof value === 'string' && parseNetwork(value) !== undefined,
  canonical: (value) => parseNetwork(value as string),
};
const ADDRESS: Kind = {
  schema: text(45),
  rule: 'must be an IP address',
  accepts: (value) => typeof value === 'string' && canonicalIp(value) !== undefined,
  canonical: (value) => canonicalIp(value as string),
};
const SWITCH: Kind = {
  schema: { type: 'boolean' },
  rule: 'must be true or false',
  accepts: (value) => typeof value === 'boolean',
};
const PORT = whole(1, 65_535);
const PROTOCOL = oneOf('TCP', 'UDP');
const NETWORKS = listOf(NETWORK, 16);

/** The member of a type: its name in the resource, its properties, and which of them must be there. */
export interface Member {
  readonly name: string;
  readonly properties: Readonly<Record<string, Kind>>;
  readonly required: readonly string[];
}

export const MEMBERS: Readonly<Record<IntentType, Member>> = {
  Masquerade: { name: 'masquerade', properties: { outInterface: DEVICE, sources: NETWORKS }, required: [] },
  SNAT: {
    name: 'snat',
    properties: { outInterface: DEVICE, sources: NETWORKS, toAddress: ADDRESS },
    required: ['toAddress'],
  },
  Forward: {
    name: 'forward',
    properties: {
      ...{ inInterface: DEVICE, outInterface: DEVICE, sources: NETWORKS, destinations: NETWORKS },
      ...{ protocol: PROTOCOL, ports: listOf(PORT, 16), action: oneOf('Accept', 'Drop') },
    },
    required: [],
  },
  PortForward: {
    name: 'portForward',
    properties: {
      ...{ inInterface: DEVICE, protocol: PROTOCOL, port: PORT, toAddress: ADDRESS, toPort: PORT, masquerade: SWITCH },
    },
    required: ['inInterface', 'protocol', 'port', 'toAddress'],
  },
  MSSClamp: { name: 'mssClamp', properties: { mss: whole(536, 65_495) }, required: [] },
  OpenPort: {
    name: 'openPort',
    properties: { inInterface: DEVICE, protocol: PROTOCOL, ports: listOf(PORT, 16, 1), sources: NETWORKS },
    required: ['protocol', 'ports'],
  },
  KillSwitch: { name: 'killSwitch', properties: { allowedNetworks: NETWORKS }, required: [] },
  PeerIsolation: { name: 'peerIsolation', properties: { except: NETWORKS }, required: [] },
  IPForwarding: { name: 'ipForwarding', properties: { families: listOf(oneOf('IPv4', 'IPv6'), 2, 1) }, required: [] },
  PolicyRoute: {
    name: 'policyRoute',
    properties: {
      ...{ sources: NETWORKS, destinations: NETWORKS, inInterface: DEVICE, fwMark: whole(1, 0xffffffff) },
      ...{ table: whole(1, 0xffffffff), priority: whole(1, 32_765), defaultRoute: SWITCH },
    },
    required: ['table'],
  },
};

export const TYPES = Object.keys(MEMBERS) as readonly IntentType[];
export const MAX_INTENTS = 64;
const NAME = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';

/** JSON schema of a list of intents: limits before any work. */
export const INTENTS_SCHEMA = {
  type: ['array', 'null'],
  maxItems: MAX_INTENTS,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'type'],
    properties: {
      name: { type: 'string', pattern: NAME },
      type: { enum: TYPES },
      ...Object.fromEntries(
        TYPES.map((type) => {
          const { name, properties, required } = MEMBERS[type];
          const schemas = Object.fromEntries(Object.entries(properties).map(([key, { schema }]) => [key, schema]));
          return [name, { type: 'object', additionalProperties: false, required, properties: schemas }];
        }),
      ),
    },
  },
};

type Loose = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the controller takes from an agent, which may be a newer one, with types of its own. */
export const TOLD_SCHEMA = {
  type: ['array', 'null'],
  maxItems: 1024,
  items: {
    type: 'object',
    required: ['name', 'type'],
    properties: { name: { type: 'string', maxLength: 63 }, type: { type: 'string', maxLength: 63 } },
  },
};

/** Whether this version knows the type. */
export const isKnown = (value: object): boolean =>
  TYPES.includes((value as { readonly type?: IntentType }).type ?? ('' as IntentType));

/** What is wrong with the shape or a value of one intent; empty = nothing. */
export function shapeProblems(value: unknown): string[] {
  if (!isObject(value)) return ['must be {name, type, ...}'];
  const { name, type, ...members } = value;
  if (typeof name !== 'string' || !new RegExp(NAME).test(name))
    return ['name must be of small letters, digits and -, at most 63 characters'];
  const member = TYPES.includes(type as IntentType) ? MEMBERS[type as IntentType] : undefined;
  if (member === undefined) return [`type must be one of ${TYPES.join(', ')}`];
  const other = Object.keys(members).find((key) => key !== member.name);
  if (other !== undefined) return [`${other} is no member of type ${String(type)}; it takes ${member.name}`];
  const own = members[member.name] ?? {};
  if (!isObject(own)) return [`${member.name} must be an object`];
  const known = Object.keys(member.properties);
  return [
    ...member.required.filter((key) => own[key] === undefined).map((key) => `${member.name}.${key} is required`),
    ...Object.entries(own).flatMap(([key, property]) => {
      const kind = member.properties[key];
      if (kind === undefined) return [`${member.name}.${key} is not known; it takes ${known.join(', ')}`];
      return property === undefined || kind.accepts(property) ? [] : [`${member.name}.${key} ${kind.rule}`];
    }),
  ];
}

/** An intent in its one spelling: properties in the order of the table, values canonical, empty lists and members left out. Needs a good shape. */
export function canonicalIntent(value: object): Intent {
  const { name, type, ...members } = value as Loose;
  const member = MEMBERS[type as IntentType];
  // What does not belong there stays, so that it is refused.
  const { [member.name]: given, ...others } = members;
  const own = (given ?? {}) as Loose;
  const properties = Object.entries(member.properties).flatMap(([key, kind]) => {
    const property = own[key];
    if (property === undefined || property === null || (Array.isArray(property) && property.length === 0)) return [];
    return [[key, kind.canonical?.(property) ?? property] as const];
  });
  const rest = properties.length === 0 ? {} : { [member.name]: Object.fromEntries(properties) };
  return { name, type, ...rest, ...others } as unknown as Intent;
}
