import type { ErrorCode } from '../../../agent/protocol/errors.ts';
import { AnswerTooLarge } from './exchange.ts';
import type { UnreachableReason } from '../../api/conditions.ts';

/** A call that brought no usable answer; `reason` says how far it came. Texts are our own words and bounded. */
export class AgentUnreachable extends Error {
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
}

/** The agent understood and said no; `agentCode` says why. */
export class AgentRefused extends Error {
  readonly code = 'agent_refused';
  readonly status: number;
  readonly agentCode: ErrorCode;
  readonly details: readonly string[];
  readonly rolledBack: boolean | undefined;

  constructor(
    message: string,
    response: { status: number; agentCode: ErrorCode; details: readonly string[]; rolledBack?: boolean | undefined },
  ) {
    super(message);
    this.name = 'AgentRefused';
    this.status = response.status;
    this.agentCode = response.agentCode;
    this.details = response.details;
    this.rolledBack = response.rolledBack;
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
