import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CommandError } from './command-error.ts';

/** Exit code of wrong use. */
export const MISUSE = 2;

/** The flags of all commands, as kubectl has them. */
const COMMON = {
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  selector: { type: 'string', short: 'l' },
  output: { type: 'string', short: 'o' },
  watch: { type: 'boolean', short: 'w' },
  context: { type: 'string' },
  kubeconfig: { type: 'string' },
  timeout: { type: 'string' },
  wait: { type: 'boolean' },
  all: { type: 'boolean' },
  replace: { type: 'boolean' },
  'agent-url': { type: 'string' },
  address: { type: 'string' },
  mode: { type: 'string' },
  name: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

/** The name of a flag, without its dashes. */
export type FlagName = keyof typeof COMMON;

/** The command line, taken apart. */
export interface Arguments {
  readonly command: string;
  readonly names: readonly string[];
  /** The text of a flag; undefined = it was not given. */
  readonly text: (flag: FlagName) => string | undefined;
  readonly has: (flag: FlagName) => boolean;
  /** Those that were given. */
  readonly given: readonly FlagName[];
}

/** Whether objects are chosen without their names. */
export const asksForMany = (args: Pick<Arguments, 'has' | 'text'>): boolean =>
  args.has('all-namespaces') || args.has('all') || args.text('selector') !== undefined;

/** Takes apart what stands behind `kubectl wgnode`. Throws CommandError for a flag that is none. */
export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: COMMON, allowPositionals: true });
    const [command = '', ...names] = positionals;
    return {
      command,
      // As kubectl takes it: wgn/NAME.
      names: names.map((name) => name.replace(/^(wgn|wireguardnodes?)(\.wgnode\.dev)?\//, '')),
      text: (flag) => {
        const value = values[flag];
        return typeof value === 'string' ? value : undefined;
      },
      has: (flag) => values[flag] === true,
      given: Object.keys(values) as FlagName[],
    };
  } catch (error) {
    const said = error instanceof Error ? error.message.replace(/\. To specify.*$/s, '') : String(error);
    throw new CommandError(`${said}; see kubectl wgnode --help`, MISUSE);
  }
}

/** Milliseconds of `30s`, `5m`, `1h` or plain seconds. Throws CommandError. */
export function durationMs(text: string): number {
  const match = /^([0-9]{1,6})(ms|s|m|h|)$/.exec(text);
  if (match === null) throw new CommandError(`--timeout ${text} must be a time as 30s, 5m or 1h`, MISUSE);
  const [, count = '0', unit = ''] = match;
  const factor = { ms: 1, '': 1_000, s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? 1_000;
  return Number(count) * factor;
}
