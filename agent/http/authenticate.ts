import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AgentError } from '../core/agent-error.ts';
import type { Caller } from '../core/audit-record.ts';
import { memoized } from '../protocol/memoized.ts';
import type { Secret } from '../protocol/secret.ts';
import { type Verification, verifyV1 } from '../protocol/signature-v1.ts';
import type { AgentSettings } from '../settings.ts';

/** The raw body as it came, or empty. */
export const rawBody = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

const header = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Decided by method and raw request target alone; no header can make a route open. */
const isOpen = (request: FastifyRequest, settings: AgentSettings): boolean => {
  const target = request.raw.url ?? '';
  if (request.raw.method !== 'GET') return false;
  return target === '/health' || (settings.dropIn && target === '/v1/metrics');
};

/**
 * Lets a request through or throws 401; who sent it. Unknown routes are judged too, so that nobody learns which ones there are.
 */
export function authenticate(request: FastifyRequest, settings: AgentSettings, nowMs: number): Caller {
  const address = request.ip;
  if (isOpen(request, settings)) return { key: null, address };
  const verification = verify(request.raw, rawBody(request), settings, nowMs);
  if (!verification.ok) throw new AgentError(verification.code, verification.error);
  return { key: keyId(verification.secret), address };
}

/** Eight hex digits: enough to tell the keys of a host apart, and of a key too little to try others against. */
const keyId = memoized((secret: Secret) =>
  createHash('sha256').update(`wgnode key id\0${secret.reveal()}`).digest('hex').slice(0, 8),
);

/** Whether a request with this body is signed by one of the secrets. */
export const isSigned = (request: IncomingMessage, body: Buffer, settings: AgentSettings, nowMs: number): boolean =>
  verify(request, body, settings, nowMs).ok;

const verify = (request: IncomingMessage, body: Buffer, settings: AgentSettings, nowMs: number): Verification =>
  verifyV1({
    method: request.method ?? '',
    target: request.url ?? '',
    body,
    timestamp: header(request, 'x-timestamp'),
    signature: header(request, 'x-signature'),
    secrets: settings.secrets,
    nowMs,
    maxAgeSeconds: settings.maxTimestampAgeSeconds,
  });

/** All bodies that are being read, and those of one address: a stranger must not use up the room of everybody. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;
const MAX_PENDING_BYTES_EACH = 4 * 1024 * 1024;

/** Scheme v1 signs the body, so it must be read before anybody is known: this bounds what strangers can make us hold. */
export function createBodyBudget(bodyLimit: number): (request: FastifyRequest, reply: FastifyReply) => void {
  let total = 0;
  const pending = new Map<string, number>();
  return (request, reply) => {
    const address = request.ip;
    const declared = Number(request.headers['content-length'] ?? 0);
    const bytes = request.headers['transfer-encoding'] === undefined ? Math.min(declared, bodyLimit) : bodyLimit;
    if (bytes === 0) return;
    const own = (pending.get(address) ?? 0) + bytes;
    if (total + bytes > MAX_PENDING_BYTES || own > MAX_PENDING_BYTES_EACH) {
      throw new AgentError('busy', 'Too many request bodies are under way; try again later');
    }
    total += bytes;
    pending.set(address, own);
    reply.raw.once('close', () => {
      total -= bytes;
      const rest = (pending.get(address) ?? 0) - bytes;
      if (rest > 0) pending.set(address, rest);
      else pending.delete(address);
    });
  };
}
