import { dirname } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { createCommandRunner } from '../host/command-runner.ts';
import { isInterfaceName } from '../protocol/interface-name.ts';
import { type AgentSettings, parseSettings, readConfigFile, SettingsError } from '../settings.ts';
import { auditReport, sinceMs, verifyAudit } from './audit-report.ts';
import { checkHooks } from './check-hooks.ts';
import { checkHost, findingsText } from './check-host.ts';
import { CommandError } from './command-error.ts';
import { enroll, interfacesOf } from './enroll.ts';
import { type EnrollOptions, importFiles } from './import-files.ts';
import { COMMAND_HELP, HELP } from './help.ts';
import { init } from './init.ts';
import { createLocalAgent, type LocalAgent } from './local-agent.ts';
import { planFile } from './plan-file.ts';
import { renew } from './renew.ts';
import { status } from './status.ts';

/** Where the agent has its things on this host. */
export interface Places {
  readonly configPath: string;
  /** Of wg-quick(8). */
  readonly configFolder: string;
  readonly stateFolder: string;
}

type Run = (args: string[], places: Places) => Promise<void> | void;

const COMMANDS: Readonly<Record<string, Run>> = {
  init: async (args, { configPath }) => {
    const { values } = parsed(args, { name: text, address: texts });
    const done = await init(dirname(configPath), createCommandRunner(), {
      name: values.name ?? null,
      addresses: values.address ?? [],
    });
    print(`${done.join('\n')}\nNext: systemctl enable --now wgnode-agent, then wgnode-agent enroll --all\n`);
  },
  renew: async (args, places) => {
    const { values } = parsed(args, { address: texts, 'new-key': flag, force: flag });
    // What the agent uses, where its configuration can be read.
    const settings = await settingsOf(places).catch(() => null);
    const done = await renew(dirname(places.configPath), createCommandRunner(), {
      addresses: values.address ?? [],
      hasNewKey: values['new-key'] === true,
      isForced: values.force === true,
      used: settings?.tls?.cert ?? null,
    });
    print(`${done.join('\n')}\nA running agent takes it up within 10 seconds.\n`);
  },
  enroll: async (args, places) => {
    const { values } = parsed(args, { ...OBJECT_OPTIONS, interface: texts, all: flag });
    if ((values.interface === undefined) === (values.all !== true))
      throw new CommandError('enroll needs --interface NAME (once or more) or --all');
    const sources = { ...(await localAgent(places)), configFolder: places.configFolder };
    print(await enroll(sources, { ...objectOptions(values), interfaces: values.interface ?? null }));
  },
  import: async (args) => {
    const { values, positionals } = parsed(args, OBJECT_OPTIONS, true);
    if (positionals.length === 0) throw new CommandError('import needs a file of wg-quick, or several');
    print(await importFiles(positionals, { ...objectOptions(values), interfaces: null }));
  },
  status: async (args, places) => {
    const { values } = parsed(args, { interface: texts, output: short('o') });
    if (values.output !== undefined && values.output !== 'wide') throw new CommandError('-o takes wide');
    const local = await localAgent(places);
    const names = values.interface ?? (await interfacesOf(places.configFolder, local.settings));
    const sources = { ...local, nowMs: Date.now(), auditFolder: places.stateFolder };
    const report = await status(sources, { names, isWide: values.output === 'wide' });
    print(report.text);
    process.exitCode = report.exitCode;
  },
  check: async (args, places) => {
    parsed(args, {});
    const settings = await settingsOf(places).catch((error: unknown) => {
      if (error instanceof SettingsError) return error;
      throw error;
    });
    const { configFolder } = places;
    const findings = await checkHost({ runner: createCommandRunner(), configFolder, settings, nowMs: Date.now() });
    print(findingsText(findings));
    if (findings.some(({ level }) => level === 'failed')) process.exitCode = 1;
  },
  plan: async (args, places) => {
    const { values, positionals } = parsed(args, { interface: text }, true);
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new CommandError('plan needs one file of wg-quick');
    if (values.interface !== undefined && !isInterfaceName(values.interface))
      throw new CommandError(`'${values.interface}' is no name of an interface`);
    const { agent } = await localAgent(places);
    print(await planFile(agent, file, values.interface ?? null));
  },
  'check-hooks': async (args, { configPath }) => {
    const [path, ...more] = parsed(args, {}, true).positionals;
    if (path === undefined || more.length > 0)
      throw new CommandError('check-hooks needs a file, or - for the standard input');
    // The host's own programs count where its policy can be read: anybody may ask.
    const policy = await readConfigFile(configPath).catch(() => null);
    const allowed = policy === null ? [] : parseSettings(policy, {}).hooks.allowed;
    try {
      const report = checkHooks(path, allowed);
      print(report.text);
      process.exitCode = report.exitCode;
    } catch (error) {
      throw new CommandError(`Cannot read ${path}: ${String((error as NodeJS.ErrnoException).code)}`);
    }
  },
  audit: (args, { stateFolder }) => {
    const { values, positionals } = parsed(args, { interface: text, since: text, output: short('o') }, true);
    const [verb, ...more] = positionals;
    if (more.length > 0 || (verb !== undefined && verb !== 'verify'))
      throw new CommandError('audit takes options, or verify');
    const since = values.since === undefined ? 0 : sinceMs(values.since, Date.now());
    if (since === null) throw new CommandError('--since takes 30m, 2h, 7d or a date as 2026-11-29T12:00:00Z');
    const { output = 'table' } = values;
    if (output !== 'table' && output !== 'json') throw new CommandError('-o takes table or json');
    const report =
      verb === 'verify'
        ? verifyAudit(stateFolder)
        : auditReport(stateFolder, { interface: values.interface ?? null, sinceMs: since }, output);
    print(report.text);
    process.exitCode = report.exitCode;
  },
};

