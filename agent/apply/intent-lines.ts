import { AgentError } from '../core/agent-error.ts';
import { trustedProgram } from '../host/trusted-file.ts';
import { LOAD_LINE, sidecarOf, UNLOAD_LINE } from '../protocol/firewall/hook-lines.ts';
import { auditCommand } from './audited.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** Whether a hook is a line that firewall intents stand for in the file. */
export const isIntentLine = (hook: string): boolean => hook === LOAD_LINE || hook === UNLOAD_LINE;

/** Loads or takes away the table, as bash would by that line, but by argv. Throws `command_failed`; the table is then as it was. */
export async function runIntentLine(target: ManagedInterface, hook: string): Promise<void> {
  const { host, name, path } = target;
  const args =
    hook === LOAD_LINE ? ['-f', sidecarOf(path)] : [UNLOAD_LINE.slice("nft '".length, -1).replaceAll('%i', name)];
  const program = trustedProgram('nft');
  const started = performance.now();
  const { exitCode, stderr } = await host.runner.run(program, args, { timeoutMs: host.limits.hookTimeoutMs });
  auditCommand(target, { argv: [program, ...args], exitCode, ms: performance.now() - started });
  if (exitCode === 0) return;
  const [reason = ''] = stderr.split('\n');
  throw new AgentError(
    'command_failed',
    `nft does not take the table of the firewall intents: ${reason.slice(0, 200)}`,
  );
}
