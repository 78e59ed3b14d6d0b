/** The part of a CRD's schema that values are fitted to. */
export interface FieldSchema {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly items?: FieldSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/**
 * A value as its schema takes it: texts are clipped, numbers kept in their bounds, lists cut, and what is no value of its schema is left
 * out, with the object that needs it. Undefined = nothing is left.
 */
export function fit(schema: FieldSchema, value: unknown): unknown {
  if (schema.properties !== undefined) return fitObject(schema, schema.properties, value);
  if (schema.items !== undefined) return fitList(schema, schema.items, value);
  switch (schema.type) {
    case 'string':
      return fitText(schema, value);
    case 'integer':
      return typeof value === 'number' && Number.isFinite(value) ? fitNumber(schema, Math.trunc(value)) : undefined;
    default:
      return value;
  }
}

const fitNumber = (
  { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: FieldSchema,
  value: number,
): number => Math.min(maximum, Math.max(minimum, value));

const regExps = new Map<string, RegExp>();

function regExpOf(pattern: string): RegExp {
  const known = regExps.get(pattern) ?? new RegExp(pattern, 'u');
  regExps.set(pattern, known);
  return known;
}

function fitText(
  { enum: words, pattern, format, minLength = 0, maxLength = Number.MAX_SAFE_INTEGER }: FieldSchema,
  value: unknown,
): string | undefined {
  if (typeof value !== 'string') return undefined;
  // Half a surrogate pair would be stored as another character, and the status would never read back as written.
  const text = value.slice(0, maxLength).toWellFormed();
  const isTime = format !== 'date-time' || !Number.isNaN(Date.parse(text));
  const isOne = words?.includes(text) !== false && (pattern === undefined || regExpOf(pattern).test(text));
  return isOne && isTime && text.length >= minLength ? text : undefined;
}

function fitList(schema: FieldSchema, items: FieldSchema, value: unknown): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const fitting = value.map((item) => fit(items, item)).filter((item) => item !== undefined);
  return withoutDoubles(schema, fitting).slice(0, schema.maxItems);
}

function withoutDoubles(schema: FieldSchema, items: readonly unknown[]): unknown[] {
  const keys = schema['x-kubernetes-list-map-keys'];
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return [...items];
  const idOf = (item: unknown): unknown =>
    keys === undefined ? item : JSON.stringify(keys.map((key) => (item as Readonly<Record<string, unknown>>)[key]));
  return [...new Map(items.map((item) => [idOf(item), item] as const).toReversed()).values()].toReversed();
}

function fitObject(
  { required = [] }: FieldSchema,
  properties: Readonly<Record<string, FieldSchema>>,
  value: unknown,
): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const given = value as Readonly<Record<string, unknown>>;
  const fitting = Object.entries(properties).flatMap(([name, schema]) => {
    const own = Object.hasOwn(given, name) && given[name] !== undefined ? fit(schema, given[name]) : undefined;
    return own === undefined ? [] : [[name, own] as const];
  });
  const object = Object.fromEntries(fitting);
  return required.every((name) => Object.hasOwn(object, name)) ? object : undefined;
}
