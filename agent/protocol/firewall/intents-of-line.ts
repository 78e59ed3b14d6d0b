import { parseHook } from '../hooks/parse-hook.ts';
import { asIntent, type Unnamed } from './as-intent.ts';
import { wordsOf } from '../hooks/effects/of-command.ts';

const PROGRAM = /^(?:\/(?:usr\/)?(?:local\/)?s?bin\/)?(ip6?tables|ip|sysctl)$/;

/**
 * What intents say the same as the commands of a hook, taken by the grammar or not, in order; empty = none does. Of a line that is not
 * taken each command is looked at by itself, as far as its words are plain.
 */
export function intentsOfLine(line: string, device: string): Unnamed[] {
  const parsed = parseHook(line, { device: null, allowed: [] });
  const found =
    'hook' in parsed
      ? parsed.hook.lists.flat().map(({ command }) => asIntent(command, wordsOf(command, device), device))
      : line.split(/;|&&|\|\|/).map((part) => ofPlainWords(part.trim(), device));
  return found.filter((intent) => intent !== null);
}

function ofPlainWords(text: string, device: string): Unnamed | null {
  const words = text
    .replace(/^sudo /, '')
    .split(/\s+/)
    .filter((word) => !/^(?:[12&]?>|2>&1)/.test(word))
    .map((word) => word.replace(/^(['"])(.*)\1$/, '$2').replaceAll('%i', device));
  const [, program] = PROGRAM.exec(words[0] ?? '') ?? [];
  if (program === undefined || words.some((word) => /[$`(){}|<>\\]/.test(word))) return null;
  return asIntent(
    { program, isOfHost: false, args: [], quiet: '', input: null, isIdle: false },
    words.slice(1),
    device,
  );
}

/** As YAML, in one line: `{type: Masquerade, masquerade: {outInterface: eth0}}`. */
export const flowText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return /[:{}[\],#]/.test(String(value)) ? JSON.stringify(value) : String(value);
  return `{${Object.entries(value)
    .map(([key, own]) => `${key}: ${flowText(own)}`)
    .join(', ')}}`;
};
