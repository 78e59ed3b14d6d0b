import { Ajv } from 'ajv';
import { AgentError } from '../core/agent-error.ts';
import { audited, type Changed } from '../apply/audited.ts';
import type { Caller } from '../core/audit-record.ts';
import { recover } from '../apply/recover.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { awaitQuick } from '../host/await-quick.ts';
import { createHostStatsReader } from '../host/host-stats.ts';
import { type AgentContext, openInterface } from '../operations/context.ts';
import { deleteInterface } from '../operations/delete-interface.ts';
import { getDump } from '../operations/get-dump.ts';
import { getHealth } from '../operations/get-health.ts';
import { getMetrics } from '../operations/get-metrics.ts';
import { getStatus } from '../operations/get-status.ts';
import { putConfig } from '../operations/put-config.ts';
import { disable, enable } from '../operations/set-state.ts';
import { PUT_CONFIG_SCHEMA, type PutConfigBody } from '../protocol/messages.ts';
import { redactKeys } from '../protocol/redact.ts';
import { type HttpResponse, jsonResponse, jsonText } from './respond.ts';

/** What of a request its route gets; it is authenticated by then. */
export interface RouteRequest {
  /** The `{i}` of the path, decoded; empty where the path has none. */
  readonly name: string;
  readonly caller: Caller;
  readonly body: Buffer;
  readonly ifNoneMatch: string | undefined;
}

/** One method of one path. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  /** Changes something: one at a time for each interface, and a repeat has no second effect. */
  readonly mutates: boolean;
  readonly handle: (request: RouteRequest) => Promise<HttpResponse>;
}

const validatePut = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<PutConfigBody>(PUT_CONFIG_SCHEMA);

function parsePut(body: Buffer): PutConfigBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AgentError('bad_request', 'The request body must be JSON', { cause: error });
  }
  if (validatePut(parsed)) return parsed;
  // Never the value itself: it may be a key.
  const details = (validatePut.errors ?? []).map(({ instancePath, message, params }) => {
    const extra =
      'additionalProperty' in params ? ` (${redactKeys(String(params['additionalProperty'])).slice(0, 64)})` : '';
    return `${instancePath === '' ? '/' : instancePath}: ${message ?? 'is wrong'}${extra}`;
  });
  throw new AgentError('schema', `The request body does not fit: ${details.join('; ')}`, { details });
}

/** A client takes no more. */
const MAX_WARNINGS = 8;
const MAX_WARNING = 256;

/** Until no wg-quick works on the interface. wireguard-go writes its answer while the processes are looked through. */
async function awaitTurn({ name, backend }: ManagedInterface): Promise<void> {
  backend.ask();
  if (await awaitQuick(name)) backend.ask();
}

const withWarnings = (answer: object, { warnings }: ManagedInterface): object =>
  warnings.length === 0
    ? answer
    : { ...answer, warnings: warnings.slice(0, MAX_WARNINGS).map((text) => text.slice(0, MAX_WARNING).toWellFormed()) };

/** The whole HTTP surface of the agent. */
export function createRoutes(context: AgentContext): Route[] {
  const readHostStats = createHostStatsReader();
  const read = (path: string, handle: (name: string, request: RouteRequest) => Promise<HttpResponse>): Route => ({
    method: 'GET',
    path,
    mutates: false,
    handle: (request) => handle(request.name, request),
  });
  const mutate = (
    [method, path, verb]: readonly ['PUT' | 'POST' | 'DELETE', string, string],
    work: (target: ManagedInterface, body: Buffer, changed: Changed) => Promise<object>,
  ): Route => ({
    method,
    path,
    mutates: true,
    handle: async (request) => {
      const target = openInterface(context, request.name, request.caller);
      const settled = async (changed: Changed): Promise<object> => {
        context.host.audit.mustBeWritable();
        await awaitTurn(target);
        // DELETE forgets an unfinished change with everything else.
        if (method !== 'DELETE') await recover(target);
        return work(target, request.body, changed);
      };
      return jsonResponse(withWarnings(await target.locked(() => audited(target, verb, settled)), target));
    },
  });
  return [
    read('/health', () => Promise.resolve(jsonResponse(getHealth(context)))),
    read('/v1/status', async () => jsonResponse(await getStatus(context, readHostStats))),
    read('/v1/metrics', async () => ({
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: await (await getMetrics(context, readHostStats)).metrics(),
    })),
    read('/v1/wg/:name/dump', async (name) => jsonResponse(await getDump(context, openInterface(context, name)))),
    read('/v1/wg/:name/config', async (name, { ifNoneMatch }) => {
      const target = openInterface(context, name);
      // Who has seen nothing yet, or asks for certain, is told what is there now.
      const known = ifNoneMatch === undefined ? null : context.configs.peek(name);
      const { body, etag } = known ?? (await context.configs.get(target));
      const headers = { etag };
      return ifNoneMatch === etag ? { status: 304, headers, body: '' } : jsonText(body, headers);
    }),
    mutate(['PUT', '/v1/wg/:name/config', 'put'], (target, body, changed) =>
      putConfig(context, target, { body: parsePut(body), changed }),
    ),
    mutate(['POST', '/v1/wg/:name/enable', 'enable'], enable),
    mutate(['POST', '/v1/wg/:name/disable', 'disable'], disable),
    mutate(['DELETE', '/v1/wg/:name', 'delete'], deleteInterface),
  ];
}
