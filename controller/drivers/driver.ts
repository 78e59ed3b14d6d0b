import type { DesiredInterface } from '../../agent/protocol/compare.ts';
import type { Impact } from '../../agent/protocol/impact.ts';
import type { Claim } from '../../agent/protocol/owner.ts';
import type { Secret } from '../../agent/protocol/secret.ts';
import type { PlanStatus, WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Observation } from '../policy/observation.ts';
import type { Refused, Superseded, Unreachable } from '../policy/outcome.ts';

/** What not every kind of agent can do. */
export type Capability =
  /** Make a change in one call, and undo it where it fails, whether or not anybody waits for the answer. */
  | 'atomic'
  /** Say what a change would do. */
  | 'plan'
  /** Keep to a highest impact. */
  | 'max-impact'
  /** Remove an interface with its file. */
  | 'remove'
  /** Remember which object an interface belongs to. */
  | 'owner';

/** Limits of one call. */
export interface CallOptions {
  /** Deadline of each request that the call makes, retries included, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What is expected to happen now and then is a value: no method of a driver throws for it. */
export type Failure = Unreachable | Refused;

/** How a read ended. */
export type Observed =
  | { readonly kind: 'observed'; readonly observation: Observation }
  /** Nothing moved since the given revision. */
  | { readonly kind: 'unchanged' }
  | Failure;

/** How the question for a plan ended. */
export type Planned = { readonly kind: 'planned'; readonly plan: PlanStatus } | Failure;

/** How a change ended. */
export type Applied =
  /** As the agent says; only a read proves it. */
  | {
      readonly kind: 'applied';
      readonly impact: Impact;
      readonly outageMs: number;
      /** What went wrong on the host without ending the change. */
      readonly warnings: readonly string[];
      /** What the agent read after the change, where it tells. */
      readonly after: Observation | undefined;
    }
  /** `restored`: undone, and the previous tunnel runs, proven by the agent's own read; false = what is left is of both. */
  | { readonly kind: 'failed'; readonly message: string; readonly restored: boolean }
  | { readonly kind: 'impact-not-allowed' }
  | Superseded
  | Failure;

/** How a change of the state, or a removal, ended. */
export type Done = { readonly kind: 'done' } | Failure;

/** A peer as the kernel of the host has it. */
export interface LivePeer {
  readonly publicKey: string;
  /** Undefined = none is known. */
  readonly endpoint: string | undefined;
  readonly allowedIps: readonly string[];
  /** Unix seconds; undefined = never. */
  readonly latestHandshake: number | undefined;
  /** Since the interface was made. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** How the question for the peers ended; where there is no device there are none. */
export type PeersRead = { readonly kind: 'peers'; readonly peers: readonly LivePeer[] } | Failure;

/** What a change must keep to. */
export interface ApplyOptions extends CallOptions {
  /** Of the observation that was decided on: a host that moved since is `superseded`. Undefined = whatever it is. */
  readonly revision: string | undefined;
  /** A change that needs more is `impact-not-allowed`, where the driver has the capability `max-impact`. */
  readonly maxImpact: Impact;
  /** The object that asks; an agent with the capability `owner` keeps the interface for it. */
  readonly claim: Claim;
  /** The id of the one owner that the object may take it from. */
  readonly replaces: string | undefined;
}

/** The way to one interface of one host, whatever agent serves it. Domain types only: no wire format gets past a driver. */
export interface Driver {
  readonly capabilities: ReadonlySet<Capability>;
  /** Reads the interface. `revision`: of an observation of this same driver; `unchanged` when nothing moved since, which is cheap. */
  observe(revision: string | undefined, options: CallOptions): Promise<Observed>;
  /** The peers that the interface has now, without any key but their public ones. */
  peers(options: CallOptions): Promise<PeersRead>;
  /** What an apply would do; changes nothing. For drivers with the capability `plan`. */
  plan(desired: DesiredInterface, options: CallOptions): Promise<Planned>;
  /** Makes the interface as desired. A change that fails is undone, or said not to be. */
  apply(desired: DesiredInterface, options: ApplyOptions): Promise<Applied>;
  /** Brings the interface up from its file, or takes it down; fine when it is so already. */
  setState(state: 'up' | 'down', options: CallOptions): Promise<Done>;
  /** Takes the interface down and its file away; fine when there is none. For drivers with the capability `remove`. */
  remove(options: CallOptions): Promise<Done>;
}

/** The drivers of all hosts. */
export interface Drivers {
  /** The same driver for the same interface, host and credentials, as long as these are not among the least used. */
  open(node: WireGuardNode, credentials: ReadonlyMap<string, Secret>): Driver;
  close(): Promise<void>;
}
