import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Counter, Gauge, Registry } from 'prom-client';
import { isActive, type Peer } from '../core/device.ts';
import type { HostStats } from '../host/host-stats.ts';
import type { TlsFiles } from '../settings.ts';
import type { AgentContext } from './context.ts';

/** Names and labels are those of the old agent's contract, so that its dashboards go on working; each family is whole and typed. */
export async function getMetrics(
  { host, backends, settings }: AgentContext,
  readHostStats: () => Promise<HostStats>,
): Promise<Registry> {
  const [system, interfaces] = await Promise.all([readHostStats(), backends.readAllPeers()]);
  const registry = new Registry();
  addHost(registry, system);
  addInterfaces(registry, interfaces, host.nowMs());
  addCertificate(registry, settings.tls);
  return registry;
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge =>
  new Gauge({ name, help, labelNames, registers: [registry] });

const counter = (registry: Registry, name: string, help: string, labelNames: string[]): Counter =>
  new Counter({ name, help, labelNames, registers: [registry] });

function addHost(registry: Registry, system: HostStats): void {
  gauge(registry, 'wgdashboard_agent_cpu_percent', 'CPU use of the host, percent').set(system.cpu_percent);
  gauge(registry, 'wgdashboard_agent_memory_used_bytes', 'Memory in use on the host, bytes').set(system.memory.used);
  gauge(registry, 'wgdashboard_agent_memory_percent', 'Memory in use on the host, percent').set(system.memory.percent);
  gauge(registry, 'wgdashboard_agent_disk_used_bytes', 'Use of the root file system, bytes').set(system.disk.used);
}

function addCertificate(registry: Registry, tls: TlsFiles | null): void {
  if (tls === null) return;
  const { validToDate } = new X509Certificate(readFileSync(tls.cert));
  const help = 'When the certificate of the agent expires, Unix seconds';
  gauge(registry, 'wgnode_agent_certificate_expiry_timestamp_seconds', help).set(validToDate.getTime() / 1000);
}

function addInterfaces(registry: Registry, interfaces: ReadonlyMap<string, readonly Peer[]>, nowMs: number): void {
  gauge(registry, 'wireguard_interface_count', 'Running WireGuard interfaces').set(interfaces.size);
  const total = gauge(registry, 'wireguard_peers_total', 'Peers of the interface', ['interface']);
  const active = gauge(registry, 'wireguard_peers_active', 'Peers with a handshake in the last 180 s', ['interface']);
  const received = counter(registry, 'wireguard_interface_receive_bytes_total', 'Bytes received from present peers', [
    'interface',
  ]);
  const sent = counter(registry, 'wireguard_interface_transmit_bytes_total', 'Bytes sent to present peers', [
    'interface',
  ]);
  const peerLabels = ['interface', 'public_key'];
  const peerReceived = counter(
    registry,
    'wireguard_peer_receive_bytes_total',
    'Bytes received from the peer',
    peerLabels,
  );
  const peerSent = counter(registry, 'wireguard_peer_transmit_bytes_total', 'Bytes sent to the peer', peerLabels);
  const handshake = gauge(
    registry,
    'wireguard_peer_last_handshake_seconds',
    'Age of the last handshake, seconds; absent before the first',
    peerLabels,
  );

  for (const [name, peers] of interfaces) {
    const own = { interface: name };
    total.set(own, peers.length);
    active.set(own, peers.filter((peer) => isActive(peer, nowMs)).length);
    received.inc(
      own,
      peers.reduce((sum, peer) => sum + peer.rxBytes, 0),
    );
    sent.inc(
      own,
      peers.reduce((sum, peer) => sum + peer.txBytes, 0),
    );
    for (const peer of peers) {
      const labels = { interface: name, public_key: peer.publicKey.slice(0, 16) };
      peerReceived.inc(labels, peer.rxBytes);
      peerSent.inc(labels, peer.txBytes);
      if (peer.latestHandshake > 0) handshake.set(labels, Math.max(0, Math.floor(nowMs / 1000) - peer.latestHandshake));
    }
  }
}
