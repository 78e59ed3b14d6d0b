import type { HookContext } from '../hook.ts';
import type { Value } from '../syntax.ts';
import type { Word } from '../words.ts';

/** A program that hooks may run, and what of it. */
export interface Program {
  readonly names: readonly string[];
  /** By name of the rule; `usage` is the whole. See `Syntax`. */
  readonly usage: Readonly<Record<string, string>>;
  /** Turns the words of the command into those that the usage is about; default: as they are. */
  readonly wordsOf?: (words: readonly Word[]) => readonly Word[];
  /** What a usage cannot say; throws RefusedError. */
  readonly check?: (command: Checked) => void;
  /** The arguments in their canonical form; default: as they are. */
  readonly canonical?: (args: readonly Word[]) => readonly Word[];
}

/** A command whose words fit the usage. */
export interface Checked {
  readonly program: Word;
  readonly args: readonly Word[];
  readonly values: readonly Value[];
  readonly context: HookContext;
}

/** Whether a hook may empty or delete what has that name: hooks of the interface make it, or may be taken to. */
export const isMadeHere = (name: string, { made }: HookContext): boolean => made?.has(name) !== false;

/** A word that nobody wrote. */
export const newWord = (text: string, at: number): Word => ({ text, runTime: null, token: text, at, isBare: true });
