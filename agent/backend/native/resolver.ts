import { readFile } from 'node:fs/promises';
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

/** Removes the record; fine when there is none. */
export const clearResolver = async (runner: CommandRunner, name: string): Promise<void> =>
  clearRecord(runner, await recordOf(name));

async function clearRecord(runner: CommandRunner, record: string): Promise<void> {
  await mustRun(runner, ['resolvconf', '-d', record, '-f']);
}
