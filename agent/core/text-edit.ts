/** What turns one text into another: all but the first `kept` and the last `tail` UTF-16 units are `text`. */
export interface Edit {
  readonly kept: number;
  readonly text: string;
  readonly tail: number;
}

/** The one edit between two texts: of a file of thousands of lines, in which one changes, that line. */
export function editOf(before: string, after: string): Edit {
  const shorter = Math.min(before.length, after.length);
  const kept = largest(shorter, (known, next) => before.startsWith(after.slice(known, next), known));
  const [rest, other] = [before.slice(kept), after.slice(kept)];
  const tail = largest(shorter - kept, (known, next) =>
    rest.endsWith(other.slice(other.length - next, other.length - known), rest.length - known),
  );
  return { kept, text: other.slice(0, other.length - tail), tail };
}

/** The largest number up to `limit` for which everything below is the same, by halves: long pieces are compared fast. */
function largest(limit: number, isSame: (known: number, next: number) => boolean): number {
  let [known, unknown] = [0, limit + 1];
  while (known + 1 < unknown) {
    const next = Math.floor((known + unknown) / 2);
    if (isSame(known, next)) known = next;
    else unknown = next;
  }
  return known;
}

/** The other text. */
export const edited = (before: string, { kept, text, tail }: Edit): string =>
  before.slice(0, kept) + text + before.slice(before.length - tail);
