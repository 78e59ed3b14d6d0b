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

/** Requests through the gate: while it is closed they fail at once. */
export function gated(client: KubeClient, gate: Gate): Pick<KubeClient, 'request'> {
  return {
    async request<T>(request: KubeRequest): Promise<T> {
      const waitMs = gate.waitMs();
      if (waitMs > 0) throw new ApiAway(waitMs);
      try {
        const answer = await client.request<T>(request);
        gate.answered();
        return answer;
      } catch (error) {
        if (isAwayError(error)) gate.failed(retryAfterOf(error));
        else gate.answered();
        throw error;
      }
    },
  };
}
