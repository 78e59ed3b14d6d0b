import type { ObservedInterface } from '../../../agent/protocol/compare.ts';
import type { HealthResponse, ReadBack } from '../../../agent/protocol/messages.ts';
import { observedFrom } from '../../../agent/protocol/observed.ts';
import type { AgentIdentity, Observation } from '../../policy/observation.ts';
import type { ConfigRead } from './agent-client.ts';

/** What the agent says of itself, and what its connection says of it. */
export type AgentAnswer = HealthResponse & Pick<AgentIdentity, 'certificateNotAfterMs'>;

/** What a read of our agent says, in the words of the domain. */
export function observationOf(
  health: AgentAnswer,
  read: Exclude<ConfigRead, { readonly kind: 'unchanged' }>,
): Observation {
  if (read.kind !== 'present') {
    const agent = identityOf(health);
    const nothing: ObservedInterface = { file: null, device: null, running: null, settled: [] };
    const owner = health.capabilities?.includes('owner') === true ? null : undefined;
    return { agent, interface: nothing, peerCount: null, reported: [], owner, revision: undefined };
  }
  return presentOf(health, read.response);
}

/** What our agent says of an interface that there is. */
export function presentOf(health: AgentAnswer, response: ReadBack): Observation {
  return {
    agent: identityOf(health),
    interface: observedFrom(response),
    peerCount: response.live?.peer_count ?? null,
    reported: response.drift.map(({ path, file, live, impact }) => ({ path, file, live, impact })),
    owner: response.owner,
    revision: response.digest,
  };
}

const identityOf = ({ name, version, epoch, capabilities, certificateNotAfterMs }: AgentAnswer): AgentIdentity => ({
  name,
  version,
  epoch,
  capabilities,
  certificateNotAfterMs,
});
