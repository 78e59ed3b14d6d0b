const LONG = /^(.{300}).+$/u;

/**
 * A line of comment that holds text of others. kubectl reads YAML 1.1, where U+0085, U+2028 and U+2029 end a line, and refuses a stream
 * with a control character or half a surrogate pair in it: nothing of that kind gets in, so that the comment ends where we end it.
 */
export const yamlComment = (text: string): string =>
  `# ${text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .replace(LONG, '$1...')}\n`;
