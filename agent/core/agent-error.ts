export type AgentErrorCode =
  | 'bad_request'
  | 'invalid_value'
  | 'invalid_hook'
  | 'invalid_file'
  | 'hooks_off'
  | 'interface_not_allowed'
  | 'schema'
  | 'missing_signature'
  | 'invalid_timestamp'
  | 'clock_skew'
  | 'invalid_signature'
  | 'not_found'
  | 'no_route'
  | 'method_not_allowed'
  | 'not_wireguard'
  | 'route_conflict'
  | 'address_conflict'
  | 'port_in_use'
  | 'digest_moved'
  | 'impact_not_allowed'
  | 'key_is_peer'
  | 'too_large'
  | 'busy'
  | 'apply_failed'
  | 'command_failed'
  | 'command_missing'
  | 'internal';

const STATUS: Record<AgentErrorCode, number> = {
  bad_request: 400,
  invalid_value: 400,
  invalid_hook: 400,
  invalid_file: 400,
  missing_signature: 401,
  invalid_timestamp: 401,
  clock_skew: 401,
  invalid_signature: 401,
  hooks_off: 403,
  interface_not_allowed: 403,
  not_found: 404,
  no_route: 404,
  method_not_allowed: 405,
  not_wireguard: 409,
  route_conflict: 409,
  address_conflict: 409,
  port_in_use: 409,
  digest_moved: 409,
  impact_not_allowed: 409,
  key_is_peer: 409,
  too_large: 413,
  schema: 422,
  busy: 429,
  apply_failed: 500,
  command_failed: 500,
  internal: 500,
  command_missing: 503,
};

export interface AgentErrorOptions {
  readonly details?: readonly string[];
  readonly cause?: unknown;
  /** For `apply_failed`: whether the former state is back, proven by read-back. */
  readonly rolledBack?: boolean;
}

/** A failure that a caller is told of. The text and details hold our own words and safe values only, never a child's output. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  readonly details: readonly string[];
  readonly rolledBack: boolean | undefined;

  constructor(code: AgentErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'AgentError';
    this.code = code;
    this.details = options.details ?? [];
    this.rolledBack = options.rolledBack;
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return STATUS[this.code];
  }
}
