import type { RefusalReason } from '../api/conditions.ts';

/** Why nothing is sent to the host: a human, or a change of a Secret, must act first. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** For a person: what is wrong, where, what is allowed. Holds safe values only. */
  readonly message: string;
  /** The agent may not be talked to at all, so that nothing is known of it. */
  readonly isOfAgent?: true;
}

/** `message`: see Refusal; it goes into status as it is. */
export const refusal = (reason: RefusalReason, message: string): Refusal => ({ reason, message });
