import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { AgentError } from '../core/agent-error.ts';
import { AGENT_ITSELF, type Caller } from '../core/audit-record.ts';
import type { Logger } from '../log.ts';
import type { AgentContext } from '../operations/context.ts';
import type { TlsFiles } from '../settings.ts';
import { authenticate, createBodyBudget, rawBody } from './authenticate.ts';
import { type HttpResponse, errorResponse, send } from './respond.ts';
import { createRoutes, type Route } from './routes.ts';
import { followTls, readTls } from './tls-files.ts';
import { answerUnchanged } from './unchanged.ts';

// Whatever an API server can store of a resource (etcd takes 1.5 MiB) fits.
const BODY_LIMIT = 2 * 1024 * 1024;
// Above the controller's poll interval, so that its connections stay warm.
const KEEP_ALIVE_MS = 130_000;

/** Limits before the work that they limit. */
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 30_000,
  keepAliveTimeout: KEEP_ALIVE_MS,
};

/** An HTTP or HTTPS server of Node's. */
function createNodeServer(tls: TlsFiles | null, log: Logger, listener: RequestListener): Server {
  if (tls === null) return createHttpServer(LIMITS, listener);
  const clients = tls.clientCa === null ? {} : { requestCert: true, rejectUnauthorized: true };
  const server = createHttpsServer({ ...LIMITS, ...readTls(tls), ...clients, minVersion: 'TLSv1.2' }, listener);
  server.once('close', followTls(server, tls, log));
  return server;
}

type FrameworkErrors = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;

const createApp = (context: AgentContext, frameworkErrors: FrameworkErrors): FastifyInstance =>
  Fastify({
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors,
    serverFactory: (handler) =>
      createNodeServer(context.settings.tls, context.host.log, (request, response) => {
        if (!answerUnchanged(context, request, response)) handler(request, response);
      }),
  });

/** The agent's HTTP server, not yet listening. Every request is authenticated before anything else looks at it. */
export function createServer(context: AgentContext): FastifyInstance {
  const { host, settings } = context;
  const callers = new WeakMap<FastifyRequest, Caller>();
  const requireSignature = (request: FastifyRequest): void => {
    callers.set(request, authenticate(request, settings, host.nowMs()));
  };
  // What the router cannot even decode is authenticated, too, before anything is said about it.
  const app = createApp(context, (error, request, reply) => {
    void send(
      reply,
      errorResponse(
        thrownBy(() => {
          requireSignature(request);
        }) ?? error,
        host.log,
      ),
    );
  });
  const routes = createRoutes(context);
  const repeats = createRepeats(settings.maxTimestampAgeSeconds, host.nowMs);
  const authenticated = doneAfter(requireSignature);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  const withinBudget = createBodyBudget(BODY_LIMIT);
  app.addHook('onRequest', (request, reply, done) => {
    withinBudget(request, reply);
    done();
  });
  app.setErrorHandler((error, _request, reply) => send(reply, errorResponse(error, host.log)));
  app.setNotFoundHandler({ preValidation: authenticated }, (request, reply) =>
    send(reply, errorResponse(unknownRoute(request, routes), host.log)),
  );
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      preValidation: authenticated,
      handler: async (request, reply) =>
        send(
          reply,
          await repeats(request, route, () =>
            handle(host.log, route, { request, caller: callers.get(request) ?? AGENT_ITSELF }),
          ),
        ),
    });
  }
  return app;
}

const doneAfter =
  (work: (request: FastifyRequest) => void) =>
  (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    work(request);
    done();
  };

function thrownBy(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

interface Called {
  readonly request: FastifyRequest;
  readonly caller: Caller;
}

async function handle(log: Logger, route: Route, { request, caller }: Called): Promise<HttpResponse> {
  const started = performance.now();
  const { name = '', '*': rest = '' } = request.params as { name?: string; '*'?: string };
  const input = { name, rest, caller, body: rawBody(request), ifNoneMatch: request.headers['if-none-match'] };
  const response = await route.handle(input).catch((error: unknown) => errorResponse(error, log));
  const ms = Math.round(performance.now() - started);
  // The controller writes it so; a dry run changes nothing, however it is spelled.
  const isPlan = route.method === 'PUT' && input.body.includes('"dry_run":true');
  const own = name.slice(0, 15);
  const path = route.path.replace(':name', own);
  const fields = { method: route.method, path, interface: own, status: response.status, ms };
  if (isPlan) log.debug('request', { ...fields, dry_run: true });
  else log[route.mutates ? 'info' : 'debug']('request', fields);
  return response;
}

function unknownRoute(request: FastifyRequest, routes: readonly Route[]): AgentError {
  const [path = ''] = (request.raw.url ?? '').split('?', 1);
  const known = routes.some((route) =>
    new RegExp(`^${route.path.replace(':name', '[^/]+').replace('/*', '/.+')}$`).test(path),
  );
  return known ? new AgentError('method_not_allowed', 'Method Not Allowed') : new AgentError('no_route', 'Not Found');
}

interface Seen {
  readonly response: Promise<HttpResponse>;
  /** In which second of our clock it came first. */
  readonly second: number;
}

/**
 * Scheme v1 has no nonce: a repeated mutation gets the first response and has no second effect. But old clients do send enable, disable,
 * enable within a second, each signed as its twin: within the second in which the first one came, an equal call is a call.
 */
function createRepeats(
  maxAgeSeconds: number,
  nowMs: () => number,
): (request: FastifyRequest, route: Route, work: () => Promise<HttpResponse>) => Promise<HttpResponse> {
  const seen = new LRUCache<string, Seen>({ max: 10_000, ttl: 2 * maxAgeSeconds * 1000 });
  return (request, route, work) => {
    const signature = request.headers['x-signature'];
    if (!route.mutates || typeof signature !== 'string') return work();
    const now = Math.floor(nowMs() / 1000);
    const known = seen.get(signature);
    if (known !== undefined && known.second !== now) return known.response;
    const response = work();
    seen.set(signature, { response, second: now });
    return response;
  };
}
