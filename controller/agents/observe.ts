import type { ConfigAnswer } from '../../agent/protocol/messages.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Memory } from '../memory.ts';
import { type Refusal, refusal } from '../reconcile/refusal.ts';
import type { Seen } from '../reconcile/outcome.ts';
import { type AgentClient, type CallOptions, isOurAgent } from './agent-client.ts';

/** Reads the host; bodyless when nothing moved since the last read. An agent that we cannot drive is a refusal. */
export async function observe(
  client: AgentClient,
  node: WireGuardNode,
  memory: Memory,
  options: CallOptions,
): Promise<Seen | Refusal> {
  const last = memory.lastRead?.client === client ? memory.lastRead : undefined;
  // Whatever fails below, the next read starts anew: behind a broken connection may be another agent.
  memory.lastRead = undefined;
  const { name } = node.spec.interface;
  const moved = last === undefined ? undefined : await client.readConfig(name, last.etag, options);
  if (last !== undefined && moved?.kind === 'unchanged') {
    memory.lastRead = last;
    return last.seen;
  }
  // Something moved: the agent may have been restarted, upgraded, or be another one.
  const health = await client.health(options);
  if (!isOurAgent(health)) {
    return refusal(
      'Unsupported',
      `The agent at ${node.spec.agent.url} is no wgnode-agent: this version cannot drive it yet`,
    );
  }
  const read = moved ?? (await client.readConfig(name, undefined, options));
  const present = read.kind === 'present' ? read : undefined;
  const seen: Seen = { health, answer: present?.answer };
  memory.lastRead = { client, etag: present?.etag, seen };
  return seen;
}

export const observationOf = ({ answer }: Seen): { kind: 'absent' } | { kind: 'present'; answer: ConfigAnswer } =>
  answer === undefined ? { kind: 'absent' } : { kind: 'present', answer };
