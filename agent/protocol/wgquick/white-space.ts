/** What isspace(3) knows in the C locale, in which wg and wg-quick run: a no-break space or a byte order mark is none. */
const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** wg(8) takes all white space out of a line. */
export function withoutSpace(text: string): string {
  const trimmed = trimSpace(text);
  // Hardly any text has white space within: the expression is not for those.
  for (let at = 0; at < trimmed.length; at += 1)
    if (isSpace(trimmed.charCodeAt(at))) return trimmed.replace(/[ \t\n\v\f\r]+/g, '');
  return trimmed;
}
