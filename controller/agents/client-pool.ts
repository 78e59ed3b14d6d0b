import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Secret } from '../../agent/protocol/secret.ts';
import { agentOrigin } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { type AgentAddress, type AgentClient, type AgentClientOptions, createAgentClient } from './agent-client.ts';

const MAX_CLIENTS = 10_000;

/** One client, and so one warm connection, for each agent and credentials; the least used are closed first. */
export interface ClientPool {
  get(node: WireGuardNode, credentials: ReadonlyMap<string, Secret>): AgentClient;
  close(): Promise<void>;
}

export function createClientPool(options: Omit<AgentClientOptions, 'address'>): ClientPool {
  const clients = new LRUCache<string, AgentClient>({
    max: MAX_CLIENTS,
    dispose: (client) => {
      void client.close();
    },
  });
  return {
    get(node, credentials) {
      const address = addressOf(node, credentials);
      const id = identityOf(address);
      const known = clients.get(id);
      if (known !== undefined) return known;
      const client = createAgentClient({ ...options, address });
      clients.set(id, client);
      return client;
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
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
