import { createHash } from 'node:crypto';

/**
 * A hash of what does not move by itself in a text of many parts, in any order. It is asked again and again about texts that are as good
 * as always the same: those cost a comparison.
 */
export class SteadyHash {
  /** What is steady of each part of the last text, by the whole part. */
  #known: ReadonlyMap<string, string> = new Map();
  /** Null = nothing was asked about yet. */
  #hash: string | null = null;

  /** `steadyOf`: the part without what moves by itself. No two parts are the same. */
  hashOf(parts: readonly string[], steadyOf: (part: string) => string): string {
    const known = this.#known;
    const isSame = parts.length === known.size && parts.every((part) => known.has(part));
    if (isSame && this.#hash !== null) return this.#hash;
    const now = new Map(parts.map((part) => [part, known.get(part) ?? steadyOf(part)]));
    this.#known = now;
    const before = new Set(known.values());
    const steady = [...now.values()];
    if (this.#hash === null || steady.length !== before.size || !steady.every((text) => before.has(text)))
      this.#hash = hashOf(steady);
    return this.#hash;
  }
}

const hashOf = (texts: readonly string[]): string =>
  createHash('sha256').update(texts.toSorted().join('\0')).digest('base64url');