/** Runs what stands on the command line. Throws CommandError and SettingsError for what the operator can mend. */
export async function runCommand([name = '', ...args]: readonly string[], places: Places): Promise<void> {
  if (name === '--help' || name === '-h' || name === 'help') {
    print(HELP);
    return;
  }
  if (name === '--version' || name === 'version') {
    print(`${packageFile.version}\n`);
    return;
  }
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (run === undefined) throw new CommandError(`Unknown command ${name}; see wgnode-agent --help`);
  if (args.includes('--help') || args.includes('-h')) {
    print(COMMAND_HELP[name] ?? HELP);
    return;
  }
  await run(args, places);
}

const print = (output: string): void => {
  process.stdout.write(output);
};

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;
const short = <S extends string>(letter: S): { readonly type: 'string'; readonly short: S } => ({
  type: 'string',
  short: letter,
});

const OBJECT_OPTIONS = { namespace: { type: 'string', short: 'n' }, mode: text, address: text, name: text } as const;

function objectOptions(values: {
  readonly namespace?: string | undefined;
  readonly mode?: string | undefined;
  readonly address?: string | undefined;
  readonly name?: string | undefined;
}): Omit<EnrollOptions, 'interfaces'> {
  const { namespace = 'edge', mode = 'Observe', address = null, name = null } = values;
  if (mode !== 'Observe' && mode !== 'Enforce') throw new CommandError('--mode takes Observe or Enforce');
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    throw new CommandError('--namespace takes the name of a namespace: lower case letters, digits and hyphens');
  return { namespace, mode, address, name };
}

function parsed<const O extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: O,
  allowPositionals = false,
): ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: boolean }>> {
  try {
    return parseArgs({ args, options, allowPositionals });
  } catch (error) {
    // Node goes on with a piece of advice about --, which helps nobody here.
    const said = error instanceof Error ? error.message.replace(/\. To specify.*$/s, '') : String(error);
    throw new CommandError(`${said}; see wgnode-agent --help`);
  }
}

const settingsOf = async ({ configPath }: Places): Promise<AgentSettings> =>
  parseSettings(await readConfigFile(configPath), process.env);

async function localAgent(places: Places): Promise<{ settings: AgentSettings; agent: LocalAgent }> {
  const settings = await settingsOf(places);
  return { settings, agent: createLocalAgent(settings, Date.now) };
}
