import type { DownHooks, UpHooks } from '../backend/backend.ts';
import { AgentError } from '../core/agent-error.ts';
import { type HookRun, newLedger } from '../core/device.ts';
import { downHooksOf, withoutEffect } from '../core/teardown.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { redactKeys } from '../protocol/redact.ts';
import { hooksOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELDS } from '../protocol/wgquick/fields.ts';
import { canonicalHook } from '../protocol/hooks/canonical.ts';
import { auditCommand } from './audited.ts';
import { isIntentLine, runIntentLine } from './intent-lines.ts';
import { type ManagedInterface, warn } from './managed-interface.ts';
import { isHookCommand, type NoteRun, runCommands } from './run-commands.ts';

/** The variables of wg-quick(8) that hooks are known to use; they are not exported, as there. */
const WRAPPER = 'INTERFACE="$1"; CONFIG_FILE="$2"; hook="$3"; shift 3; eval "$hook"';

/** Whether a process is a hook that an agent runs. */
export const isHookProcess = (argv: readonly string[], pid: string): boolean =>
  (argv[0] === 'bash' && argv.includes(WRAPPER)) || isHookCommand(argv, pid);

const nobody: NoteRun = () => Promise.resolve();

/**
 * Runs one hook: a canonical line of the grammar by its commands, any other as wg-quick does, which is the host's own word or that of
 * `hooks: shell`. Throws `command_failed`.
 */
export async function runHook(target: ManagedInterface, hook: string, note: NoteRun = nobody): Promise<void> {
  const { name, host } = target;
  if (isIntentLine(hook)) return noted(hook, note, () => runIntentLine(target, hook));
  const canonical = canonicalHook(hook, { device: name, allowed: host.hooks.allowed });
  if (canonical?.line === hook) return runCommands(target, canonical.hook, note);
  await noted(hook, note, () => runInBash(target, hook));
}

async function noted(hook: string, note: NoteRun, run: () => Promise<void>): Promise<void> {
  await note(hook, 'started');
  try {
    await run();
  } catch (error) {
    await note(hook, 'failed');
    throw error;
  }
  await note(hook, 'done');
}

/** bash with errexit and pipefail, `%i` replaced. */
async function runInBash(target: ManagedInterface, hook: string): Promise<void> {
  const { host, name, path } = target;
  const { cutsHooks } = await host.dialect();
  const command = cutsHooks ? (hook.split('#', 1)[0] ?? '') : hook;
  const args = ['bash', name, path, command.replaceAll('%i', name)];
  const started = performance.now();
  const result = await host.runner.run('bash', ['-e', '-o', 'pipefail', '-c', WRAPPER, ...args], {
    timeoutMs: host.limits.hookTimeoutMs,
    output: 'none',
  });
  const ms = performance.now() - started;
  auditCommand(target, { argv: ['bash', '-c', command], exitCode: result.exitCode, ms });
  if (result.exitCode === 0) return;
  const how = result.exitCode === null ? 'did not end in time' : `failed with exit code ${String(result.exitCode)}`;
  // It may hold a key, as `wg set %i peer X preshared-key <(echo KEY)` does.
  throw new AgentError('command_failed', `The hook \`${redactKeys(hook)}\` ${how}`);
}

/** The up hooks of a file, and what of them has run so far. */
export interface UpRun {
  readonly hooks: UpHooks;
  readonly runs: readonly HookRun[];
  /** Lines that failed and ended nothing: the others ran all the same. */
  readonly failed: readonly string[];
}

/** Up hooks that are written into the ledger before and after each run: what a crash leaves is known. */
export function upRun(target: ManagedInterface, config: InterfaceConfig): UpRun {
  const [runs, failed]: [HookRun[], string[]] = [[], []];
  const write = (): Promise<void> => target.state.writeLedger({ ...newLedger(null), hooks: runs });
  const note = async (run: HookRun): Promise<void> => {
    noteRun(runs, run);
    await write();
  };
  const runAll = async (list: HookRun['list']): Promise<void> => {
    for (const [line, hook] of config[list].entries()) {
      try {
        await runHook(target, hook, (command, outcome) => note({ list, line, command, outcome }));
      } catch (error) {
        if (target.failures === 'end') throw named(error, list);
        failed.push(hook);
        runs.splice(0, runs.length, ...withoutEffect(runs, hook, { list, line }));
        await write();
        warn(target, `${list}[${String(line)}] failed: the interface is up without what it sets up`, error);
      }
    }
  };
  return { runs, failed, hooks: { preUp: () => runAll('preUp'), postUp: () => runAll('postUp') } };
}

