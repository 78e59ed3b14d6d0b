import type { LivePeer } from '../core/live.ts';
import { parseDump } from '../core/parse-dump.ts';
import { mustRun } from './command-runner.ts';
import type { Host } from './host.ts';

/** The peers of every running WireGuard interface of the host, by name, from one `wg show all dump`. */
export async function readAllPeers(host: Host): Promise<ReadonlyMap<string, readonly LivePeer[]>> {
  const text = await mustRun(host.runner, ['wg', 'show', 'all', 'dump']);
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

/** Seconds since the last handshake below which a peer counts as active. */
const ACTIVE_SECONDS = 180;

export const isActive = (peer: LivePeer, nowMs: number): boolean =>
  peer.latestHandshake > 0 && nowMs / 1000 - peer.latestHandshake < ACTIVE_SECONDS;
