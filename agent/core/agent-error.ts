import { ERROR_STATUS, type ErrorCode } from '../protocol/errors.ts';

/** What an error of the agent carries beside its code and text. */
export interface AgentErrorOptions {
  readonly details?: readonly string[];
  readonly cause?: unknown;
  /** For `apply_failed`: whether the previous state is back, proven by read-back. */
  readonly rolledBack?: boolean;
}

/** A failure that a caller is told of. The text and details hold our own words and safe values only, never a child's output. */
export class AgentError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly string[];
  readonly rolledBack: boolean | undefined;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'AgentError';
    this.code = code;
    this.details = options.details ?? [];
    this.rolledBack = options.rolledBack;
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** An up hook did what cannot be managed from here: it counts as one that failed. */
export const takenAway = (name: string): AgentError =>
  new AgentError(
    'command_failed',
    `An up hook deleted ${name}, renamed it or moved it to another network namespace; this agent manages an interface only where it was made`,
  );
