import { uptime } from 'node:os';
import { AGENT_NAME, CAPABILITIES, type HealthResponse } from '../protocol/messages.ts';
import type { AgentContext } from './context.ts';

/** GET /health: who this is. Looks at nothing that could block. */
export function getHealth({ host, version }: AgentContext): HealthResponse {
  const now = host.nowMs();
  return {
    status: 'ok',
    timestamp: Math.floor(now / 1000),
    uptime: Math.floor(uptime()),
    version,
    name: AGENT_NAME,
    capabilities: CAPABILITIES,
    epoch: host.state.epoch,
    time: Math.floor(now),
  };
}
