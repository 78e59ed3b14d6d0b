import type { CommandList, Hook, HookCommand } from './hook.ts';
import { isCheck, isIptables } from './iptables-words.ts';
import { parseHook } from './parse-hook.ts';
import { renderHook } from './render-hook.ts';
import type { Word } from './words.ts';

/** Words of a set-up, and what takes it back. */
type Swap = Readonly<Record<string, string>>;

/** The word that says what a command does, by program; all else of a command stays as it is. */
const SWAPS: Readonly<Record<string, Swap>> = {
  iptables: { '-A': '-D', '-I': '-D', '--append': '-D', '--insert': '-D', '-N': '-X', '--new-chain': '-X' },
  ip: { add: 'del', append: 'del' },
  ufw: { allow: 'delete allow', deny: 'delete deny', reject: 'delete reject', limit: 'delete limit' },
  'firewall-cmd': {
    '--add-interface': '--remove-interface',
    '--add-source': '--remove-source',
    '--add-port': '--remove-port',
    '--add-masquerade': '--remove-masquerade',
    '--add-rich-rule': '--remove-rich-rule',
    '--add-forward': '--remove-forward',
    '--add-service': '--remove-service',
    '--add-rule': '--remove-rule',
  },
  resolvconf: { '-a': '-d' },
};

/**
 * The line that takes back what a hook sets up, its commands in reverse order; null where one of them has no inverse: a sysctl, a route
 * that was replaced, a program of the host. What says something or does nothing needs none.
 */
export function inverseOf({ lists }: Hook): string | null {
  const inverses = lists.toReversed().map(inverseOfList);
  const known = inverses.filter((list) => list !== null);
  if (known.length < inverses.length) return null;
  const running = known.filter((list) => list.length > 0);
  return running.length === 0 ? '' : renderHook({ lists: running });
}

const ANY_HOST = { device: null, allowed: [] };
const hookOf = (line: string): Hook | null => {
  const parsed = parseHook(line, ANY_HOST);
  return 'hook' in parsed ? parsed.hook : null;
};

/** The lines that take back one line; empty = nothing is known to. One that needs nothing has `true`. */
export function derivedInverse(line: string): readonly string[] {
  const hook = hookOf(line);
  const inverse = hook === null ? null : inverseOf(hook);
  if (inverse === null) return [];
  return [inverse === '' ? 'true' : inverse];
}

/** What a line does, a command at a time, as canonical lines; one that the grammar does not take as it is. */
export function commandsOf(line: string): readonly string[] {
  const hook = hookOf(line);
  return hook === null ? [line] : hook.lists.map((list) => renderHook({ lists: [list] }));
}

/** The programs that a line runs, each as a line of its own, whatever joins them; empty = the grammar does not take it. */
export const singleCommandsOf = (line: string): readonly string[] =>
  (hookOf(line)?.lists ?? [])
    .flat()
    .filter(({ command }) => !command.isIdle)
    .map(({ command }) => renderHook({ lists: [[{ on: 'always', command }]] }));

/** The commands of these lines, may they fail or not. */
export const commandsIn = (lines: readonly string[]): ReadonlySet<string> =>
  new Set(lines.flatMap(commandsOf).map((command) => command.replace(/ \|\| true$/, '')));

/** Whether a line is of iptables(8) alone. */
export function isFirewallRule(line: string): boolean {
  const hook = hookOf(line);
  return hook?.lists.flat().every(({ command }) => command.isIdle || isIptables(command.program)) === true;
}

const TRUE: HookCommand = { program: 'true', isOfHost: false, args: [], quiet: '', input: null, isIdle: true };

/** Null = there is none; empty = none is needed. */
function inverseOfList(list: CommandList): CommandList | null {
  const commands = list.map(({ command }) => command).filter(({ isIdle }) => !isIdle);
  const [first, second] = commands;
  if (first === undefined) return [];
  const sets = commands.filter((command) => !isCheck(command));
  // `CHECK || COMMAND` sets up once; of two commands nobody knows which one ran.
  const isOne = sets.length === 1 && (second === undefined || isCheck(first));
  const isAll = list.every(({ on }, at) => at === 0 || on === 'success');
  if (isOne) return withForgiveness(list, inverseOfCommand(sets[0] ?? first));
  if (!isAll) return null;
  const links = sets.toReversed().map(inverseOfCommand);
  const known = links.filter((command) => command !== null);
  if (known.length < links.length) return null;
  return known.map((command, at) => ({ on: at === 0 ? 'always' : 'success', command }));
}

/** What may have failed may have nothing to take back. */
function withForgiveness(list: CommandList, command: HookCommand | null): CommandList | null {
  if (command === null) return null;
  const mayFail = list.at(-1)?.command.program === 'true';
  const only = { on: 'always', command } as const;
  return mayFail ? [only, { on: 'failure', command: TRUE }] : [only];
}

function inverseOfCommand(command: HookCommand): HookCommand | null {
  const { program, args } = command;
  const words = isIptables(program) ? withoutPlace(args) : args;
  const swap = SWAPS[isIptables(program) ? 'iptables' : program];
  const at = words.findIndex(({ text, runTime }) => runTime === null && Object.hasOwn(swap ?? {}, text));
  const word = words[at];
  if (swap === undefined || word === undefined || (program === 'ip' && !isOfIp(words, at))) return null;
  const swapped = (swap[word.text] ?? '').split(' ').map((text): Word => ({ ...word, text }));
  const rest = program === 'resolvconf' ? words.slice(at + 1, at + 2) : words.slice(at + 1);
  return { ...command, args: [...words.slice(0, at), ...swapped, ...rest], input: null };
}

/** `add` behind the object alone: a table or a device may be called so, too. */
const isOfIp = (words: readonly Word[], at: number): boolean =>
  words.slice(0, at).filter(({ text }) => !text.startsWith('-')).length === 1;

/** `-I CHAIN 3` was the third rule when it came; whatever is the third now may be another's. */
function withoutPlace(args: readonly Word[]): readonly Word[] {
  const at = args.findIndex(({ text }) => text === '-I' || text === '--insert');
  return at >= 0 && /^[0-9]+$/.test(args[at + 2]?.text ?? '') ? args.filter((_, index) => index !== at + 2) : args;
}
