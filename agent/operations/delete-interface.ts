import { removeDurably } from '../host/config-files.ts';
import { bringDown } from '../host/lifecycle.ts';
import { readSnapshot } from '../host/snapshot.ts';
import type { AgentContext } from './context.ts';
import { takeDownOurs } from './set-state.ts';

/** DELETE: down, then the file and everything that we remember of it. Fine when nothing is there. */
export async function deleteInterface(
  { host }: AgentContext,
  name: string,
): Promise<{ status: 'success'; message: string }> {
  const before = await readSnapshot(host, name);
  if (before.live !== null) await (before.file === null ? takeDownOurs(host, name, before) : bringDown(host, name));
  await removeDurably(host.configPath(name));
  await host.state.writeRunning(name, null);
  await host.state.writeWanted(name, null);
  await host.state.writeJournal(name, null);
  return { status: 'success', message: `Interface ${name} deleted successfully` };
}
