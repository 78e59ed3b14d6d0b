import { uptime } from 'node:os';
import { isActive } from '../core/device.ts';
import type { HostStats } from '../host/host-stats.ts';
import type { AgentContext } from './context.ts';

/** GET /v1/status: load of the host and totals of the running interfaces. */
export async function getStatus(
  { host, backends, version }: AgentContext,
  readHostStats: () => Promise<HostStats>,
): Promise<object> {
  const [system, peers] = await Promise.all([readHostStats(), backends.readAllPeers()]);
  const now = host.nowMs();
  const interfaces = [...peers].map(([name, list]) => [
    name,
    {
      status: 'up',
      peer_count: list.length,
      active_peers: list.filter((peer) => isActive(peer, now)).length,
      total_rx_bytes: list.reduce((sum, peer) => sum + peer.rxBytes, 0),
      total_tx_bytes: list.reduce((sum, peer) => sum + peer.txBytes, 0),
    },
  ]);
  return {
    status: 'ok',
    timestamp: Math.floor(now / 1000),
    uptime: Math.floor(uptime()),
    version,
    system,
    wireguard: { interfaces: Object.fromEntries(interfaces) as object, interface_count: interfaces.length },
  };
}
