import { afterAll, beforeAll } from '@jest/globals';
import { createLeakWatch } from './leak-watch.ts';
import { startAgent, type TestAgent } from './test-agent.ts';

/** An agent for all tests of a file, there once they run; none of its canary keys may be in what it prints. */
export function useTestAgent(): TestAgent {
  const leaks = createLeakWatch();
  let agent: TestAgent | undefined;
  const there = (): TestAgent => {
    if (agent === undefined) throw new Error('The agent is not there before the tests run');
    return agent;
  };
  beforeAll(async () => {
    agent = await startAgent({ leaks });
  });
  afterAll(async () => {
    await there().close();
    leaks.expectNone();
  });
  return new Proxy({} as TestAgent, { get: (_, name) => Reflect.get(there(), name) as unknown });
}
