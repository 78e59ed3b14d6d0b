import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Secret } from '../../../agent/protocol/secret.ts';
import { agentOrigin } from '../../api/node.ts';
import type { WireGuardNode } from '../../api/wireguardnode.generated.ts';
import type { Drivers } from '../driver.ts';
import { type AgentAddress, type AgentClient, type AgentClientOptions, createAgentClient } from './agent-client.ts';
import { WgnodeDriver } from './wgnode-driver.ts';

const MAX_CLIENTS = 10_000;

interface Connected {
  readonly client: AgentClient;
  readonly drivers: Map<string, WgnodeDriver>;
}

/** Drivers of our own agents: one client, and so one warm connection, for each agent and credentials; the least used are closed first. */
export function createWgnodeDrivers(options: Omit<AgentClientOptions, 'address'>): Drivers {
  const agents = new LRUCache<string, Connected>({
    max: MAX_CLIENTS,
    dispose: ({ client }) => {
      void client.close();
    },
  });
  return {
    open(node, credentials) {
      const address = addressOf(node, credentials);
      const id = identityOf(address);
      let agent = agents.get(id);
      if (agent === undefined) {
        agent = { client: createAgentClient({ ...options, address }), drivers: new Map() };
        agents.set(id, agent);
      }
      const { name } = node.spec.interface;
      const driver = agent.drivers.get(name) ?? new WgnodeDriver(agent.client, name, node.spec.agent.url);
      agent.drivers.set(name, driver);
      return driver;
    },
    async close() {
      await Promise.all([...agents.values()].map(({ client }) => client.close()));
    },
  };
}

function addressOf(node: WireGuardNode, credentials: ReadonlyMap<string, Secret>): AgentAddress {
  const { tls } = node.spec.agent;
  const text = (key: string): string | undefined => credentials.get(key)?.reveal();
  return {
    origin: agentOrigin(node),
    hmacKey: new Secret((text('hmac-key') ?? '').trim()),
    tls: {
      ca: text('ca.crt'),
      cert: text('tls.crt'),
      key: credentials.get('tls.key'),
      serverName: tls?.serverName,
      pins: tls?.spkiSha256 ?? [],
    },
  };
}

function identityOf({ origin, hmacKey, tls }: AgentAddress): string {
  const parts = [origin, hmacKey.reveal(), tls.ca, tls.cert, tls.key?.reveal(), tls.serverName, tls.pins];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
