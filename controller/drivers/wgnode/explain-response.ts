import { isErrorCode } from '../../../agent/protocol/errors.ts';
import { AgentUnreachable } from '../http/agent-failure.ts';
import { type AgentResponse, parseError, safeText } from '../http/answers.ts';
import { AgentRefused } from './agent-refused.ts';
import { MEANING } from './code-meaning.ts';

/** What an answer of 400 and above says: a refusal, or why the agent is as good as away. */
export function explain(response: AgentResponse, origin: string): AgentRefused | AgentUnreachable {
  const body = parseError(response, origin);
  const code = typeof body.code === 'string' ? body.code : '';
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
