import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Secret } from '../../agent/protocol/secret.ts';
import { agentOrigin } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Drivers } from './driver.ts';
import { ChosenDriver } from './chosen-driver.ts';
import { explain } from './wgnode/explain-response.ts';
import {
  type AgentAddress,
  type AgentClientOptions,
  createSignedClient,
  type SignedClient,
} from './http/signed-client.ts';

const MAX_CLIENTS = 10_000;

interface Connected {
  readonly client: SignedClient;
  readonly drivers: Map<string, ChosenDriver>;
}

/** Drivers of all kinds of agents: one client, and so one warm connection, for each agent and credentials; the least used are closed first. */
export function createDrivers(options: Omit<AgentClientOptions, 'address'>): Drivers {
  const agents = new LRUCache<string, Connected>({
    max: MAX_CLIENTS,
    dispose: ({ client }) => {
      void client.close();
    },
  });
  const { now } = options;
  return {
    open(node, credentials) {
      const { address, id } = addressOf(node, credentials);
      let agent = agents.get(id);
      if (agent === undefined) {
        agent = { client: createSignedClient({ ...options, address }, explain), drivers: new Map() };
        agents.set(id, agent);
      }
      const { name } = node.spec.interface;
      const driver = agent.drivers.get(name) ?? new ChosenDriver(agent.client, { name, url: node.spec.agent.url, now });
      agent.drivers.set(name, driver);
      return driver;
    },
    async close() {
      await Promise.all([...agents.values()].map(({ client }) => client.close()));
    },
  };
}

interface Addressed {
  readonly address: AgentAddress;
  readonly id: string;
}

/** By credentials, which stay the same object while their Secret does: at every look the same is asked. */
const addressed = new WeakMap<ReadonlyMap<string, Secret>, Map<string, Addressed>>();

function addressOf(node: WireGuardNode, credentials: ReadonlyMap<string, Secret>): Addressed {
  const { tls } = node.spec.agent;
  const origin = agentOrigin(node);
  const place = tls === undefined ? origin : JSON.stringify([origin, tls.serverName, tls.spkiSha256]);
  const known = addressed.get(credentials) ?? new Map<string, Addressed>();
  addressed.set(credentials, known);
  const made = known.get(place) ?? makeAddress(node, credentials);
  known.set(place, made);
  return made;
}

function makeAddress(node: WireGuardNode, credentials: ReadonlyMap<string, Secret>): Addressed {
  const { tls } = node.spec.agent;
  const text = (key: string): string | undefined => credentials.get(key)?.reveal();
  const address: AgentAddress = {
    origin: agentOrigin(node),
    hmacKeys: ['hmac-key', 'next-hmac-key'].flatMap((entry) => {
      const key = text(entry)?.trim();
      return key === undefined ? [] : [new Secret(key)];
    }),
    tls: {
      ca: text('ca.crt'),
      cert: text('tls.crt'),
      key: credentials.get('tls.key'),
      serverName: tls?.serverName,
      pins: tls?.spkiSha256 ?? [],
    },
  };
  return { address, id: identityOf(address) };
}

function identityOf({ origin, hmacKeys, tls }: AgentAddress): string {
  const keys = hmacKeys.map((key) => key.reveal());
  const parts = [origin, keys, tls.ca, tls.cert, tls.key?.reveal(), tls.serverName, tls.pins];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
