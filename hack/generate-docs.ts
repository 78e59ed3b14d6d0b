import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';
import type { Registry } from 'prom-client';
import { getMetrics } from '../agent/operations/get-metrics.ts';
import { hostMetrics } from '../agent/operations/host-metrics.ts';
import { ERROR_MEANINGS } from '../agent/protocol/error-meanings.ts';
import { ERROR_STATUS, type ErrorCode } from '../agent/protocol/errors.ts';
import { type Explained, HAPPENINGS, REASONS } from '../controller/api/reasons.ts';
import { createMetrics } from '../controller/metrics.ts';
import { createNodeStore } from '../controller/reconcile/informers.ts';
import { systemClock } from '../controller/runtime/clock.ts';
import { createQueue } from '../controller/runtime/queue.ts';

/** The pages of the documentation that are made from the code: `node hack/generate-docs.ts`, `--check` = are they as it says. */

const NOTE = '<!-- Made by hack/generate-docs.ts. Do not edit. -->';
/** A cell of a table: a bar would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const explained = (reasons: Readonly<Record<string, Explained>>): string =>
  table(
    ['reason', 'what it means', 'what to do'],
    Object.entries(reasons).map(([reason, { meaning, cure }]) => [`\`${reason}\``, meaning, cure]),
  );

const troubleshooting = (): string => `${NOTE}

# When something is not as it should be

\`kubectl wgnode status NAME\` walks from the object to the peers and ends with what to do. Here are all words that objects, events and agents
use. \`NAME\` is the name of the object, with \`-n NAMESPACE\` where it is not that of your context.

## Reasons of conditions

\`kubectl get wgn\` shows the reason of \`Ready\`; \`-o wide\` its message.

${explained(REASONS)}

## Events

\`kubectl wgnode events NAME\`. Every turn of \`Ready\` is an event, too, with its reason from above.

${explained(HAPPENINGS)}

## Error codes of the agent

In the body of every answer that is no success (\`code\`), in its log, and in the messages of conditions.

${table(
  ['code', 'HTTP', 'what it means'],
  (Object.keys(ERROR_STATUS) as ErrorCode[]).map((code) => [
    `\`${code}\``,
    String(ERROR_STATUS[code]),
    ERROR_MEANINGS[code],
  ]),
)}
`;

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

const families = (registry: Registry): string =>
  table(
    ['name', 'type', 'labels', 'what it tells'],
    (registry.getMetricsAsArray() as unknown as (Family & object)[])
      .map((family) => {
        return [
          `\`${family.name}\``,
          family.constructor.name.toLowerCase(),
          (family.labelNames ?? []).join(', '),
          family.help,
        ];
      })
      .sort(([left = ''], [right = '']) => (left < right ? -1 : 1)),
  );

async function metrics(): Promise<string> {
  const nodes = createNodeStore();
  const controller = createMetrics({
    ...{ nodes, workers: 1, version: '', objectMetrics: true },
    queue: createQueue(systemClock),
  });
  // What the pages read when nothing runs: every family is there all the same.
  const context = {
    backends: { readAllPeers: () => Promise.resolve(new Map()) },
    host: { nowMs: () => 0, configFolder: '' },
    settings: { tls: null },
    version: '',
  } as unknown as Parameters<typeof hostMetrics>[0];
  const figures = {
    cpu_percent: 0,
    memory: { total: 0, available: 0, percent: 0, used: 0 },
    disk: { total: 0, used: 0, free: 0, percent: 0 },
    network: { bytes_sent: 0, bytes_recv: 0, packets_sent: 0, packets_recv: 0 },
  };
  const old = await getMetrics(context as never, () => Promise.resolve(figures));
  return `${NOTE}

# Metrics

Text or OpenMetrics, as is asked for. Names without \`wgnode\` are those that dashboards of others ask for; they mean what they mean there.

## Controller, port 8080, \`/metrics\`

\`--no-object-metrics\` leaves out \`wgnode_condition\` and \`wgnode_object_*\`. \`/sd/agents\` is the list of hosts for Prometheus (HTTP SD).

${families(controller.registry)}

## Agent, \`/metrics\`

Where \`metrics\` of \`/etc/wgnode/agent.yaml\` says so: \`http://127.0.0.1:9586\` on the host; from elsewhere with its certificate and a bearer token.

${families(await hostMetrics(context))}

## Agent, \`/v1/metrics\`

That of the WGDashboard node agent, signed as every call. \`wireguard_peer_last_handshake_seconds\` is an age here; beside these, with TLS,
\`wgnode_agent_certificate_expiry_timestamp_seconds\`.

${families(old)}
`;
}

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly (string | null)[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
}

const typeOf = ({ type, items, enum: words, anyOf }: Schema): string => {
  if (words !== undefined) return words.map((word) => `\`${String(word)}\``).join(', ');
  if (type === 'array') return `list of ${items?.type ?? ''}s`;
  return type ?? (anyOf === undefined ? 'word or number' : anyOf.map((each) => each.type ?? '').join(' or '));
};

function limitsOf({ minimum, maximum, maxLength, maxItems }: Schema): string {
  const range =
    minimum === undefined && maximum === undefined ? [] : [`${String(minimum ?? '')}..${String(maximum ?? '')}`];
  return [
    ...range,
    ...(maxLength === undefined ? [] : [`${String(maxLength)} characters`]),
    ...(maxItems === undefined ? [] : [`${String(maxItems)} entries`]),
  ].join(', ');
}

function rowsOf(path: string, schema: Schema): string[][] {
  const within = schema.type === 'array' ? (schema.items ?? {}) : schema;
  const required = new Set(within.required ?? []);
  return Object.entries(within.properties ?? {}).flatMap(([name, field]) => {
    const own = `${path}${path === '' ? '' : '.'}${name}${field.type === 'array' && field.items?.type === 'object' ? '[]' : ''}`;
    const fallback =
      field.default === undefined || field.type === 'object' || field.type === 'array'
        ? ''
        : `\`${JSON.stringify(field.default)}\``;
    const row = [
      `\`${own}\``,
      typeOf(field),
      required.has(name) ? 'required' : fallback,
      limitsOf(field),
      field.description ?? '',
    ];
    return [row, ...rowsOf(own, field)];
  });
}

function reference(): string {
  const crd = load(readFileSync(pathOf('crds/wireguardnodes.wgnode.dev.yaml'), 'utf8')) as {
    readonly spec: {
      readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
    };
  };
  const [version] = crd.spec.versions;
  const { spec = {}, status = {} } = version?.schema.openAPIV3Schema.properties ?? {};
  const header = ['field', 'type', 'default', 'limits', 'what it is'];
  return `${NOTE}

# WireGuardNode, wgnode.dev/${version?.name ?? ''}

One WireGuard interface on one host. Short name \`wgn\`, category \`wgnode\`. The same by \`kubectl explain wgn.spec --recursive\`.

## spec

${table(header, rowsOf('', spec))}

## status

Written by the controller alone.

${table(header, rowsOf('', status))}
`;
}

const pathOf = (path: string): string => new URL(`../${path}`, import.meta.url).pathname;
const PAGES: Readonly<Record<string, string>> = {
  'controller/docs/troubleshooting.md': troubleshooting(),
  'controller/docs/metrics.md': await metrics(),
  'crds/reference.md': reference(),
};
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const [path, text] of Object.entries(PAGES)) {
  if (!values.check) writeFileSync(pathOf(path), text);
  else if (readFileSync(pathOf(path), 'utf8') !== text) {
    console.error(`${path} is not as the code says: run node hack/generate-docs.ts`);
    process.exitCode = 1;
  }
}
// The figures of a process keep it alive.
process.exit();
