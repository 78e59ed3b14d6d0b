import type { Hook, HookCommand } from './hook.ts';

/** Why a hook ends before its end, or null. */
export type HookFailure = HookCommand | null;

/**
 * Goes through the commands of a hook as bash does under `set -e`: `run` says whether one succeeded. The command that ended it is the
 * answer; one that fails on the left of `&&` ends the line only where nothing follows its list.
 */
export async function runLists({ lists }: Hook, run: (command: HookCommand) => Promise<boolean>): Promise<HookFailure> {
  let failed: HookFailure = null;
  for (const list of lists) {
    failed = null;
    let isLast = true;
    for (const [at, { on, command }] of list.entries()) {
      if (on !== 'always' && (on === 'success') !== (failed === null)) continue;
      failed = command.isIdle || (await run(command)) ? null : command;
      isLast = at === list.length - 1;
    }
    if (failed !== null && isLast) return failed;
  }
  return failed;
}
