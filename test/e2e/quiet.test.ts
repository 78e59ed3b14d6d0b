import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countApiRequests } from '../support/api-requests.ts';
import { INTERFACE } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const QUIET_MS = isFull ? 60_000 : 20_000;

describe('I5 R3 after convergence nothing is written any more', () => {
  let scene: Scene;

  const apiWrites = async (): Promise<number> => (await countApiRequests(scene.lab)).writes;

  interface Counts {
    readonly puts: number;
    readonly reads: number;
    readonly unchanged: number;
  }

  /** Requests that the agents themselves have logged. */
  const agentRequests = (): Counts => {
    const requests = scene.fleet.members.flatMap(({ host }) => host.agent.requests());
    const reads = requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/config'));
    return {
      puts: requests.filter(({ method }) => method !== 'GET').length,
      reads: reads.length,
      unchanged: reads.filter(({ status }) => status === 304).length,
    };
  };

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    await fleet.apply(...fleet.members.flatMap((member) => [...fleet.secrets(member), fleet.node(member)]));
    for (const { name } of fleet.members) await fleet.untilReason(name, 'InSync');
    // The events of a change go out after the status that says InSync. They have when a later reconcile is answered, which has none
    // itself; and when the next look has come, the API server has counted its last write.
    for (const { name } of fleet.members) await fleet.requestReconcile(name);
    for (const { name, host } of fleet.members) {
      const known = host.agent.requests().length;
      await until(`one more look at ${name}`, () => host.agent.requests().length > known);
    }
  });
  afterAll(() => scene.lab.stop());

  test('a quiet time with no API write and no PUT, while every host is asked and answers 304', async () => {
    const { fleet } = scene;
    // Traffic, handshakes and learnt endpoints are no changes.
    const ping = await fleet.member('beta').host.startPing('10.77.0.1');
    const before = {
      writes: await apiWrites(),
      agents: agentRequests(),
      version: (await fleet.view('alpha')).metadata.resourceVersion,
    };
    const started = performance.now();
    await until('the quiet time to pass', () => performance.now() - started > QUIET_MS, {
      timeoutMs: 5 * QUIET_MS,
      intervalMs: 1_000,
    });
    const after = {
      writes: await apiWrites(),
      agents: agentRequests(),
      version: (await fleet.view('alpha')).metadata.resourceVersion,
    };
    await ping.stop();
    expect({ writes: after.writes - before.writes, puts: after.agents.puts - before.agents.puts }).toEqual({
      writes: 0,
      puts: 0,
    });
    expect(after.version).toBe(before.version);
    const reads = after.agents.reads - before.agents.reads;
    expect(reads).toBeGreaterThanOrEqual(2 * (QUIET_MS / 5_000 - 2));
    expect(after.agents.unchanged - before.agents.unchanged).toBe(reads);
  });

  test('the counting sees a write and a PUT when there is one', async () => {
    const before = { writes: await apiWrites(), puts: agentRequests().puts };
    await scene.fleet.member('alpha').host.mustExec(['ip', 'link', 'set', INTERFACE, 'mtu', '1300']);
    await scene.fleet.requestReconcile('alpha');
    expect(await apiWrites()).toBeGreaterThan(before.writes);
    expect(agentRequests().puts).toBe(before.puts + 1);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
