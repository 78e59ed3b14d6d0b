import { failedLine } from '../core/seen-effects.ts';
import { trustedProgram } from '../host/trusted-file.ts';
import type { FirewallRule } from '../protocol/hooks/effects/effect.ts';
import { effectsOf } from '../protocol/hooks/effects/effects-of.ts';
import { changeOf, wordsOf } from '../protocol/hooks/effects/of-command.ts';
import type { HookCommand } from '../protocol/hooks/hook.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** The rule that a command deletes, where hooks of another interface that is up set up the very same one; null = it is of this one alone. */
export async function sharedRule({ name, host }: ManagedInterface, command: HookCommand): Promise<FirewallRule | null> {
  if (!command.args.some(({ text }) => text === '-D' || text === '--delete')) return null;
  const change = changeOf(command, wordsOf(command, name));
  if (!('takes' in change)) return null;
  const others = (await host.state.running()).filter((other) => other !== name);
  for (const other of others) {
    const text = (await host.state.open(other).readRunning()) ?? '';
    for (const { effect } of effectsOf(interfaceOf(parseDocument(text)), other))
      if (effect.kind === 'firewall rule' && change.takes(effect)) return effect;
  }
  return null;
}

/** Deletes one copy of the rule, but not the last one, in one transaction. Its exit code, as that of the command. */
export async function deleteButLast(
  { host }: ManagedInterface,
  { program, table, chain, rule }: FirewallRule,
): Promise<number | null> {
  const lines = [`*${table}`, `-D ${chain} ${rule}`, `-C ${chain} ${rule}`, 'COMMIT', ''];
  const path = trustedProgram(`${program}-restore`);
  const { exitCode, stderr } = await host.runner.run(path, ['--noflush', '-w', '5'], { stdin: lines.join('\n') });
  // It was the only one: the other interface needs it.
  return exitCode !== null && failedLine(stderr) === 2 ? 0 : exitCode;
}
