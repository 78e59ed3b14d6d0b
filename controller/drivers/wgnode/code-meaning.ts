import type { ErrorCode } from '../../../agent/protocol/errors.ts';
import type { RefusalReason, UnreachableReason } from '../../api/conditions.ts';

/** What an error code of the agent means to the controller. */
export type Meaning =
  /** A person must act first; the host is untouched. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** No usable answer. */
  | { readonly kind: 'unreachable'; readonly reason: UnreachableReason }
  /** The change was begun and did not succeed; `rolled_back` of the answer says how that ended. */
  | { readonly kind: 'apply-failed' }
  | { readonly kind: 'impact-not-allowed' }
  /** The host is no longer as it was read. */
  | { readonly kind: 'moved' };

const configRefused: Meaning = { kind: 'refused', reason: 'ConfigRefused' };
const hookNotAllowed: Meaning = { kind: 'refused', reason: 'HookNotAllowed' };
const signatureRejected: Meaning = { kind: 'unreachable', reason: 'SignatureRejected' };
const agentError: Meaning = { kind: 'unreachable', reason: 'AgentError' };
const protocolError: Meaning = { kind: 'unreachable', reason: 'ProtocolError' };

/** Every code has its line: a new one does not compile until it is answered here. */
export const MEANING: Readonly<Record<ErrorCode, Meaning>> = {
  bad_request: configRefused,
  invalid_value: configRefused,
  invalid_hook: hookNotAllowed,
  invalid_file: configRefused,
  missing_signature: signatureRejected,
  invalid_timestamp: signatureRejected,
  clock_skew: { kind: 'unreachable', reason: 'ClockSkew' },
  invalid_signature: signatureRejected,
  hooks_off: hookNotAllowed,
  hook_not_allowed: hookNotAllowed,
  interface_not_allowed: configRefused,
  not_found: configRefused,
  no_route: protocolError,
  method_not_allowed: protocolError,
  not_wireguard: configRefused,
  route_conflict: configRefused,
  address_conflict: configRefused,
  port_in_use: configRefused,
  digest_mismatch: { kind: 'moved' },
  impact_not_allowed: { kind: 'impact-not-allowed' },
  key_is_peer: configRefused,
  owned: { kind: 'moved' },
  fenced: { kind: 'refused', reason: 'Conflict' },
  too_large: configRefused,
  schema: configRefused,
  busy: agentError,
  apply_failed: { kind: 'apply-failed' },
  command_failed: agentError,
  internal: agentError,
  command_missing: agentError,
  audit_unavailable: agentError,
};
