/** Why a hook is not taken: which word of it, where, and what would be. */
export interface Refusal {
  /** The word or sign as it was written; empty where the line ends too early. */
  readonly token: string;
  /** Where it begins in the line, from 0, in UTF-16 units. */
  readonly at: number;
  /** What is wrong with it. */
  readonly reason: string;
  /** What is allowed in its place; null = nothing that a list would say. */
  readonly allowed: string | null;
  /** What does the same and is taken; null = there is nothing. */
  readonly instead: string | null;
}

/** Thrown inside of the parser; `parseHook` returns it as a value. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

interface Place {
  readonly token: string;
  readonly at: number;
}

interface Help {
  readonly allowed?: string;
  readonly instead?: string;
}

/** Ends the parse. */
export function refuse({ token, at }: Place, reason: string, { allowed, instead }: Help = {}): never {
  throw new RefusedError({ token, at, reason, allowed: allowed ?? null, instead: instead ?? null });
}

/** One sentence for people, in the order in which they ask: which word, what is wrong, what is allowed, what to write instead. */
export function refusalText({ token, at, reason, allowed, instead }: Refusal): string {
  const where = token === '' ? 'at its end' : `\`${token}\` at character ${String(at + 1)}`;
  const parts = [`${where}: ${reason}`, allowed && `allowed here: ${allowed}`, instead && `instead: ${instead}`];
  return parts.filter(Boolean).join('; ');
}
