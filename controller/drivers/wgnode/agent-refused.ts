import type { ErrorCode } from '../../../agent/protocol/errors.ts';
import { refusal } from '../../policy/refusal.ts';
import type { Refused } from '../../policy/outcome.ts';
import { AgentFailure } from '../http/agent-failure.ts';
import { MEANING } from './code-meaning.ts';

/** The agent understood and said no; `agentCode` says why. */
export class AgentRefused extends AgentFailure {
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

  get outcome(): string {
    return this.agentCode === 'not_found' ? 'not_found' : 'refused';
  }

  /** A refusal as the object says it; also for reads, which an agent refuses for a device that is not WireGuard. */
  failure(): Refused {
    const meaning = MEANING[this.agentCode];
    const reason = meaning.kind === 'refused' ? meaning.reason : 'ConfigRefused';
    return {
      kind: 'refused',
      refusal: refusal(reason, `The agent refuses (${this.agentCode}): ${this.message}`),
    };
  }
}
