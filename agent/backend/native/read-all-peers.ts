import type { Peer } from '../../core/device.ts';
import { parseDump } from '../../core/parse-dump.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';

/** The peers of every running WireGuard interface of the host, by name, from one `wg show all dump`. */
export async function readAllPeers(runner: CommandRunner): Promise<ReadonlyMap<string, readonly Peer[]>> {
  const text = await mustRun(runner, ['wg', 'show', 'all', 'dump']);
  const lines = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const name = line.slice(0, tab);
    const own = lines.get(name) ?? [];
    own.push(line.slice(tab + 1));
    lines.set(name, own);
  }
  return new Map([...lines].map(([name, own]) => [name, parseDump(own.join('\n')).peers]));
}
