import type { Word } from './words.ts';

/** What becomes of the output of a command, as bash writes it; empty = the log of whoever runs it. */
export type Quiet = '' | '2>/dev/null' | '>/dev/null' | '&>/dev/null';

/** One program with its arguments. */
export interface HookCommand {
  /** Its name without a folder, or the path of a program that the host's policy names. */
  readonly program: string;
  /** Whether the host's policy names it. */
  readonly isOfHost: boolean;
  readonly args: readonly Word[];
  readonly quiet: Quiet;
  /** What it reads; null = nothing. */
  readonly input: string | null;
  /** `true` and `echo`: there is nothing to run. */
  readonly isIdle: boolean;
}

/** A command, and how it hangs on the ones before it in its list. */
export interface Link {
  readonly on: 'always' | 'success' | 'failure';
  readonly command: HookCommand;
}

/** Commands that `&&` and `||` join. As under `set -e`, a list fails the hook where its last command fails, or the line ends with it. */
export type CommandList = readonly Link[];

/** A hook that is taken: lists that run one after the other. */
export interface Hook {
  readonly lists: readonly CommandList[];
}

/** A program of the host's own policy, `allowCommands`; each argument fits its pattern as a whole. */
export interface AllowedCommand {
  /** Absolute. */
  readonly path: string;
  /** As in a hook, `%i` not replaced. */
  readonly args: readonly RegExp[];
}

/** The host's own word on hooks, which no caller can widen: none, those of the grammar, or any bash line. */
export interface HookPolicy {
  readonly mode: 'off' | 'grammar' | 'shell';
  readonly allowed: readonly AllowedCommand[];
}

/** Under which a hook is judged. */
export interface HookContext {
  /** What hooks of the interface make (`madeBy`): that alone they may empty and delete. Left out = not known. */
  readonly made?: ReadonlySet<string>;
  /** The interface, which hooks may name as well as `%i`; null = not known, any name is taken for it. */
  readonly device: string | null;
  readonly allowed: readonly AllowedCommand[];
}
