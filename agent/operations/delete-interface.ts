import { removeDurably } from '../host/config-files.ts';
import { bringDown, runDownHooks } from '../host/lifecycle.ts';
import { readSnapshot } from '../host/snapshot.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { AgentContext } from './context.ts';
import { takeDownOurs } from './set-state.ts';

/** DELETE: down, then the file and everything that we remember of it. Fine when nothing is there. */
export async function deleteInterface(
  { host }: AgentContext,
  name: string,
): Promise<{ status: 'success'; message: string }> {
  const before = await readSnapshot(host, name);
  // Its device went without us; what its hooks had set up may still be there.
  const stale = before.live === null ? await host.state.readRunning(name) : null;
  if (before.live !== null) await (before.file === null ? takeDownOurs(host, name, before) : bringDown(host, name));
  else if (stale !== null) await runDownHooks(host, name, interfaceOf(parseDocument(stale)));
  await removeDurably(host.configPath(name));
  await host.state.writeRunning(name, null);
  await host.state.writeWanted(name, null);
  await host.state.writeJournal(name, null);
  return { status: 'success', message: `Interface ${name} deleted successfully` };
}
