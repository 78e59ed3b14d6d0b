import { AgentError } from '../core/agent-error.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** The variables of wg-quick(8) that hooks are known to use; they are not exported, as there. */
const WRAPPER = 'INTERFACE="$1"; CONFIG_FILE="$2"; hook="$3"; shift 3; eval "$hook"';

/** Runs one hook as wg-quick does: bash with errexit and pipefail, `%i` replaced. Throws `command_failed`. */
export async function runHook({ host, name, path }: ManagedInterface, hook: string): Promise<void> {
  const args = ['bash', name, path, hook.replaceAll('%i', name)];
  const result = await host.runner.run('bash', ['-e', '-o', 'pipefail', '-c', WRAPPER, ...args], {
    timeoutMs: host.limits.hookTimeoutMs,
  });
  if (result.exitCode === 0) return;
  const how = result.exitCode === null ? 'did not end in time' : `failed with exit code ${String(result.exitCode)}`;
  throw new AgentError('command_failed', `The hook \`${hook}\` ${how}`);
}

/** Takes back what hooks of a failed set-up may have done: every down hook, whatever the others say. wg-quick does not. */
export async function runDownHooks(
  target: ManagedInterface,
  config: Pick<InterfaceConfig, 'preDown' | 'postDown'>,
): Promise<void> {
  for (const hook of [...config.preDown, ...config.postDown]) {
    await runHook(target, hook).catch((error: unknown) => {
      target.host.log.debug('a down hook failed while a failed set-up was taken back', {
        interface: target.name,
        error: String(error),
      });
    });
  }
}
