import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiRequests, countApiRequests } from '../support/api-requests.ts';
import { inPool } from '../support/in-pool.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { isFull, leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

const OBJECTS = isFull ? 1_000 : 40;
const CALM_MS = 10_000;
const REST_MS = isFull ? 60_000 : 6_000;
const AWAY_MS = isFull ? 240_000 : 6_000;
const INTERVAL_S = 5;
const AT_ONCE = 16;

describe('many objects at rest, and an API server that goes away', () => {
  let lab: Lab;
  let fleet: ModelFleet;

  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    fleet = await ModelFleet.make(lab, OBJECTS);
    await lab.controller.start({ args: ModelFleet.ARGS });
    await fleet.namespace('edge');
    await inPool(fleet.agents.names, AT_ONCE, async (host) => {
      const management = { intervalSeconds: INTERVAL_S };
      await fleet.create(fleet.node(`edge/${host}`, fleet.agents.urlOf(host), { management }));
    });
    await fleet.untilAllReady('edge');
  }, 1_800_000);
  afterAll(async () => {
    await fleet.stop();
    await lab.stop();
  });

  const readsOf = async (): Promise<ReadonlyMap<string, number>> =>
    new Map((await fleet.agents.report()).map(({ name, reads }) => [name, reads]));
  /** Waits until every host has been read again, so often; ms. */
  const untilAllRead = async (times: number): Promise<number> => {
    const before = await readsOf();
    const started = performance.now();
    await until('every host to be looked at', async () =>
      [...(await readsOf())].every(([host, reads]) => reads >= (before.get(host) ?? 0) + times),
    );
    return performance.now() - started;
  };
  const lasting = async (what: string, ms: number): Promise<void> => {
    const started = performance.now();
    await until(what, () => performance.now() - started > ms, { timeoutMs: 2 * ms, intervalMs: 500 });
  };

  /** Events and statuses of the creation are out, however long a busy machine takes for that. */
  async function untilCalm(): Promise<void> {
    let last = { writes: -1, sinceMs: 0 };
    await until(
      'the writes of the creation to be out',
      async () => {
        const { writes } = await countApiRequests(lab);
        if (writes !== last.writes) last = { writes, sinceMs: performance.now() };
        return performance.now() - last.sinceMs > CALM_MS;
      },
      { timeoutMs: 300_000, intervalMs: 1_000 },
    );
  }

  test(`I5 R3 ${String(OBJECTS)} objects at rest: no API write and no read of a Secret, by the API server's own counters`, async () => {
    await untilAllRead(2);
    await untilCalm();
    const before = await countApiRequests(lab);
    await lasting('the time of rest', REST_MS);
    await untilAllRead(2);
    expect(difference(await countApiRequests(lab), before)).toEqual({ writes: 0, secretReads: 0 });
  });

  test('a Secret is read once when it changes, and not again', async () => {
    const before = await countApiRequests(lab);
    await fleet.client.request({
      method: 'PATCH',
      path: '/api/v1/namespaces/edge/secrets/agent',
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { moved: 'yes' } } },
    });
    await until('the Secret to be read', async () => (await countApiRequests(lab)).secretReads > before.secretReads);
    await untilAllRead(2);
    // One that patched it, and one read of it for all objects together.
    expect(difference(await countApiRequests(lab), before)).toEqual({ writes: 1, secretReads: 1 });
  });

  test('C9 when the API server is back every object is looked at, and an edit applied', async () => {
    const [edited = '', drifted = ''] = fleet.agents.names;
    await lab.kube.stop();
    await fleet.agents.drift(drifted, 1300);
    await lasting('the outage to last', AWAY_MS);
    await lab.kube.start();
    const looked = untilAllRead(1);
    const patched = performance.now();
    await fleet.patch(`edge/${edited}`, { spec: { interface: { mtu: 1350 } } });
    await until('the edit to be applied', async () => (await fleet.agents.mtuOf(edited)) === 1350);
    const editMs = performance.now() - patched;
    const lookMs = await looked;
    await fleet.untilReady(`edge/${edited}`);
    await fleet.untilReady(`edge/${drifted}`);
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    process.stderr.write(
      `after ${seconds(AWAY_MS)} s without the API server: an edit applied in ${seconds(editMs)} s, all of ${String(OBJECTS)} looked at in ${seconds(lookMs)} s\n`,
    );
  }, 1_800_000);

  test('S1 no secret is in any log, event, status or metric', async () => {
    expect(await leaksOf(lab)).toEqual([]);
  });
});

const difference = (after: ApiRequests, before: ApiRequests): ApiRequests => ({
  writes: after.writes - before.writes,
  secretReads: after.secretReads - before.secretReads,
});
