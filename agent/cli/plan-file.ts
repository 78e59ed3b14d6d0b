import { basename } from 'node:path';
import { readText } from '../host/config-files.ts';
import { isInterfaceName } from '../protocol/interface-name.ts';
import type { PutConfigResponse } from '../protocol/messages.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { putFromConfig } from '../protocol/wgquick/wire.ts';
import { CommandError } from './command-error.ts';
import type { LocalAgent } from './local-agent.ts';
import { textTable } from '../protocol/text-table.ts';

/** What the agent would do to make the interface as the [Interface] part of a file says, and what that does to traffic. Changes nothing. */
export async function planFile(agent: LocalAgent, path: string, name: string | null): Promise<string> {
  const own = name ?? basename(path).replace(/\.conf$/, '');
  if (!isInterfaceName(own))
    throw new CommandError(`${path}: '${own}' is no name of an interface: say which one is meant by --interface`);
  const text = await readText(path);
  if (text === null) throw new CommandError(`Cannot read ${path}: there is no such file`);
  const config = interfaceOf(parseDocument(text));
  if (config.privateKey === null) throw new CommandError(`${path} has no PrivateKey that is one`);
  const body = { ...putFromConfig(config), options: { dry_run: true } };
  const { plan, impact } = await agent.put<PutConfigResponse>(`/v1/wg/${own}/config`, body);
  if (plan.length === 0) return `${own} is as the file says: nothing would be done\n`;
  const rows = plan.map((step) => [step.action, step.path, step.impact]);
  return `${textTable(['STEP', 'FIELD', 'IMPACT'], rows)}\nImpact on traffic: ${impact}. Peers are not part of it.\n`;
}
