import { AgentError } from '../core/agent-error.ts';
import type { HookRun } from '../core/device.ts';
import { readKernelFile } from '../host/kernel-file.ts';
import { mustBeKeyFile, trustedProgram } from '../host/trusted-file.ts';
import type { Hook, HookCommand } from '../protocol/hooks/hook.ts';
import { runLists } from '../protocol/hooks/run-hook.ts';
import type { Word } from '../protocol/hooks/words.ts';
import { redactKeys } from '../protocol/redact.ts';
import { renderHook } from '../protocol/hooks/render-hook.ts';
import { auditCommand } from './audited.ts';
import { deleteButLast, sharedRule } from './shared-rules.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** In the environment of a command of a hook: its program, by which the next life of a killed agent finds it. */
const MARK = 'WGNODE_HOOK';

/** Whether a process is a command that an agent runs for a hook. */
export function isHookCommand(argv: readonly string[], pid: string): boolean {
  const variables = (readKernelFile(`/proc/${pid}/environ`) ?? '').split('\0');
  const program = variables.find((variable) => variable.startsWith(`${MARK}=`))?.slice(MARK.length + 1);
  return program !== undefined && argv.includes(program);
}

/** Is told of each command before it runs, and how it ended. */
export type NoteRun = (command: string, outcome: HookRun['outcome']) => Promise<void>;

/** Runs the commands of a hook, by argv and absolute path, as bash would run the line. Throws `command_failed`. */
export async function runCommands(target: ManagedInterface, hook: Hook, note: NoteRun): Promise<void> {
  const deadline = performance.now() + target.host.limits.hookTimeoutMs;
  let reason = '';
  const failed = await runLists(hook, async (command) => {
    const text = renderHook({ lists: [[{ on: 'always', command }]] });
    await note(text, 'started');
    try {
      reason = await runCommand(target, command, deadline);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      reason = error.message;
    }
    await note(text, reason === '' ? 'done' : 'failed');
    return reason === '';
  });
  if (failed === null) return;
  const text = redactKeys([failed.program, ...failed.args.map(({ text }) => text)].join(' '));
  throw new AgentError('command_failed', `The hook failed at \`${text}\`: ${reason}`);
}

/** Why it failed; empty = it did not. */
async function runCommand(target: ManagedInterface, command: HookCommand, deadline: number): Promise<string> {
  const { host, name } = target;
  const path = trustedProgram(command.program);
  const args = [];
  for (const word of command.args) {
    const value = await valueOf(target, word);
    if (command.program === 'wg' && value.startsWith('/')) mustBeKeyFile(value);
    args.push(value);
  }
  const started = performance.now();
  const shared = await sharedRule(target, command);
  const options = {
    timeoutMs: Math.max(1, deadline - started),
    output: 'none' as const,
    env: { [MARK]: path },
    ...(command.input === null ? {} : { stdin: `${command.input.replaceAll('%i', name)}\n` }),
  };
  const exitCode =
    shared === null ? (await host.runner.run(path, args, options)).exitCode : await deleteButLast(target, shared);
  auditCommand(target, { argv: [path, ...args], exitCode, ms: performance.now() - started });
  if (exitCode === 0) return '';
  return exitCode === null ? 'it did not end in time' : `exit code ${String(exitCode)}`;
}

/** A word as the program gets it: `%i` replaced, what is only known now looked up. */
async function valueOf({ host, name }: ManagedInterface, { text, runTime }: Word): Promise<string> {
  const named = text.replaceAll('%i', name);
  if (runTime === null || runTime.kind === 'file') return named;
  if (runTime.kind === 'fwmark')
    return markOf(await printed(['wg', 'show', runTime.device.replaceAll('%i', name), 'fwmark']));
  const through = runTime.device === null ? [] : ['dev', runTime.device.replaceAll('%i', name)];
  return gatewayOf(await printed(['ip', '-4', '-json', 'route', 'show', 'default', ...through]));

  async function printed([program = '', ...args]: readonly string[]): Promise<string> {
    return (await host.runner.run(program, args)).stdout;
  }
}

function markOf(text: string): string {
  const mark = text.trim();
  if (/^(?:0x[0-9a-f]+|[0-9]+)$/.test(mark)) return mark;
  throw new AgentError('command_failed', 'the interface has no mark');
}

function gatewayOf(text: string): string {
  const routes = JSON.parse(text === '' ? '[]' : text) as { readonly gateway?: string }[];
  const gateway = routes[0]?.gateway;
  if (gateway !== undefined) return gateway;
  throw new AgentError('command_failed', 'there is no default route with a gateway');
}
