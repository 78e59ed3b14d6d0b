import { type Arguments, asksForMany, MISUSE } from './arguments.ts';
import { CommandError } from './command-error.ts';
import type { Command } from './session.ts';

/** Flags that every command takes. */
const COMMON = ['namespace', 'context', 'kubeconfig', 'help'];

/** Throws CommandError for what the command does not take: nothing is left out in silence. */
export function checkArguments(command: Command, args: Arguments): void {
  const { flags, outputs = [], most = Infinity } = command;
  const misuse = (message: string): CommandError =>
    new CommandError(`${args.command} ${message}; see kubectl wgnode ${args.command} --help`, MISUSE);
  const strange = args.given.find((flag) => !COMMON.includes(flag) && !flags.includes(flag));
  if (strange !== undefined) throw misuse(`takes no --${strange}`);
  const output = args.text('output');
  if (output !== undefined && !outputs.includes(output)) throw misuse(`-o takes ${outputs.join(', ')}`);
  if (args.names.length > most) throw misuse(most === 0 ? 'takes no names' : 'takes the name of one object');
  if (args.names.length > 0 && asksForMany(args)) throw misuse('takes names, or -l, -A and --all, not both');
  if (args.has('watch') && output !== undefined && output !== 'wide')
    throw misuse(`-w shows a table, and no ${output}`);
}
