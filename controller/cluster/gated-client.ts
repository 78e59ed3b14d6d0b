import type { Gate } from '../runtime/gate.ts';
import { isAwayError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { retryAfterOf } from '../runtime/retry-after.ts';

/** The API server is known to be away: it was not asked. */
export class ApiAway extends Error {
  readonly code = 'api_away';
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('The API server is away');
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether a failure is that of the API server, and not of what was asked of it. */
export const isApiAway = (error: unknown): boolean => error instanceof ApiAway || isAwayError(error);

/** Requests that mind the gate, and do not move it: what is limited by itself, as events are, says nothing of all others. */
export const minding = (client: KubeClient, gate: Gate): Pick<KubeClient, 'request'> => ({
  async request<T>(request: KubeRequest): Promise<T> {
    const waitMs = gate.waitMs();
    if (waitMs > 0) throw new ApiAway(waitMs);
    return client.request<T>(request);
  },
});

/** Requests through the gate: while it is closed they fail at once. */
export function gated(client: KubeClient, gate: Gate): Pick<KubeClient, 'request'> {
  const open = minding(client, gate);
  return {
    async request<T>(request: KubeRequest): Promise<T> {
      try {
        const answer = await open.request<T>(request);
        gate.answered();
        return answer;
      } catch (error) {
        if (error instanceof ApiAway) throw error;
        if (isAwayError(error)) gate.failed(retryAfterOf(error));
        else gate.answered();
        throw error;
      }
    },
  };
}
