import { agentOrigin } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import type { Page } from './http-server.ts';
import type { Store } from './runtime/store.ts';

/** Where agents serve metrics unless a host says otherwise. */
const METRICS_PORT = 9586;

/** The hosts of all objects as Prometheus takes them (HTTP SD), once each; `port`: as text, of the agents' metrics. */
export function targetsPage(nodes: Pick<Store<WireGuardNode>, 'keys' | 'get'>, port: string | null): Page {
  const number = port === null ? METRICS_PORT : Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    return { status: 400, type: 'text/plain; charset=utf-8', body: 'port must be a number from 1 to 65535\n' };
  const hosts = new Map<string, { readonly host: string; readonly keys: string[] }>();
  for (const key of nodes.keys()) {
    const node = nodes.get(key);
    if (node === undefined || !URL.canParse(node.spec.agent.url)) continue;
    const { hostname } = new URL(node.spec.agent.url);
    // As the other metrics of objects call it.
    const known = hosts.get(hostname) ?? { host: agentOrigin(node), keys: [] };
    known.keys.push(key);
    hosts.set(hostname, known);
  }
  const groups = [...hosts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([hostname, { host, keys }]) => ({
      targets: [`${hostname}:${String(number)}`],
      labels: { __meta_wgnode_objects: keys.sort().join(), host },
    }));
  return { status: 200, type: 'application/json; charset=utf-8', body: `${JSON.stringify(groups)}\n` };
}
