/** Who asks for a change in the name of an object of some cluster. */
export interface Claim {
  /** Of the object: its UID. */
  readonly id: string;
  /** Of the object: `namespace/name`. */
  readonly name: string;
  /** Tells clusters apart; empty = not told. */
  readonly cluster: string;
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
  },
} as const;

/** Whether a claim goes through: nobody else has the interface, or exactly whom the caller means to replace. */
export const mayOwn = (claim: Claim, owner: Owner | null, replaces: string | undefined): boolean =>
  owner === null || owner.id === claim.id || owner.id === replaces;
