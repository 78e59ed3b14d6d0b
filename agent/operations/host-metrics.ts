import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Counter, Gauge, Registry } from 'prom-client';
import { isActive, type Peer } from '../core/device.ts';
import { readText } from '../host/config-files.ts';
import { friendlyNames } from '../protocol/wgquick/friendly-names.ts';
import type { ReadContext } from './context.ts';

/**
 * What Prometheus is told at /metrics: peers in the words that dashboards for WireGuard ask for
 * (prometheus_wireguard_exporter), and our own. /v1/metrics stays that of the old contract; the two share no name with one meaning.
 */
export async function hostMetrics(context: ReadContext): Promise<Registry> {
  const { backends, host, settings, version } = context;
  const interfaces = await backends.readAllPeers();
  const registry = new Registry();
  addOwn(registry, context, interfaces);
  gauge(registry, 'wgnode_agent_build_info', 'Version of the agent; always 1', ['version']).set({ version }, 1);
  const help = 'When the certificate of the agent ends, Unix seconds; absent without TLS';
  const certificate = gauge(registry, 'wgnode_agent_certificate_expiry_timestamp_seconds', help, ['file']);
  if (settings.tls !== null) {
    const { cert } = settings.tls;
    certificate.set({ file: cert }, new X509Certificate(readFileSync(cert)).validToDate.getTime() / 1000);
  }
  const names = await Promise.all(
    [...interfaces.keys()].map(async (name): Promise<[string, ReadonlyMap<string, string>]> => {
      const text = await readText(`${host.configFolder}/${name}.conf`).catch(() => null);
      return [name, friendlyNames(text ?? '')];
    }),
  );
  addPeers(registry, interfaces, new Map(names));
  return registry;
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge =>
  new Gauge({ name, help, labelNames, registers: [registry] });

function addOwn(registry: Registry, { host }: ReadContext, interfaces: ReadonlyMap<string, readonly Peer[]>): void {
  const labels = ['interface'];
  const up = gauge(registry, 'wgnode_agent_interface_up', 'Running WireGuard interfaces; always 1', labels);
  const peers = gauge(registry, 'wgnode_agent_interface_peers', 'Peers of the interface', labels);
  const active = gauge(
    registry,
    'wgnode_agent_interface_active_peers',
    'Peers with a handshake in the last 180 seconds',
    labels,
  );
  const nowMs = host.nowMs();
  for (const [name, own] of interfaces) {
    up.set({ interface: name }, 1);
    peers.set({ interface: name }, own.length);
    active.set({ interface: name }, own.filter((peer) => isActive(peer, nowMs)).length);
  }
}

function addPeers(
  registry: Registry,
  interfaces: ReadonlyMap<string, readonly Peer[]>,
  names: ReadonlyMap<string, ReadonlyMap<string, string>>,
): void {
  const labelNames = ['interface', 'public_key', 'allowed_ips', 'friendly_name'];
  const counter = (name: string, help: string): Counter =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const sent = counter('wireguard_sent_bytes_total', 'Bytes sent to the peer');
  const received = counter('wireguard_received_bytes_total', 'Bytes received from the peer');
  const handshake = gauge(
    registry,
    'wireguard_latest_handshake_seconds',
    'Time of the last handshake with the peer, Unix seconds; 0 before the first',
    labelNames,
  );
  const keepalive = gauge(
    registry,
    'wgnode_agent_peer_keepalive_seconds',
    'Persistent keepalive of the peer; absent where it has none',
    ['interface', 'public_key'],
  );
  for (const [name, peers] of interfaces)
    for (const peer of peers) {
      const { publicKey } = peer;
      const labels = {
        interface: name,
        public_key: publicKey,
        allowed_ips: peer.allowedIps.join(','),
        friendly_name: names.get(name)?.get(publicKey) ?? '',
      };
      sent.inc(labels, peer.txBytes);
      received.inc(labels, peer.rxBytes);
      handshake.set(labels, peer.latestHandshake);
      if (peer.keepalive > 0) keepalive.set({ interface: name, public_key: publicKey }, peer.keepalive);
    }
}
