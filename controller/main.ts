import packageFile from '../package.json' with { type: 'json' };
import { createLogger } from './log.ts';
import { run } from './run.ts';
import { HELP, parseSettings, SettingsError } from './settings.ts';

const { version } = packageFile;
/** Below it the language that this is written in is not understood. */
const LEAST_NODE = 24;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  if (args.includes('--version')) {
    process.stdout.write(`${version}\n`);
    return;
  }
  const [major = ''] = process.versions.node.split('.', 1);
  if (Number(major) < LEAST_NODE)
    throw new SettingsError(`Node.js ${String(LEAST_NODE)} or later is needed: this is ${process.versions.node}`);
  const settings = parseSettings(args, process.env);
  process.exit(await run(settings, { log: createLogger(settings.logLevel), version }));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const text =
    error instanceof SettingsError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`wgnode-controller: ${text}\n`);
  process.exit(1);
});