/** `started` comes before how it ended. */
function noteRun(runs: HookRun[], run: HookRun): void {
  if (run.outcome !== 'started') runs.pop();
  runs.push(run);
}

/** No place in a list: it counts only until the device is up. */
const ANYWHERE = { list: 'postUp', line: -1 } as const;

/**
 * Runs up hooks on a device that stays up, where one that fails ends nothing: who asked is told, and the ledger holds what is missing.
 * The places of those that failed.
 */
export async function setUpAgain(target: ManagedInterface, hooks: readonly string[]): Promise<number[]> {
  const failed: number[] = [];
  for (const [at, hook] of hooks.entries()) {
    const runs: HookRun[] = [];
    try {
      await runHook(target, hook, (command, outcome) => {
        noteRun(runs, { ...ANYWHERE, command, outcome });
        return Promise.resolve();
      });
    } catch (error) {
      failed.push(at);
      warn(target, 'a hook failed as it was set up again: what it sets up is missing', error);
      const now = withoutEffect(runs, hook, ANYWHERE);
      const isOther = (run: HookRun): boolean => !now.some(({ command }) => command === run.command);
      const ledger = await target.state.readLedger();
      if (ledger !== null)
        await target.state.writeLedger({ ...ledger, hooks: [...ledger.hooks.filter(isOther), ...now] });
    }
  }
  return failed;
}

/** The failure of a hook, with the key that its line has in the file. */
function named(error: unknown, list: HookRun['list']): unknown {
  if (!(error instanceof AgentError)) return error;
  return new AgentError(error.code, `${FIELDS[list].key}: ${error.message}`, { cause: error });
}

/** The down hooks of a file at their places. One that fails does not keep the interface up, nor the next one back. */
export const downHooks = (
  target: ManagedInterface,
  { preDown, postDown }: Pick<InterfaceConfig, 'preDown' | 'postDown'>,
): DownHooks => ({
  preDown: async () => {
    await runEach(target, preDown, 'preDown');
  },
  postDown: async () => {
    await runEach(target, postDown, 'postDown');
  },
});

/** Runs each; who asked is told which one failed, as what it takes back may still be there. `list`: what they are called. The places of those that failed. */
export async function runEach(target: ManagedInterface, hooks: readonly string[], list: string): Promise<number[]> {
  const failed: number[] = [];
  for (const [at, hook] of hooks.entries()) {
    await runHook(target, hook).catch((error: unknown) => {
      const text = `${list}[${String(at)}] failed: what it takes back may still be on the host`;
      failed.push(at);
      warn(target, text, error);
    });
  }
  return failed;
}

/** Runs hooks whose failure changes nothing, one after the other: they take back what may be gone already. */
export async function runQuietly(target: ManagedInterface, hooks: readonly string[]): Promise<void> {
  for (const hook of hooks) {
    await runHook(target, hook).catch((error: unknown) => {
      target.host.log.debug('a hook failed while a set-up was taken back', {
        interface: target.name,
        error: String(error),
      });
    });
  }
}

/**
 * The down hooks that take back what an older life may have left, when its device went without us. Whoever took it away may have run
 * them already (`wg-quick down`), or not (`ip link delete`): run twice they do no harm, unless another interface that is up set up the
 * very same thing. Those lines are left alone.
 */
export async function hooksOfOlderLife(
  target: ManagedInterface,
  text: string,
  runs: readonly HookRun[],
): Promise<readonly string[]> {
  const { preDown, postDown } = downHooksOf(hooksOf(parseDocument(text)), runs);
  const others = await linesOfOthers(target);
  return [...preDown, ...postDown].filter((hook) => !others.has(hook.replaceAll('%i', target.name)));
}

/** The down hooks of every other interface that was brought up by us, `%i` replaced. */
async function linesOfOthers({ host, name }: ManagedInterface): Promise<ReadonlySet<string>> {
  const names = (await host.state.running()).filter((other) => other !== name);
  const lines = await Promise.all(
    names.map(async (other) => {
      const { preDown, postDown } = hooksOf(parseDocument((await host.state.open(other).readRunning()) ?? ''));
      return [...preDown, ...postDown].map((hook) => hook.replaceAll('%i', other));
    }),
  );
  return new Set(lines.flat());
}
