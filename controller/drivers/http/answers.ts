import { redactKeys } from '../../../agent/protocol/redact.ts';
import { AgentUnreachable } from './agent-failure.ts';

/** A response with its body read. */
export interface AgentResponse {
  readonly status: number;
  readonly text: string;
  /** The wait that the answer asks for, ms; 0 = none. */
  readonly retryAfterMs: number;
}

const MAX_TEXT = 1_000;

/** An answer that is JSON, and none that this controller knows. */
export const notUnderstood = (origin: string, what: string): AgentUnreachable =>
  new AgentUnreachable('ProtocolError', `${origin} answers ${what} in a form that this controller does not know`);

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

/** What an error's body may have; nothing of it is checked yet. */
export type ErrorBody = Readonly<Partial<Record<'code' | 'detail' | 'details' | 'error' | 'rolled_back', unknown>>>;

/** A proxy in front of a busy or dead agent answers in its own words: that mends itself, and is no breach of protocol. */
export function parseError({ status, text }: AgentResponse, origin: string): ErrorBody {
  try {
    return parseObject(text, origin);
  } catch (error) {
    if (status >= 500 || status === 429) return {};
    throw error;
  }
}

/** Agent texts go into status: one line, bounded, without anything that looks like a key. */
export const safeText = (text: unknown): string =>
  redactKeys((typeof text === 'string' ? text : '').replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')).slice(0, MAX_TEXT);

/** What a 401 says, of every kind of agent. `skew` asks the agent for its clock. */
export async function unauthorized(
  response: AgentResponse,
  origin: string,
  skewSeconds: () => Promise<number | undefined>,
): Promise<AgentUnreachable> {
  const { code, error } = parseError(response, origin);
  const isSkewed = code === 'clock_skew' || error === 'Request timestamp too old';
  const skew = isSkewed ? await skewSeconds().catch(() => undefined) : 0;
  if (skew === 0)
    return new AgentUnreachable(
      'SignatureRejected',
      `${origin} does not accept our signature: hmac-key of spec.agent.secretRef is not the agent's`,
    );
  const how = skew === undefined ? 'far off' : `${String(Math.abs(skew))} s ${skew > 0 ? 'ahead of' : 'behind'}`;
  return new AgentUnreachable('ClockSkew', `The clock of the agent at ${origin} is ${how} that of the controller`);
}
