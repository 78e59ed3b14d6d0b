import { audited, type Changed } from '../apply/audited.ts';
import type { Caller } from '../core/audit-record.ts';
import { recover } from '../apply/recover.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { awaitQuick } from '../host/await-quick.ts';
import { createHostStatsReader } from '../host/host-stats.ts';
import { type AgentContext, openInterface } from '../operations/context.ts';
import { addPeer, removePeer, updatePeer } from '../operations/change-peers.ts';
import { deleteInterface } from '../operations/delete-interface.ts';
import { getDump } from '../operations/get-dump.ts';
import { getHealth } from '../operations/get-health.ts';
import { getMetrics } from '../operations/get-metrics.ts';
import { getStatus } from '../operations/get-status.ts';
import { putConfig } from '../operations/put-config.ts';
import { disable, enable } from '../operations/set-state.ts';
import { syncConf } from '../operations/sync-conf.ts';
import { parseBody } from './parse-body.ts';
import { type HttpResponse, jsonResponse, jsonText } from './respond.ts';

/** What of a request its route gets; it is authenticated by then. */
export interface RouteRequest {
  /** The `{i}` of the path, decoded; empty where the path has none. */
  readonly name: string;
  /** What stands behind it, decoded: a public key may hold `/`. */
  readonly rest: string;
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

type Mutate = (
  route: readonly ['PUT' | 'POST' | 'DELETE', string, string],
  work: (target: ManagedInterface, request: RouteRequest, changed: Changed) => Promise<object>,
) => Route;

/** What the old contract has for peers. */
const peerRoutes = (mutate: Mutate): Route[] => [
  mutate(['POST', '/v1/wg/:name/peers', 'peer'], (target, { body }) => addPeer(target, parseBody.postPeer(body))),
  mutate(['PUT', '/v1/wg/:name/peers/*', 'peer'], (target, { rest, body }) =>
    updatePeer(target, rest, parseBody.putPeer(body)),
  ),
  mutate(['DELETE', '/v1/wg/:name/peers/*', 'peer-delete'], (target, { rest }) => removePeer(target, rest)),
  mutate(['POST', '/v1/wg/:name/syncconf', 'syncconf'], (target, { body }) =>
    syncConf(target, parseBody.syncConf(body)),
  ),
];

/** The whole HTTP surface of the agent. */
export function createRoutes(context: AgentContext): Route[] {
  const readHostStats = createHostStatsReader();
  const read = (path: string, handle: (name: string, request: RouteRequest) => Promise<HttpResponse>): Route => ({
    method: 'GET',
    path,
    mutates: false,
    handle: (request) => handle(request.name, request),
  });
  const mutate: Mutate = ([method, path, verb], work) => ({
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
        return work(target, request, changed);
      };
      return jsonResponse(withWarnings(await target.locked(() => audited(target, verb, settled)), target));
    },
  });
  const routes = [
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
    mutate(['PUT', '/v1/wg/:name/config', 'put'], (target, { body }, changed) =>
      putConfig(context, target, { body: parseBody.putConfig(body), changed }),
    ),
    mutate(['POST', '/v1/wg/:name/enable', 'enable'], enable),
    mutate(['POST', '/v1/wg/:name/disable', 'disable'], disable),
    mutate(['DELETE', '/v1/wg/:name', 'delete'], deleteInterface),
    ...peerRoutes(mutate),
  ];
  return [...routes, ...routes.filter(({ path }) => path.startsWith(FIRST)).map(asBeforeV1)];
}

const FIRST = '/v1/wg/';

/** Agents before 2.0 had no version in the path; the panel's client still calls dump and peers so. */
const asBeforeV1 = (route: Route): Route => ({ ...route, path: route.path.slice('/v1'.length) });
