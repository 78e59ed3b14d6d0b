import type { Condition } from './wireguardnode.generated.ts';

/** Conditions that always exist; to a reader an absent one means Unknown. */
export const NORMAL_CONDITIONS = ['Ready', 'Reachable', 'Synced'] as const;
/** Conditions that exist only while they are true. Never Reconciling and Stalled at once: kstatus takes the first of the two. */
export const ABNORMAL_CONDITIONS = ['Reconciling', 'Stalled', 'Suspended', 'Contended'] as const;
export type ConditionType = (typeof NORMAL_CONDITIONS)[number] | (typeof ABNORMAL_CONDITIONS)[number];

/** Why an object that waits for a human waits. A shipped word is API. */
export type RefusalReason =
  | 'SecretNotFound'
  | 'SecretForbidden'
  | 'InvalidCredentials'
  | 'InvalidKey'
  | 'InvalidSpec'
  | 'Unsupported'
  | 'URLNotAllowed'
  | 'Conflict'
  | 'ConfigRefused'
  | 'HookNotAllowed';

/** The first rung on the way to the agent that does not hold. */
export type Rung =
  | 'DNSFailed'
  | 'ConnectionRefused'
  | 'ConnectionTimeout'
  | 'TLSFailed'
  | 'ClockSkew'
  | 'SignatureRejected'
  | 'AgentError'
  | 'ProtocolError'
  | 'URLNotAllowed';

/** Rungs that may mend themselves; the others need a human. */
const RETRYABLE: readonly Rung[] = ['DNSFailed', 'ConnectionRefused', 'ConnectionTimeout', 'AgentError'];

export const isRetryable = (rung: Rung): boolean => RETRYABLE.includes(rung);

export const conditionOf = (conditions: readonly Condition[], type: ConditionType): Condition | undefined =>
  conditions.find((condition) => condition.type === type);
