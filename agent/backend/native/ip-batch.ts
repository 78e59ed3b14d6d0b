import { AgentError } from '../../core/agent-error.ts';
import type { CommandRunner } from '../../host/command-runner.ts';

/** Many lines are one step: its limit grows with them. */
const LIMIT_MS = 10_000;
const LIMIT_MS_A_LINE = 10;

/** Our own words for what the kernel answers (ip(8) prints the text of errno(3)). */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/File exists/, 'it is there already, on this or another interface'],
  [/Permission denied/, 'the kernel does not permit it; for IPv6 see the sysctl net.ipv6.conf.all.disable_ipv6'],
  [/Operation not permitted/, 'the agent may not do it: it needs CAP_NET_ADMIN'],
  [/Cannot find device|No such device/, 'the interface is gone'],
  [/Network is unreachable|No route to host/, 'the network is not reachable'],
  [/Cannot allocate memory|No buffer space/, 'the kernel has no memory for it'],
  [/is expected rather than|is wrong|Invalid argument|invalid|Error: /, 'it is no value that ip(8) knows'],
];

/** Runs lines of ip(8) in one process, in order; the first that fails ends it and is named. `family`: that of lines without an address. */
export async function ipBatch(
  runner: CommandRunner,
  lines: readonly string[],
  family: '-4' | '-6' | null = null,
): Promise<void> {
  if (lines.length === 0) return;
  const { exitCode, stderr } = await runner.run('ip', [...(family === null ? [] : [family]), '-batch', '-'], {
    stdin: `${lines.join('\n')}\n`,
    timeoutMs: LIMIT_MS + lines.length * LIMIT_MS_A_LINE,
  });
  if (exitCode === 0) return;
  const [, number] = /Command failed -:([0-9]+)/.exec(stderr) ?? [];
  const line = number === undefined ? 'a batch' : `\`${lines[Number(number) - 1] ?? ''}\``;
  const how = exitCode === null ? 'did not end in time' : `failed: ${causeOf(stderr)}`;
  throw new AgentError('command_failed', `ip ${line} ${how}`);
}

/** What `ip -json -batch` prints: one array a command; undefined for one that failed, but for the first, which must not. */
export async function ipJson(
  runner: CommandRunner,
  family: '-4' | '-6',
  commands: readonly string[],
): Promise<(readonly unknown[] | undefined)[]> {
  const { stdout, stderr } = await runner.run('ip', [family, '-Numeric', '-json', '-force', '-batch', '-'], {
    stdin: `${commands.join('\n')}\n`,
  });
  const answers = stdout.split('\n').map((line) => {
    try {
      return JSON.parse(line) as readonly unknown[];
    } catch {
      // A table without routes does not exist to ip(8), which then leaves half a JSON text.
      return undefined;
    }
  });
  if (answers[0] !== undefined) return answers;
  throw new AgentError('command_failed', `ip ${family} ${commands[0] ?? ''} failed: ${causeOf(stderr)}`);
}

/** Whether ip(8) failed because a table has no routes: it then does not exist. */
export const isMissingTable = (stderr: string): boolean => stderr.includes('FIB table does not exist');

const causeOf = (stderr: string): string =>
  CAUSES.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'the kernel refuses it';
