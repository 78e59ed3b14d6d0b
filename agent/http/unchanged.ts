import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AgentContext } from '../operations/context.ts';
import { isSigned } from './authenticate.ts';

const CONFIG_TARGET = /^\/v1\/wg\/([a-zA-Z0-9_.-]{1,15})\/config$/;
const NO_BODY = Buffer.alloc(0);

/**
 * Answers what a fleet asks all day, a GET config whose answer is the one that the caller has, before the framework looks at it: that costs
 * as much again. False = it is another request, or one that is not signed, and nothing was done.
 */
export function answerUnchanged(
  { configs, settings, host }: AgentContext,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const started = performance.now();
  const { method, url = '', headers } = request;
  const known = headers['if-none-match'];
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (method !== 'GET' || known === undefined || hasBody) return false;
  const name = CONFIG_TARGET.exec(url)?.[1];
  if (name === undefined || !isSigned(request, NO_BODY, settings, host.nowMs())) return false;
  // Only what was asked for before, and so may be managed, is in memory.
  const etag = configs.peek(name)?.etag;
  if (etag === undefined || etag !== known) return false;
  response.writeHead(304, { etag }).end();
  if (host.log.isDebugEnabled()) {
    const ms = Math.round(performance.now() - started);
    host.log.debug('request', { method, path: '/v1/wg/:name/config', interface: name, status: 304, ms });
  }
  return true;
}
