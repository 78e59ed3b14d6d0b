import type { Condition } from './wireguardnode.generated.ts';

/** Conditions that always exist; to a reader an absent one means Unknown. */
export const NORMAL_CONDITIONS = ['Ready', 'Reachable', 'Synced'] as const;
/** Conditions that exist only while they are true. Never Reconciling and Stalled at once: kstatus takes the first of the two. */
export const ABNORMAL_CONDITIONS = ['Reconciling', 'Stalled', 'Suspended', 'Contended'] as const;
/** Every condition type that we write. */
export type ConditionType = (typeof NORMAL_CONDITIONS)[number] | (typeof ABNORMAL_CONDITIONS)[number];

/** Why an object that waits for a human waits. A shipped word is API. */
export type RefusalReason =
  | 'SecretNotFound'
  | 'SecretForbidden'
  | 'InvalidCredentials'
  | 'InvalidKey'
  | 'InvalidSpec'
  | 'Unsupported'
  | 'InsecureAgent'
  | 'URLNotAllowed'
  | 'Conflict'
  | 'FinalizerRefused'
  | 'ConfigRefused'
  | 'HookNotAllowed';

/** Why the agent cannot be talked to: the first step of the way to it that fails. A shipped word is API. */
export type UnreachableReason =
  | 'DNSFailed'
  | 'ConnectionRefused'
  | 'ConnectionTimeout'
  | 'TLSFailed'
  | 'ClockSkew'
  | 'SignatureRejected'
  | 'AgentError'
  | 'ProtocolError'
  | 'URLNotAllowed';

/** Whether it may mend itself; the others need a person. */
const RETRYABLE: Readonly<Record<UnreachableReason, boolean>> = {
  DNSFailed: true,
  ConnectionRefused: true,
  ConnectionTimeout: true,
  TLSFailed: false,
  ClockSkew: false,
  SignatureRejected: false,
  AgentError: true,
  ProtocolError: false,
  URLNotAllowed: false,
};

/** Whether it may mend itself. */
export const isRetryable = (reason: UnreachableReason): boolean => RETRYABLE[reason];

/** Whether it says that the host as a whole is away, whoever asks. */
export const isHostAway = (reason: UnreachableReason): boolean =>
  reason === 'DNSFailed' || reason === 'ConnectionRefused' || reason === 'ConnectionTimeout';

/** The condition of that type, or undefined: to a reader an absent one is Unknown. */
export const conditionOf = (conditions: readonly Condition[], type: ConditionType): Condition | undefined =>
  conditions.find((condition) => condition.type === type);
