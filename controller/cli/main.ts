import '../../agent/node-version.ts';
import { endWithOutput } from '../../agent/output-errors.ts';
import { failureText } from '../../agent/protocol/failure-text.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { type Arguments, MISUSE, parseArguments } from './arguments.ts';
import { checkArguments } from './check-arguments.ts';
import { type Cluster, connect, explainError, listNodes } from './cluster.ts';
import { CommandError } from './command-error.ts';
import { COMMANDS } from './commands.ts';
import { completionsOf } from './completion.ts';
import { commandHelpOf, helpOf } from './help.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** As shells have it of Ctrl-C. */
const INTERRUPTED = 130;

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  if (argv[0] === '__complete') return complete(argv.slice(1), terminal);
  const args = parseArguments(argv[0] === 'help' && argv.length > 1 ? [...argv.slice(1), '--help'] : argv);
  const command = Object.hasOwn(COMMANDS, args.command) ? COMMANDS[args.command] : undefined;
  if (args.command === '' || args.command === 'help') {
    terminal.print(helpOf(COMMANDS));
    return args.command === '' && !args.has('help') ? MISUSE : 0;
  }
  if (args.command === 'version') return version(args, terminal);
  if (command === undefined)
    throw new CommandError(`There is no command ${args.command}; see kubectl wgnode --help`, MISUSE);
  if (args.has('help')) {
    terminal.print(commandHelpOf(command));
    return 0;
  }
  checkArguments(command, args);
  const { run: work } = command;
  if (typeof work !== 'function') return work.alone({ args, terminal });
  return withCluster(args, (cluster) => work({ args, cluster, terminal, signal: cluster.signal }));
}

/** With a connection that is closed at the end; Ctrl-C ends what is under way. */
async function withCluster(args: Arguments, work: (cluster: Cluster) => Promise<number>): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const cluster = await connect(args, stopping.signal);
  try {
    const code = await work(cluster);
    return stopping.signal.aborted ? INTERRUPTED : code;
  } catch (error) {
    if (stopping.signal.aborted) return INTERRUPTED;
    if (error instanceof CommandError) throw error;
    throw new CommandError(explainError(error, cluster));
  } finally {
    await cluster.client.close();
  }
}

function version(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(`kubectl-wgnode ${packageFile.version}\n`);
  return withCluster(args, async ({ client, server }) => {
    const { gitVersion } = await client.request<{ gitVersion: string }>({ method: 'GET', path: '/version' });
    terminal.print(`API server ${gitVersion} (${server})\n`);
    return 0;
  });
}

/** For the shell: never an error, at most no words. */
async function complete(words: readonly string[], terminal: Terminal): Promise<number> {
  const commands = [...Object.keys(COMMANDS), 'version'];
  const plain = words.filter((word) => !word.startsWith('-'));
  const names = plain.length < 2 ? [] : await namesOf(words).catch(() => []);
  terminal.print(completionsOf(plain, { commands, names }));
  return 0;
}

async function namesOf(words: readonly string[]): Promise<string[]> {
  const args = parseArguments(words.filter((word) => word !== ''));
  const cluster = await connect(args, AbortSignal.timeout(3_000));
  try {
    return (await listNodes(cluster, args)).map(({ metadata }) => metadata.name);
  } finally {
    await cluster.client.close();
  }
}

endWithOutput('kubectl wgnode');
const terminal = createTerminal();
run(process.argv.slice(2), terminal).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    terminal.remark(`kubectl wgnode: ${failureText(error)}\n`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  },
);
