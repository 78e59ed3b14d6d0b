import type { Impact } from '../../agent/protocol/impact.ts';
import type { UnreachableReason } from '../api/conditions.ts';
import type { PlanStatus } from '../api/wireguardnode.generated.ts';
import type { Cause } from './decide.ts';
import type { Desired } from './desired.ts';
import type { Difference } from './differences.ts';
import type { Observation } from './observation.ts';
import type { Refusal } from './refusal.ts';
import type { Retry } from './retry.ts';

/** A change that was made in this reconcile and read back. */
export interface Change {
  readonly cause: Cause;
  readonly impact: Impact;
  /** Milliseconds without the tunnel. */
  readonly outageMs: number;
  /** Paths that a drift correction put right; empty for other causes. */
  readonly corrected: readonly string[];
  /** What went wrong on the host without ending the change. */
  readonly warnings: readonly string[];
}

/** The host cannot be talked to. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly reason: UnreachableReason;
  readonly message: string;
  /** The agent asked not to be called sooner, ms. */
  readonly retryAfterMs?: number;
}

/** Nothing is sent, or what was sent was not taken: a person must act first. */
export interface Refused {
  readonly kind: 'refused';
  readonly refusal: Refusal;
  /** The last read, where the host was asked at all. */
  readonly observation?: Observation;
  /** Where nothing tells when it is over; by default it is looked at slowly. */
  readonly retry?: Retry;
}

/** What was decided no longer fits: host or object changed since they were read. Nothing is said of it; the object is looked at again. */
export interface Superseded {
  readonly kind: 'superseded';
  readonly message: string;
}

interface Looked {
  readonly observation: Observation;
}

interface Differs extends Looked {
  readonly differences: readonly Difference[];
}

interface Waits extends Differs {
  /** What the host would do; undefined = its agent cannot tell. */
  readonly plan: PlanStatus | undefined;
}

/** How a reconcile ended, as data; what follows from each kind is in `outcome-table.ts`. */
export type Outcome =
  | (Looked & { readonly kind: 'in-sync'; readonly desired: Desired; readonly change: Change | undefined })
  /** Host and wish are as they were when the present status was written. */
  | { readonly kind: 'unmoved'; readonly retry: Retry }
  /** Another object's change of the same host is under way; this one is woken when it is its turn. */
  | { readonly kind: 'queued' }
  /** As queued, and for so long, since when Unix ms, that status should say so. */
  | (Looked & { readonly kind: 'blocked'; readonly sinceMs: number })
  /** The object is being deleted, and something has to be waited for; `untilMs`: no longer than this, Unix ms. */
  | { readonly kind: 'deleting'; readonly why: string; readonly untilMs: number; readonly retry: Retry }
  /** Of a deletion our part is done: only the finalizers of others keep the object. */
  | { readonly kind: 'let-go'; readonly finalizers: readonly string[] }
  /** Of a deletion our part is done, but our finalizer cannot be taken from the object. */
  | { readonly kind: 'not-let-go'; readonly message: string }
  /** The object names another host than the one it was applied to, which has to be left first. */
  | { readonly kind: 'moving'; readonly message: string; readonly untilMs: number; readonly retry: Retry }
  /** Not the end: a change lasts so long that status should say so. */
  | { readonly kind: 'applying' }
  | Refused
  | { readonly kind: 'suspended'; readonly specMoved: boolean }
  | Unreachable
  | Superseded
  /** Mode Observe: nobody acts but a person. */
  | (Waits & { readonly kind: 'drifted'; readonly desired: Desired })
  | (Waits & { readonly kind: 'impact-not-allowed' })
  | (Partial<Looked> & { readonly kind: 'apply-failed'; readonly message: string })
  /** The change failed and could not be undone either: `differences` are what still differs from the desired state. */
  | (Differs & { readonly kind: 'not-restored'; readonly message: string })
  | (Differs & { readonly kind: 'contended'; readonly path: string });

/** The outcome of one kind. */
export type OutcomeOf<K extends Outcome['kind']> = Extract<Outcome, { readonly kind: K }>;
