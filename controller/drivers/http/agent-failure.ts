import { AnswerTooLarge } from './exchange.ts';
import type { UnreachableReason } from '../../api/conditions.ts';
import type { Refusal } from '../../policy/refusal.ts';
import type { Failure } from '../driver.ts';

/** Why a call has no result; what is thrown between a client and its driver. Texts are our own words and bounded. */
export abstract class AgentFailure extends Error {
  /** A word of ours for a metric's label. */
  abstract readonly outcome: string;
  /** The same as a value, as drivers give it. */
  abstract failure(): Failure;
}

/** A call that brought no usable answer; `reason` says how far it came. */
export class AgentUnreachable extends AgentFailure {
  readonly code = 'agent_unreachable';
  readonly reason: UnreachableReason;
  /** The wait that the answer asked for, ms; 0 = none. */
  readonly retryAfterMs: number;

  constructor(reason: UnreachableReason, message: string, cause?: unknown, retryAfterMs = 0) {
    super(message, { cause });
    this.name = 'AgentUnreachable';
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  get outcome(): string {
    return this.reason;
  }

  failure(): Failure {
    const { reason, message, retryAfterMs } = this;
    return { kind: 'unreachable', reason, message, ...(retryAfterMs === 0 ? {} : { retryAfterMs }) };
  }
}

/** The agent lacks what is asked for, or may not be trusted with it: a person must act first. */
export class Unable extends AgentFailure {
  readonly outcome = 'refused';
  readonly refusal: Refusal;

  constructor(reason: Refusal) {
    super(reason.message);
    this.name = 'Unable';
    this.refusal = reason;
  }

  failure(): Failure {
    return { kind: 'refused', refusal: this.refusal };
  }
}

/** The result of calls, or as a value why there is none. Anything else that is thrown is a failure of ours. */
export async function answered<T>(work: () => Promise<T | Failure>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AgentFailure) return error.failure();
    throw error;
  }
}

const TIMEOUTS = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ABORT_ERR',
]);
const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA', 'ESERVFAIL']);
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** The TLS errors of Node and OpenSSL have no common class; their codes have a few common beginnings. */
const isTls = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  );

const TLS_HINT: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; see spec.agent.tls.serverName',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by ca.crt of spec.agent.secretRef',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by ca.crt of spec.agent.secretRef',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by ca.crt of spec.agent.secretRef',
};

const codeOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: string };
  if (typeof code === 'string') return code;
  return name === 'TimeoutError' || name === 'AbortError' ? 'ABORT_ERR' : '';
};

/** Where on the way a transport error of undici, Node or OpenSSL happened. */
export function unreachable(error: unknown, origin: string): AgentUnreachable {
  if (error instanceof AgentUnreachable) return error;
  const code = codeOf(error);
  if (DNS.has(code)) return new AgentUnreachable('DNSFailed', `The host name of ${origin} does not resolve`, error);
  if (code === 'ECONNREFUSED')
    return new AgentUnreachable('ConnectionRefused', `Nothing listens at ${origin}: is the agent running?`, error);
  if (TIMEOUTS.has(code)) return new AgentUnreachable('ConnectionTimeout', `${origin} did not answer in time`, error);
  if (isTls(code)) {
    const hint = TLS_HINT[code] ?? 'TLS cannot be agreed on';
    return new AgentUnreachable('TLSFailed', `${origin}: ${hint} (${code})`, error);
  }
  if (error instanceof AnswerTooLarge)
    return new AgentUnreachable('ProtocolError', `${origin} answers with ${error.message}, which no agent does`, error);
  if ((error as Error).name === 'HTTPParserError') {
    return new AgentUnreachable('ProtocolError', `${origin} does not answer as an agent does`, error);
  }
  const text = RESETS.has(code) ? 'broke the connection off' : 'cannot be reached';
  return new AgentUnreachable('ConnectionRefused', `${origin} ${text}`, error);
}

/** Whether the call never reached the agent, or met a connection that was just being closed: it may be sent again at once. */
export const isReset = (error: unknown): boolean => RESETS.has(codeOf(error));
