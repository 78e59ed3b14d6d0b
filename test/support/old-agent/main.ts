// The model of the old agent as a process on a host with real WireGuard, set up by the environment as the real one is.
import { OldAgent } from './old-agent.ts';
import { realOldHost } from './real-old-host.ts';
import { serveOldAgent } from './serve-old-agent.ts';

const { WG_AGENT_SECRET: secret = 'change-me-in-production', WG_AGENT_HOST: address = '0.0.0.0' } = process.env;
const hasDelete = process.env['OLD_AGENT_DELETE'] !== 'no';
const agent = new OldAgent({ host: realOldHost, secret, now: Date.now, hasDelete });
await serveOldAgent(
  {
    answer: async (request) => {
      const answer = await agent.answer(request);
      // No body and no header: the log of a test is searched for keys.
      process.stdout.write(`${request.method} ${request.target} ${String(answer.status)}\n`);
      return answer;
    },
  },
  { address, port: Number(process.env['WG_AGENT_PORT'] ?? 8080) },
);
