/** What turns one text into another: all but the first `kept` and the last `tail` UTF-16 units are `text`. */
export interface Edit {
  readonly kept: number;
  readonly text: string;
  readonly tail: number;
}

/** The one edit between two texts: of a file of thousands of lines, in which one changes, that line. */
export function editOf(before: string, after: string): Edit {
  const shorter = Math.min(before.length, after.length);
  let kept = 0;
  while (kept < shorter && before.charCodeAt(kept) === after.charCodeAt(kept)) kept += 1;
  const rest = shorter - kept;
  let tail = 0;
  while (tail < rest && before.charCodeAt(before.length - tail - 1) === after.charCodeAt(after.length - tail - 1))
    tail += 1;
  return { kept, text: after.slice(kept, after.length - tail), tail };
}

/** The other text. */
export const edited = (before: string, { kept, text, tail }: Edit): string =>
  before.slice(0, kept) + text + before.slice(before.length - tail);
