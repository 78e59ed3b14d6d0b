import type { FastifyReply } from 'fastify';
import { AgentError } from '../core/agent-error.ts';
import type { Logger } from '../log.ts';
import type { ErrorResponse } from '../protocol/errors.ts';

/** The whole answer to one request, as data; kept for repeats of a signed mutation. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A 200 with a body that is JSON already. */
export const jsonText = (body: string, headers: Record<string, string> = {}): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body,
});

/** A 200 with this body as JSON. */
export const jsonResponse = (body: object, headers: Record<string, string> = {}): HttpResponse =>
  jsonText(JSON.stringify(body), headers);

/** Every failure in one shape. What is not ours to explain becomes `internal`, and its text stays in the log. */
export function errorResponse(error: unknown, log: Logger): HttpResponse {
  const known = asAgentError(error);
  if (known.code === 'internal')
    log.error('unexpected failure', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  const body: ErrorResponse = {
    error: known.message,
    code: known.code,
    details: known.details,
    ...(known.rolledBack === undefined ? {} : { rolled_back: known.rolledBack }),
  };
  // Whoever is told to come again is told when (RFC 9110, section 10.2.3).
  const headers: Record<string, string> = known.status === 429 || known.status === 503 ? { 'retry-after': '1' } : {};
  return { ...jsonResponse(body, headers), status: known.status };
}

function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new AgentError('too_large', 'The request body must be at most 2 MiB');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new AgentError('bad_request', 'The request cannot be read');
  return new AgentError('internal', 'Internal server error', { cause: error });
}

/** Sends a response as it is. */
export const send = (reply: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply =>
  reply.code(status).headers(headers).send(body);
