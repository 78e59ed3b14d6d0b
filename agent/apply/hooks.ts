import { AgentError } from '../core/agent-error.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { redactKeys } from '../protocol/redact.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** The variables of wg-quick(8) that hooks are known to use; they are not exported, as there. */
const WRAPPER = 'INTERFACE="$1"; CONFIG_FILE="$2"; hook="$3"; shift 3; eval "$hook"';

/** Runs one hook as wg-quick does: bash with errexit and pipefail, `%i` replaced. Throws `command_failed`. */
export async function runHook({ host, name, path }: ManagedInterface, hook: string): Promise<void> {
  const args = ['bash', name, path, hook.replaceAll('%i', name)];
  const result = await host.runner.run('bash', ['-e', '-o', 'pipefail', '-c', WRAPPER, ...args], {
    timeoutMs: host.limits.hookTimeoutMs,
    output: 'none',
  });
  if (result.exitCode === 0) return;
  const how = result.exitCode === null ? 'did not end in time' : `failed with exit code ${String(result.exitCode)}`;
  // It may hold a key, as `wg set %i peer X preshared-key <(echo KEY)` does.
  throw new AgentError('command_failed', `The hook \`${redactKeys(hook)}\` ${how}`);
}

/** Takes back what hooks of a failed set-up may have done: every down hook, whatever the others say. wg-quick does not. */
export async function runDownHooks(
  target: ManagedInterface,
  config: Pick<InterfaceConfig, 'preDown' | 'postDown'>,
): Promise<void> {
  for (const hook of [...config.preDown, ...config.postDown]) await runQuietly(target, hook);
}

/** Runs one hook whose failure changes nothing: it takes back what may be gone already. */
export async function runQuietly(target: ManagedInterface, hook: string): Promise<void> {
  await runHook(target, hook).catch((error: unknown) => {
    target.host.log.debug('a hook failed while a set-up was taken back', {
      interface: target.name,
      error: String(error),
    });
  });
}

/**
 * Takes back what hooks of an older life may have left, when its device went without us. Whoever took it away may have run them
 * already (`wg-quick down`), or not (`ip link delete`): run twice they do no harm, unless another interface that is up set up the very
 * same thing. Those lines are left alone.
 */
export async function undoOlderLife(target: ManagedInterface, text: string): Promise<void> {
  const { preDown, postDown } = interfaceOf(parseDocument(text));
  const others = await linesOfOthers(target);
  const isOurs = (hook: string): boolean => !others.has(hook.replaceAll('%i', target.name));
  await runDownHooks(target, { preDown: preDown.filter(isOurs), postDown: postDown.filter(isOurs) });
}

/** The down hooks of every other interface that was brought up by us, `%i` replaced. */
async function linesOfOthers({ host, name }: ManagedInterface): Promise<ReadonlySet<string>> {
  const names = (await host.state.running()).filter((other) => other !== name);
  const lines = await Promise.all(
    names.map(async (other) => {
      const { preDown, postDown } = interfaceOf(parseDocument((await host.state.open(other).readRunning()) ?? ''));
      return [...preDown, ...postDown].map((hook) => hook.replaceAll('%i', other));
    }),
  );
  return new Set(lines.flat());
}
