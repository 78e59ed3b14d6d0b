import type { Impact } from '../../agent/protocol/impact.ts';
import type { ConfigAnswer, HealthAnswer } from '../../agent/protocol/messages.ts';
import type { Rung } from '../api/conditions.ts';
import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import type { Desired } from './desired.ts';
import type { Difference } from './diff.ts';
import type { Cause } from './plan.ts';
import type { Refusal } from './refusal.ts';

/** What the host was like when it was last read in this reconcile. */
export interface Seen {
  readonly health: HealthAnswer;
  /** Undefined = neither file nor device. */
  readonly answer: ConfigAnswer | undefined;
}

/** A change that was made in this reconcile and read back. */
export interface Change {
  readonly cause: Cause;
  readonly impact: Impact;
  readonly outageMs: number;
  /** Paths that a drift correction put right; empty for other causes. */
  readonly corrected: readonly string[];
}

/** How a reconcile ended, as data; status, events, metrics and the next action are all made from it. */
export type Outcome =
  | { readonly kind: 'in-sync'; readonly seen: Seen; readonly desired: Desired; readonly change: Change | undefined }
  | { readonly kind: 'applying' }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly seen?: Seen }
  | { readonly kind: 'suspended'; readonly specMoved: boolean }
  /** `retryAfterMs`: the agent asked not to be called sooner. */
  | { readonly kind: 'unreachable'; readonly rung: Rung; readonly message: string; readonly retryAfterMs?: number }
  /** Observe mode: nobody will act but a human. */
  | {
      readonly kind: 'drifted';
      readonly seen: Seen;
      readonly differences: readonly Difference[];
      readonly plan: PlanStatus;
    }
  | {
      readonly kind: 'impact-not-allowed';
      readonly seen: Seen;
      readonly differences: readonly Difference[];
      readonly plan: PlanStatus;
    }
  | { readonly kind: 'apply-failed'; readonly seen: Seen; readonly message: string }
  /** The change failed and could not be undone either: `differences` are what still differs from the wanted state. */
  | {
      readonly kind: 'not-restored';
      readonly seen: Seen;
      readonly differences: readonly Difference[];
      readonly message: string;
    }
  | {
      readonly kind: 'contended';
      readonly seen: Seen;
      readonly differences: readonly Difference[];
      readonly path: string;
    };
