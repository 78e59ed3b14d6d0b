// Writes controller/api/KIND.generated.ts from the CRD of each kind that is reconciled: the CRD is the only source of the schema.
// `node hack/generate-types.ts` writes them; with `--check` it writes nothing and exits 1 when a file is stale.
import { readFile, writeFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';
import { type Kind, RECONCILED } from '../controller/api/kinds.ts';

const crdOf = ({ plural, group }: Kind): string => `crds/${plural}.${group}.yaml`;
const outputOf = ({ kind }: Kind): string => `controller/api/${kind.toLowerCase()}.generated.ts`;
const statusOutputOf = ({ kind }: Kind): string => `controller/api/${kind.toLowerCase()}-status.generated.ts`;

/** How the types of a kind are named. */
interface TypeNames {
  /** Path of a sub-schema -> name of its type; the items of a list are written `path[]`. Paths that share a name must have equal schemas. */
  readonly names: Readonly<Record<string, string>>;
  /** Path -> a type that is narrower than the schema says, as its CEL rules are. */
  readonly narrower: Readonly<Record<string, string>>;
}

/** By kind; one without a row gets no names but those of its properties. */
const TYPE_NAMES: Readonly<Record<string, TypeNames>> = {
  WireGuardNode: {
    names: {
      metadata: 'ObjectMeta',
      spec: 'WireGuardNodeSpec',
      'spec.agent': 'AgentSpec',
      'spec.agent.minSignature': 'SignatureScheme',
      'spec.agent.secretRef': 'SecretReference',
      'spec.agent.tls': 'AgentTLS',
      'spec.interface': 'InterfaceSpec',
      'spec.interface.firewall[]': 'FirewallIntent',
      'spec.interface.firewall[].forward': 'ForwardIntent',
      'spec.interface.firewall[].ipForwarding': 'IPForwardingIntent',
      'spec.interface.firewall[].killSwitch': 'KillSwitchIntent',
      'spec.interface.firewall[].masquerade': 'MasqueradeIntent',
      'spec.interface.firewall[].mssClamp': 'MSSClampIntent',
      'spec.interface.firewall[].openPort': 'OpenPortIntent',
      'spec.interface.firewall[].peerIsolation': 'PeerIsolationIntent',
      'spec.interface.firewall[].policyRoute': 'PolicyRouteIntent',
      'spec.interface.firewall[].portForward': 'PortForwardIntent',
      'spec.interface.firewall[].snat': 'SNATIntent',
      'spec.interface.privateKeySecretRef': 'SecretKeyReference',
      'spec.management': 'ManagementSpec',
      'spec.management.maxImpact': 'Impact',
      status: 'WireGuardNodeStatus',
      'status.agent': 'AgentStatus',
      'status.applied': 'AppliedStatus',
      'status.applied.impact': 'Impact',
      'status.conditions[]': 'Condition',
      'status.drift[]': 'DriftEntry',
      'status.drift[].impact': 'Impact',
      'status.interface': 'InterfaceStatus',
      'status.plan': 'PlanStatus',
      'status.plan.impact': 'Impact',
      'status.plan.steps[]': 'PlanStep',
      'status.plan.steps[].impact': 'Impact',
    },
    narrower: { 'spec.interface.table': "'Auto' | 'None' | number" },
  },
};

/** What we use of metadata: the CRD does not describe it, and the API server fills what is required here. */
const OBJECT_META: Schema = {
  type: 'object',
  description: 'The part of the standard object metadata that we use.',
  required: ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'],
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string', format: 'date-time' },
    deletionTimestamp: { type: 'string', format: 'date-time' },
    annotations: { type: 'object', tsType: 'Record<string, string>' },
    labels: { type: 'object', tsType: 'Record<string, string>' },
    finalizers: { type: 'array', items: { type: 'string' } },
  },
};

/** The subset of OpenAPI v3 that a structural CRD schema has, and the `tsType` of json-schema-to-typescript. */
interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  format?: string;
  enum?: string[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  'x-kubernetes-int-or-string'?: boolean;
  tsType?: string;
}

interface CustomResourceDefinition {
  spec: { group: string; names: { kind: string }; versions: { name: string; schema: { openAPIV3Schema: Schema } }[] };
}

/** Turns each named sub-schema into a definition of its own, and the place where it stood into a reference to it. */
class Definitions {
  readonly byName: Record<string, JSONSchema> = {};
  readonly #names: TypeNames;
  readonly #unused: Set<string>;

  constructor(names: TypeNames) {
    this.#names = names;
    this.#unused = new Set(Object.keys(names.names));
  }

  convert(schema: Schema, path: string): JSONSchema {
    const converted = this.#body(schema, path);
    const name = this.#names.names[path];
    if (name === undefined) return converted;
    this.#unused.delete(path);
    const known = this.byName[name];
    if (known !== undefined && shape(known) !== shape(converted)) {
      throw new Error(`Cannot name ${path} ${name} as another sub-schema of that name differs`);
    }
    this.byName[name] ??= schema.enum === undefined ? converted : { enum: schema.enum };
    return { tsType: name, ...describedBy(schema) };
  }

