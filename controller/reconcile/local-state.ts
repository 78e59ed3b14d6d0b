import type { WireGuardNode, WireGuardNodeStatus } from '../api/wireguardnode.generated.ts';
import { isSameAgent } from '../api/node.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Correction } from '../policy/contention.ts';
import type { Hold } from '../policy/hold.ts';
import { type FailureCount, NO_FAILURE } from '../policy/retry.ts';
import { sameStatus } from '../policy/status.ts';

/** What a process remembers of one object between reconciles, small whatever agents answer. All of it may be lost at any time. */
export interface LocalState {
  /** Of the object; a namesake that was created anew starts with nothing. */
  readonly uid: string;
  /** The driver of the last look; a deletion may have to do without the Secret. */
  readonly driver: Driver | undefined;
  /** The one before that, and the origin of its host: the way there until that is left. */
  readonly former: { readonly driver: Driver; readonly origin: string } | undefined;
  /** The origin of the agent that has accepted the object's signature. */
  readonly acceptedBy: string | undefined;
  /** The URL of the agent that a change was sent to of which it is not known what came of it: it may have an interface of this object. */
  readonly sentTo: string | undefined;
  /** Until when that may still come to its end there, Unix ms. */
  readonly sentUntilMs: number;
  /** The last look, if its outcome still holds while nothing moves. */
  readonly seen: Seen | undefined;
  readonly corrections: readonly Correction[];
  readonly failures: FailureCount;
  /** What is being tried, and until when not again. */
  readonly hold: Hold | undefined;
  /** The status that was written last: what others make of it is put right. */
  readonly written: WireGuardNodeStatus | undefined;
  /** What the API server kept of it, where that is less: a CRD that is older than this controller drops what it does not know. */
  readonly pruned: WireGuardNodeStatus | undefined;
  /** Since when the object is known to be deleted, or moved away from a host, Unix ms; `isDone`: the host was left. */
  readonly leaving: { readonly what: string; readonly sinceMs: number; readonly isDone: boolean } | undefined;
}

/** The driver of the host at this origin, if the object was there before it named another one. */
export function previousDriverAt({ driver, acceptedBy, former }: LocalState, origin: string): Driver | undefined {
  if (former?.origin === origin) return former.driver;
  return acceptedBy === origin ? driver : undefined;
}

/** What an outcome was about: while all of it stands, the outcome does. */
export interface Seen {
  /** Of the host. */
  readonly revision: string;
  readonly generation: number;
  /** Empty = not compared. */
  readonly publicKey: string;
}

/** Local states by key; a reconcile takes one and puts the next one back. */
export interface LocalStates {
  get(key: string, uid: string): LocalState;
  set(key: string, state: LocalState): void;
  forget(key: string): void;
}

/** Whether a change that was sent to this agent may still come to its end there. */
export const mayArrive = ({ sentTo, sentUntilMs }: LocalState, url: string | undefined, nowMs: number): boolean =>
  sentTo !== undefined && isSameAgent(url, sentTo) && nowMs < sentUntilMs;

/** Whether this status is there as far as the API server takes it: to write it again would change nothing. */
export const isPruned = (
  { written, pruned }: LocalState,
  { status }: WireGuardNode,
  wanted: WireGuardNodeStatus,
): boolean =>
  pruned !== undefined && written !== undefined && sameStatus(status, pruned) && sameStatus(wanted, written);

/** Nothing is known yet. */
export const newLocalState = (uid: string): LocalState => ({
  uid,
  driver: undefined,
  former: undefined,
  acceptedBy: undefined,
  sentTo: undefined,
  sentUntilMs: 0,
  seen: undefined,
  corrections: [],
  failures: NO_FAILURE,
  hold: undefined,
  written: undefined,
  pruned: undefined,
  leaving: undefined,
});

/** Empty, as after every start. */
export function createLocalStates(): LocalStates {
  const states = new Map<string, LocalState>();
  return {
    get(key, uid) {
      const known = states.get(key);
      return known?.uid === uid ? known : newLocalState(uid);
    },
    set: (key, state) => {
      states.set(key, state);
    },
    forget: (key) => {
      states.delete(key);
    },
  };
}
