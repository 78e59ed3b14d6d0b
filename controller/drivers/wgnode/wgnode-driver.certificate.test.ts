import { expect, test } from '@jest/globals';
import type { AgentClient } from './agent-client.ts';
import { WgnodeDriver } from './wgnode-driver.ts';

const DAY_MS = 86_400_000;

test('another certificate, or one that ends soon by now, makes the next read a whole one, once', async () => {
  const etags: (string | undefined)[] = [];
  const agent: { certificateNotAfterMs: number | undefined } & Pick<AgentClient, 'health' | 'readConfig'> = {
    certificateNotAfterMs: undefined,
    health: () =>
      Promise.resolve({ ...{ status: 'ok', timestamp: 0, uptime: 0 }, version: '1', name: 'wgnode-agent', time: 0 }),
    readConfig: (_, etag) => {
      etags.push(etag);
      return Promise.resolve(etag === undefined ? { kind: 'absent' } : { kind: 'unchanged' });
    },
  };
  let nowMs = 0;
  const driver = new WgnodeDriver(agent as AgentClient, { name: 'wg0', url: 'https://fra1', now: () => nowMs });
  /** What the observation tells of the certificate; undefined = nothing was told. */
  const told = async (): Promise<number | undefined> => {
    const seen = await driver.observe('a', { timeoutMs: 1_000, signal: new AbortController().signal });
    return seen.kind === 'observed' ? seen.observation.agent.certificateNotAfterMs : undefined;
  };
  expect(await told()).toBeUndefined();
  agent.certificateNotAfterMs = 100 * DAY_MS;
  expect([await told(), await told()]).toEqual([100 * DAY_MS, undefined]);
  nowMs = 86 * DAY_MS + 1;
  expect([await told(), await told()]).toEqual([100 * DAY_MS, undefined]);
  agent.certificateNotAfterMs = 900 * DAY_MS;
  expect([await told(), await told()]).toEqual([900 * DAY_MS, undefined]);
  expect(etags.filter((etag) => etag === undefined)).toHaveLength(3);
});
