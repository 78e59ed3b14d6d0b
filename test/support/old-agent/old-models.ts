import type { InterfaceBody } from './old-files.ts';

/** What the old agent's body models take (pydantic 2, lax mode), and what a 422 says. */

interface Problem {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  /** What was sent, a private key included. */
  readonly input: unknown;
}

export class Unprocessable extends Error {
  readonly detail: readonly Problem[];

  constructor(detail: readonly Problem[]) {
    super('unprocessable');
    this.detail = detail;
  }
}

type Value = string | number | readonly string[] | null;
type Reader = (value: unknown) => { readonly value: Value } | { readonly type: string; readonly msg: string };

const asText: Reader = (value) =>
  typeof value === 'string' ? { value } : { type: 'string_type', msg: 'Input should be a valid string' };

/** `"51820"`, `1420.0` and `true` are integers; 1420.5 is none. */
const asInt: Reader = (value) => {
  if (typeof value === 'boolean') return { value: Number(value) };
  const number = typeof value === 'string' && /^\s*[+-]?[0-9]+\s*$/.test(value) ? Number(value) : value;
  if (Number.isInteger(number)) return { value: number as number };
  return typeof number === 'number'
    ? { type: 'int_from_float', msg: 'Input should be a valid integer, got a number with a fractional part' }
    : { type: 'int_type', msg: 'Input should be a valid integer' };
};

const asTexts: Reader = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? { value: value }
    : { type: 'list_type', msg: 'Input should be a valid list' };

interface Field {
  readonly read: Reader;
  /** Undefined = it is required. */
  readonly absent?: Value;
  readonly isNullable?: true;
}

const optional = (read: Reader): Field => ({ read, absent: null, isNullable: true });

const INTERFACE = {
  private_key: { read: asText },
  listen_port: optional(asInt),
  address: optional(asText),
  post_up: optional(asText),
  pre_down: optional(asText),
  mtu: optional(asInt),
  dns: optional(asText),
  table: optional(asText),
} as const;
const NEW_PEER = {
  public_key: { read: asText },
  allowed_ips: { read: asTexts, absent: [] },
  preshared_key: optional(asText),
  persistent_keepalive: { read: asInt, absent: 0 },
} as const;
const PEER_UPDATE = { allowed_ips: optional(asTexts), persistent_keepalive: optional(asInt) } as const;
const SYNC = { config: { read: asText } } as const;

export interface NewPeer {
  readonly public_key: string;
  readonly allowed_ips: readonly string[];
  readonly preshared_key: string | null;
  readonly persistent_keepalive: number;
}

export interface PeerUpdate {
  readonly allowed_ips: readonly string[] | null;
  readonly persistent_keepalive: number | null;
}

/** A body without the JSON type is text, which is no object. Throws Unprocessable. */
function parsed(body: Buffer, contentType: string, fields: Readonly<Record<string, Field>>): Record<string, Value> {
  const sent = jsonOf(body, contentType);
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    const msg = 'Input should be a valid dictionary or object to extract fields from';
    throw new Unprocessable([{ type: 'model_attributes_type', loc: ['body'], msg, input: sent }]);
  }
  const problems: Problem[] = [];
  const values: Record<string, Value> = {};
  for (const [name, { read, absent, isNullable }] of Object.entries(fields)) {
    const given: unknown = (sent as Record<string, unknown>)[name];
    const loc = ['body', name];
    if (given === undefined && absent === undefined) {
      problems.push({ type: 'missing', loc, msg: 'Field required', input: sent });
    } else if (given === undefined || (given === null && isNullable === true)) values[name] = absent ?? null;
    else {
      const end = read(given);
      if ('value' in end) values[name] = end.value;
      else problems.push({ ...end, loc, input: given });
    }
  }
  if (problems.length > 0) throw new Unprocessable(problems);
  return values;
}

function jsonOf(body: Buffer, contentType: string): unknown {
  if (body.byteLength === 0)
    throw new Unprocessable([{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }]);
  const text = body.toString('utf8');
  if (!/^application\/(?:[a-z.+-]*\+)?json/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Unprocessable([{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {} }]);
  }
}

export const interfaceBody = (body: Buffer, type: string): InterfaceBody =>
  parsed(body, type, INTERFACE) as unknown as InterfaceBody;
export const newPeer = (body: Buffer, type: string): NewPeer => parsed(body, type, NEW_PEER) as unknown as NewPeer;
export const peerUpdate = (body: Buffer, type: string): PeerUpdate =>
  parsed(body, type, PEER_UPDATE) as unknown as PeerUpdate;
export const syncBody = (body: Buffer, type: string): string => String(parsed(body, type, SYNC)['config']);