  /** Names whose paths the CRD does not have: a renamed field. */
  get unused(): string[] {
    return [...this.#unused];
  }

  #body(schema: Schema, path: string): JSONSchema {
    const described = describedBy(schema);
    const tsType =
      this.#names.narrower[path] ??
      schema.tsType ??
      (schema['x-kubernetes-int-or-string'] === true ? 'number | string' : undefined);
    if (tsType !== undefined) return { ...described, tsType };
    if (schema.properties !== undefined) return { ...described, ...this.#object(schema, schema.properties, path) };
    if (schema.items !== undefined)
      return { ...described, type: 'array', items: this.convert(schema.items, `${path}[]`) };
    if (schema.enum !== undefined) return { ...described, enum: schema.enum };
    return { ...described, type: scalar(schema, path) };
  }

  /** A field with a default is required here: the API server fills it before anybody reads it. */
  #object(schema: Schema, properties: Record<string, Schema>, path: string): JSONSchema {
    const fields = Object.entries(properties);
    const required = fields.filter(([name, field]) => field.default !== undefined || schema.required?.includes(name));
    const child = (name: string): string => (path === '' ? name : `${path}.${name}`);
    return {
      type: 'object',
      additionalProperties: false,
      required: required.map(([name]) => name),
      properties: Object.fromEntries(fields.map(([name, field]) => [name, this.convert(field, child(name))])),
    };
  }
}

function scalar(schema: Schema, path: string): 'string' | 'integer' | 'number' | 'boolean' {
  switch (schema.type) {
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type;
    default:
      throw new Error(
        `Cannot make a type of ${path} as its schema must be a scalar, a list or an object with properties`,
      );
  }
}

function describedBy(schema: Schema): { description?: string } {
  return schema.description === undefined ? {} : { description: schema.description };
}

/** The schema as text without the descriptions, for comparison. */
function shape(schema: JSONSchema): string {
  return JSON.stringify(schema, (key, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value,
  );
}

async function generate(kind: Kind): Promise<string> {
  const path = crdOf(kind);
  const crd = load(await readFile(path, 'utf8')) as CustomResourceDefinition;
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`Cannot generate types as ${path} must have a version`);
  const { openAPIV3Schema } = version.schema;
  const definitions = new Definitions(TYPE_NAMES[kind.kind] ?? { names: {}, narrower: {} });
  const root = definitions.convert(
    {
      ...openAPIV3Schema,
      required: ['apiVersion', 'kind', 'metadata', ...(openAPIV3Schema.required ?? [])],
      properties: {
        ...openAPIV3Schema.properties,
        apiVersion: { tsType: `'${crd.spec.group}/${version.name}'`, description: 'Version of the schema.' },
        kind: { tsType: `'${crd.spec.names.kind}'` },
        metadata: OBJECT_META,
      },
    },
    '',
  );
  if (definitions.unused.length > 0) {
    throw new Error(
      `Cannot find ${definitions.unused.join(', ')} in ${path}: current names are in TYPE_NAMES of hack/generate-types.ts`,
    );
  }
  const source = await compile({ ...root, definitions: definitions.byName }, kind.kind, {
    bannerComment: `// Generated from ${path} by hack/generate-types.ts. Do not edit: change the CRD and run \`node hack/generate-types.ts\`.\n// A field with a default is not optional here, as the API server fills it.`,
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    format: false,
  });
  return tidyComments(await format(source, { ...(await resolveConfig(outputOf(kind))), parser: 'typescript' }));
}

async function generateStatus(kind: Kind): Promise<string> {
  const path = crdOf(kind);
  const crd = load(await readFile(path, 'utf8')) as CustomResourceDefinition;
  const status = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['status'];
  if (status === undefined) throw new Error(`Cannot find the status in ${path}`);
  // Without what is there for readers.
  const schema = JSON.stringify(status, (key, value: unknown) =>
    key === 'default' || (key === 'description' && typeof value === 'string') ? undefined : value,
  );
  const source = `// Generated from ${path} by hack/generate-types.ts. Do not edit: change the CRD and run \`node hack/generate-types.ts\`.
import type { FieldSchema } from './field-schema.ts';

/** What the API server takes as the status of a ${kind.kind}. */
export const STATUS_SCHEMA: FieldSchema = ${schema};
`;
  const output = statusOutputOf(kind);
  return format(source, { ...(await resolveConfig(output)), parser: 'typescript' });
}

/** Drops the remark "This interface was referenced by ..." of every definition, and puts comments of one line on one line. */
function tidyComments(source: string): string {
  return source
    .replaceAll(/( \*\n)? \* This interface was referenced by .*\n \* via the `definition` .*\n/g, '')
    .replaceAll(/^\/\*\*\n \*\/\n/gm, '')
    .replaceAll(/\/\*\*\n *\* (.*)\n *\*\//g, '/** $1 */')
    .replaceAll(/}\n(?=\/\*\*|export)/g, '}\n\n');
}

async function main(): Promise<number> {
  const [flag, ...rest] = process.argv.slice(2);
  if ((flag !== undefined && flag !== '--check') || rest.length > 0) {
    process.stderr.write('usage: node hack/generate-types.ts [--check]\n');
    return 2;
  }
  process.chdir(`${import.meta.dirname}/..`);
  let stale = 0;
  const outputs = RECONCILED.flatMap((kind) => [
    { kind, output: outputOf(kind), make: generate },
    { kind, output: statusOutputOf(kind), make: generateStatus },
  ]);
  for (const { kind, output, make } of outputs) {
    const generated = await make(kind);
    if ((await readFile(output, 'utf8').catch(() => undefined)) === generated) continue;
    stale += 1;
    if (flag === undefined) await writeFile(output, generated);
    else
      process.stderr.write(
        `generate-types: ${output} is not what ${crdOf(kind)} gives: run \`node hack/generate-types.ts\` and commit the result\n`,
      );
  }
  return flag === '--check' && stale > 0 ? 1 : 0;
}

process.exitCode = await main();
