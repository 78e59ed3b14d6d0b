import { type ErrorResponse, isErrorCode } from '../../../agent/protocol/errors.ts';
import { redactKeys } from '../../../agent/protocol/redact.ts';
import { AgentRefused, AgentUnreachable } from './agent-error.ts';
import { MEANING } from './code-meaning.ts';

/** A response with its body read. */
export interface AgentResponse {
  readonly status: number;
  readonly text: string;
  /** The wait that the answer asks for, ms; 0 = none. */
  readonly retryAfterMs: number;
}

const MAX_TEXT = 1_000;

/** The JSON object of an answer; anything else is a breach of protocol. */
export function parseObject(text: string, origin: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // falls through: the parser's message would show what the agent sent
  }
  throw new AgentUnreachable('ProtocolError', `${origin} did not answer as an agent does: the body is no JSON object`);
}

/** A proxy in front of a busy or dead agent answers in its own words: that mends itself, and is no breach of protocol. */
function parseError({ status, text }: AgentResponse, origin: string): Partial<ErrorResponse> {
  try {
    return parseObject(text, origin);
  } catch (error) {
    if (status >= 500 || status === 429) return {};
    throw error;
  }
}

/** Agent texts go into status: one line, bounded, without anything that looks like a key. */
const safeText = (text: unknown): string =>
  redactKeys((typeof text === 'string' ? text : '').replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')).slice(0, MAX_TEXT);

/** What an answer of 400 and above says: a refusal, or why the agent is as good as away. `skew` asks the agent for its clock. */
export async function explain(
  response: AgentResponse,
  origin: string,
  skew: () => Promise<number | undefined>,
): Promise<AgentRefused | AgentUnreachable> {
  const body = parseError(response, origin);
  const code = typeof body.code === 'string' ? body.code : '';
  if (response.status === 401)
    return unauthorized(
      origin,
      code === 'clock_skew' || body.error === 'Request timestamp too old' ? await skew().catch(() => undefined) : 0,
    );
  if (!isErrorCode(code)) return unknownError(response, origin, safeText(body.error));
  const meaning = MEANING[code];
  if (meaning.kind === 'unreachable') {
    const text = code === 'busy' ? 'is busy' : `failed: ${safeText(body.error)}`;
    return new AgentUnreachable(meaning.reason, `The agent at ${origin} ${text}`, undefined, response.retryAfterMs);
  }
  const details = Array.isArray(body.details) ? body.details.slice(0, 16).map(safeText) : [];
  const rolledBack = typeof body.rolled_back === 'boolean' ? body.rolled_back : undefined;
  return new AgentRefused(safeText(body.error), { status: response.status, agentCode: code, details, rolledBack });
}

/** Without a code of ours: some proxy's words while the agent is away, or no agent that this version knows. */
function unknownError({ status, retryAfterMs }: AgentResponse, origin: string, text: string): AgentUnreachable {
  if (status === 429)
    return new AgentUnreachable('AgentError', `The agent at ${origin} is busy`, undefined, retryAfterMs);
  if (status >= 500)
    return new AgentUnreachable('AgentError', `The agent at ${origin} failed: ${text}`, undefined, retryAfterMs);
  const what = `The agent at ${origin} answers ${String(status)} with a code that this controller does not know: ${text}`;
  return new AgentUnreachable('ProtocolError', what);
}

function unauthorized(origin: string, skew: number | undefined): AgentUnreachable {
  if (skew === 0)
    return new AgentUnreachable(
      'SignatureRejected',
      `${origin} does not accept our signature: hmac-key of spec.agent.secretRef is not the agent's`,
    );
  const how = skew === undefined ? 'far off' : `${String(Math.abs(skew))} s ${skew > 0 ? 'ahead of' : 'behind'}`;
  return new AgentUnreachable('ClockSkew', `The clock of the agent at ${origin} is ${how} that of the controller`);
}
