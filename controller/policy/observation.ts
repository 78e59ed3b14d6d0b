import type { ObservedInterface } from '../../agent/protocol/compare.ts';
import type { Owner } from '../../agent/protocol/owner.ts';
import type { Impact } from '../../agent/protocol/impact.ts';

/** Who answers for a host. */
export interface AgentIdentity {
  /** What it is; undefined = it does not say. */
  readonly name?: string | undefined;
  readonly version: string;
  /** New whenever the agent lost its memory; undefined = it does not say. */
  readonly epoch: string | undefined;
  /** What it can do beyond the least; undefined = it does not say. */
  readonly capabilities: readonly string[] | undefined;
  /** What it cannot do that an agent of ours can, in words for people; undefined = nothing. */
  readonly limits?: readonly string[];
  /** When the certificate that it showed last ends, Unix ms; undefined = it showed none. */
  readonly certificateNotAfterMs?: number | undefined;
}

/** A difference between file and device that the host itself sees: routes, DNS, hooks, which no reader from afar can compare. */
export interface ReportedDifference {
  readonly path: string;
  readonly file: string;
  readonly live: string;
  readonly impact: Impact;
}

/** One read of one interface of a host. */
export interface Observation {
  readonly agent: AgentIdentity;
  readonly interface: ObservedInterface;
  /** Null = there is no device. */
  readonly peerCount: number | null;
  readonly reported: readonly ReportedDifference[];
  /** The object that the interface was last changed for; null = none, undefined = the agent does not tell. */
  readonly owner: Owner | null | undefined;
  /** Moves whenever file, device or owner do; undefined = there is nothing to change yet. Opaque. */
  readonly revision: string | undefined;
}
