/**
 * Every error code of the agent and its HTTP status. The words are API: clients decide by them, never by texts. The controller maps
 * them through an exhaustive `Record`, so a code that is added here does not compile until it is answered there.
 */
export const ERROR_STATUS = {
  bad_request: 400,
  invalid_value: 400,
  invalid_hook: 400,
  invalid_file: 400,
  missing_signature: 401,
  invalid_timestamp: 401,
  clock_skew: 401,
  invalid_signature: 401,
  hooks_off: 403,
  hook_not_allowed: 403,
  interface_not_allowed: 403,
  not_found: 404,
  no_route: 404,
  method_not_allowed: 405,
  not_wireguard: 409,
  route_conflict: 409,
  address_conflict: 409,
  port_in_use: 409,
  digest_mismatch: 409,
  impact_not_allowed: 409,
  key_is_peer: 409,
  owned: 409,
  fenced: 409,
  too_large: 413,
  schema: 422,
  busy: 429,
  apply_failed: 500,
  command_failed: 500,
  internal: 500,
  command_missing: 503,
  audit_unavailable: 503,
} as const satisfies Record<string, number>;

/** The `code` of an error response. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/** Whether a word is one of our codes; an old agent sends none, and a newer one may send words that this version does not know. */
export const isErrorCode = (word: string): word is ErrorCode => Object.hasOwn(ERROR_STATUS, word);

/** The body of every error answer. The text is for people, `code` is API. */
export interface ErrorResponse {
  readonly error: string;
  readonly code: ErrorCode;
  readonly details: readonly string[];
  /** With `apply_failed`: whether the previous file and tunnel are back, proven by read-back. */
  readonly rolled_back?: boolean;
}
