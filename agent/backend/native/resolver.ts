import { readdir, readFile } from 'node:fs/promises';
import { AgentError } from '../../core/agent-error.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';

/** Name servers and search domains of one interface. */
export interface Resolver {
  readonly dns: readonly string[];
  readonly search: readonly string[];
}

const ORDER = '/etc/resolvconf/interface-order';

/** The name of the interface's record in resolvconf(8): Debian's own sorts by a prefix that wg-quick takes from its order of interfaces. */
async function recordOf(name: string): Promise<string> {
  const lines = (await readFile(ORDER, 'utf8').catch(() => '')).split('\n');
  const prefix = lines.map((line) => /^([A-Za-z0-9-]+)\*$/.exec(line.trim())?.[1]).find((found) => found !== undefined);
  return prefix === undefined ? name : `${prefix}.${name}`;
}

/** Sets the record as wg-quick does; without a server there is none. */
export async function setResolver(runner: CommandRunner, name: string, { dns, search }: Resolver): Promise<void> {
  const record = await recordOf(name);
  if (dns.length === 0) {
    await clearRecord(runner, record);
    return;
  }
  const servers = dns.map((server) => `nameserver ${server}`);
  const lines = search.length === 0 ? servers : [...servers, `search ${search.join(' ')}`];
  try {
    await mustRun(runner, ['resolvconf', '-a', record, '-m', '0', '-x'], { stdin: `${lines.join('\n')}\n` });
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'command_missing')) throw error;
    throw new AgentError('command_missing', '`dns` needs a resolvconf program on the host', { cause: error });
  }
}

/** Where the programs called resolvconf keep their records, Debian's own and openresolv by its versions. */
const FOLDERS = ['/run/resolvconf/interface', '/run/resolvconf/interfaces', '/run/resolvconf/keys'];

/** Removes the record; fine when there is none. One that was made under another order of interfaces has another prefix. */
export async function clearResolver(runner: CommandRunner, name: string): Promise<void> {
  const isOwn = (record: string): boolean =>
    record === name || /^[A-Za-z0-9-]+$/.test(beforeSuffix(record, `.${name}`));
  const listings = await Promise.all(FOLDERS.map((folder) => readdir(folder).catch(() => [])));
  const records = new Set([await recordOf(name), ...listings.flat().filter(isOwn)]);
  for (const record of records) await clearRecord(runner, record);
}

const beforeSuffix = (text: string, suffix: string): string =>
  text.endsWith(suffix) ? text.slice(0, -suffix.length) : '';

async function clearRecord(runner: CommandRunner, record: string): Promise<void> {
  await mustRun(runner, ['resolvconf', '-d', record, '-f']);
}
