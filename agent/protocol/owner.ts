/** Who asks for a change in the name of an object of some cluster. */
export interface Claim {
  /** Of the object: its UID. */
  readonly id: string;
  /** Of the object: `namespace/name`. */
  readonly name: string;
  /** Tells clusters apart; empty = not told. */
  readonly cluster: string;
  /** Of the leader that asks, where there is an election: a later one counts more. */
  readonly term?: number;
}

/** The object that an interface was last changed for. */
export interface Owner extends Claim {
  /** Since when, ISO 8601. */
  readonly since: string;
}

/** JSON schema of a Claim. */
export const CLAIM_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'name', 'cluster'],
  properties: {
    id: { type: 'string', minLength: 1, maxLength: 64 },
    name: { type: 'string', minLength: 1, maxLength: 317 },
    cluster: { type: 'string', maxLength: 64 },
    term: { type: 'integer', minimum: 0, maximum: 9_007_199_254_740_991 },
  },
} as const;

/** Whether the claim is that of a leader that somebody has followed by now: it must have slept. */
export const isOutdated = (claim: Claim, owner: Owner | null, replaces: string | undefined): boolean =>
  owner?.id === claim.id &&
  owner.cluster === claim.cluster &&
  owner.id !== replaces &&
  (claim.term ?? Number.POSITIVE_INFINITY) < (owner.term ?? 0);

/** Whether a claim goes through: nobody else has the interface, or exactly whom the caller means to replace. */
export const mayOwn = (claim: Claim, owner: Owner | null, replaces: string | undefined): boolean =>
  owner === null || owner.id === claim.id || owner.id === replaces;

/** An owner as it was written down; what cannot be read is as nothing. */
export function parseOwner(text: string): Owner | null {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return null;
  }
}
