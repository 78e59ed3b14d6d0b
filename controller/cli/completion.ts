/** kubectl runs a program of this name to complete the words behind `kubectl wgnode` (kubectl 1.26 and later, KEP-3638). */
export const COMPLETION = `#!/bin/sh
exec kubectl wgnode __complete "$@"
`;

/** The directive that tells the shell that the words are no files (cobra's ShellCompDirectiveNoFileComp). */
const NO_FILES = ':4';

/** What fits behind the words: `commands` for the first one, `names` for the others. */
export function completionsOf(
  words: readonly string[],
  { commands, names }: { readonly commands: readonly string[]; readonly names: readonly string[] },
): string {
  const last = words.at(-1) ?? '';
  const candidates = words.length <= 1 ? commands : names;
  return `${[...candidates.filter((word) => word.startsWith(last)), NO_FILES].join('\n')}\n`;
}
