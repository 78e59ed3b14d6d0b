import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet, newNodeName } from '../support/model-fleet.ts';
import { refuseFinalizers } from '../support/finalizer-policy.ts';
import { isFull, leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** What real clusters do to a controller (cases/controller.md), on a real API server; the hosts are models, so that there can be many. */

const MANY = isFull ? 140 : 40;
const SILENT = isFull ? 500 : 100;
const AWAY_MS = isFull ? 240_000 : 6_000;

let lab: Lab;
let fleet: ModelFleet;

beforeAll(async () => {
  lab = await startLab({ hosts: [], kubeOnly: true });
  fleet = await ModelFleet.make(lab, 60);
  await lab.controller.start({ args: ModelFleet.ARGS });
  for (const name of ['edge', 'evil', 'crowd']) await fleet.namespace(name);
});
afterAll(async () => {
  await fleet.stop();
  await lab.stop();
});

const urlOf = (host: string): string => fleet.agents.urlOf(host);
const mutationsOf = async (host: string): Promise<number> =>
  (await fleet.agents.report()).find(({ name }) => name === host)?.mutations.length ?? 0;
const mtuOf = async (host: string): Promise<number | null | undefined> =>
  (await fleet.agents.report()).find(({ name }) => name === host)?.mtu;

/** A Ready object on a host of its own. */
async function ready(host: string, parts: Parameters<ModelFleet['node']>[2] = {}, namespace = 'edge'): Promise<string> {
  const key = `${namespace}/${newNodeName()}`;
  await fleet.create(fleet.node(key, urlOf(host), parts));
  await fleet.untilReady(key);
  return key;
}

const crowd = (host: string, count: number, parts: Parameters<ModelFleet['node']>[2] = {}): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, index) => {
      const own = { ...parts, interface: { ...parts.interface, name: `wg${String(index)}` } };
      return fleet.create(fleet.node(`crowd/c-${host}-${String(index)}`, urlOf(host), own));
    }),
  );

test('C13 without a Secret in scope nothing is thrown', () => {
  expect(lab.controller.logText()).not.toContain('Cannot read properties');
});

describe('fairness', () => {
  test('C1 objects of a host that hangs on every change hold up nobody else', async () => {
    const key = await ready('h1');
    await fleet.agents.setMode(['h2'], 'hang-put');
    await crowd('h2', MANY, { agent: { timeoutSeconds: 300 } });
    await until(
      'a change of the host to hang',
      async () => (await lab.controller.metric('wgnode_waiting_reconciles')) > 0,
    );
    for (const mtu of [1390, 1391, 1392]) {
      await fleet.patch(key, { spec: { interface: { mtu } } });
      await fleet.untilReady(key);
      expect(await mtuOf('h1')).toBe(mtu);
    }
    // One change hangs; all the others of its host are queued, and hold nothing.
    expect(await lab.controller.metric('wgnode_waiting_reconciles')).toBeLessThanOrEqual(4);
    expect(await lab.controller.metric('controller_runtime_active_workers')).toBeLessThanOrEqual(4);
    await until('all but the one to say for what they wait', async () =>
      (await fleet.views('crowd'))
        .flatMap(({ status }) => status.conditions.filter(({ type }) => type === 'Ready').map(({ reason }) => reason))
        .every((reason, index, all) => reason === 'Queued' || (reason === 'Applying' && all.indexOf(reason) === index)),
    );
  });

  test('C1 a change that hangs holds up neither the deletion nor the move nor the suspension of its own object', async () => {
    const hosts = ['h40', 'h41', 'h42'];
    await fleet.agents.setMode(hosts, 'hang-put');
    const [deleted, moved, suspended] = await Promise.all(
      hosts.map(async (host) => {
        const key = `edge/${newNodeName()}`;
        const management = { deletionPolicy: 'Remove', deletionTimeoutSeconds: 10 };
        await fleet.create(fleet.node(key, urlOf(host), { agent: { timeoutSeconds: 300 }, management }));
        await until('its change to hang', async () => (await fleet.said(key)) === 'Unknown/Applying');
        return key;
      }),
    );
    if (deleted === undefined || moved === undefined || suspended === undefined) throw new Error('There are three');
    await fleet.delete(deleted);
    await fleet.patch(moved, { spec: { agent: { url: urlOf('h43') } } });
    await fleet.patch(suspended, { spec: { suspend: true } });
    await until('it to be gone', async () => !(await fleet.exists(deleted)));
    await fleet.untilReady(moved);
    await until('it to be suspended', async () => (await fleet.said(suspended)) === 'Unknown/Suspended');
  });

  test('C2 a namespace whose host hangs is gone after its deadline, all objects of it together', async () => {
    await fleet.namespace('doomed');
    const keys = Array.from({ length: MANY }, (_, index) => `doomed/d-${String(index)}`);
    await Promise.all(
      keys.map((key, index) =>
        fleet.create(
          fleet.node(key, urlOf('h3'), {
            interface: { name: `wg${String(index)}` },
            management: { deletionPolicy: 'Remove', deletionTimeoutSeconds: 10 },
          }),
        ),
      ),
    );
    await fleet.untilAllReady('doomed');
    await fleet.agents.setMode(['h3'], 'hang');
    await fleet.client.request({ method: 'DELETE', path: '/api/v1/namespaces/doomed' });
    await until('all objects to be released', async () => (await fleet.views('doomed')).length === 0);
    expect(await lab.controller.metric('wgnode_deletions_total', { reason: 'timed_out' })).toBeGreaterThanOrEqual(MANY);
  });

  test('C3 a silent host is asked by few, and the drift of others is put right meanwhile', async () => {
    const key = await ready('h4');
    await fleet.agents.setMode(['h5'], 'hang');
    await crowd('h5', SILENT);
    await until('the host to be known as away', async () => (await lab.controller.metric('wgnode_hosts_away')) > 0);
    await fleet.agents.drift('h4', 1300);
    await until('the drift to be put right', async () => (await mtuOf('h4')) === 1400);
    expect(await fleet.said(key)).toBe('True/InSync');
    // Everybody says what is the matter, without having asked by itself.
    await until('every object to know', async () =>
      (await fleet.views('crowd'))
        .filter(({ metadata }) => metadata.name.startsWith('c-h5'))
        .every(({ status }) => status.conditions.some(({ reason }) => reason === 'ConnectionTimeout')),
    );
    await fleet.agents.setMode(['h5'], 'well');
    await until('every object to be Ready', async () =>
      (await fleet.views('crowd'))
        .filter(({ metadata }) => metadata.name.startsWith('c-h5'))
        .every(({ status }) =>
          status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
        ),
    );
  });
});

describe('nothing unchecked', () => {
  test('C5 an answer that is too large is refused, and none of it is kept', async () => {
    const before = await lab.controller.metric('process_resident_memory_bytes');
    const hosts = Array.from({ length: 8 }, (_, index) => `h${String(index + 6)}`);
    for (const host of hosts) await fleet.agents.setOdd(host, { config: { unknown: 'x'.repeat(3_900_000) } });
    const keys = await Promise.all(hosts.map((host) => ready(host)));
    for (const host of hosts) await fleet.agents.drift(host, 1310);
    await until('the drift to be put right', async () =>
      (await Promise.all(hosts.map(mtuOf))).every((mtu) => mtu === 1400),
    );
    const grown = (await lab.controller.metric('process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(250 * 1024 * 1024);
    for (const host of hosts) await fleet.agents.setOdd(host, {});
    for (const key of keys) await fleet.delete(key);
  });

  test.each([
    ['an epoch of 65 characters', { health: { epoch: 'e'.repeat(65) } }],
    ['a version of 200 characters', { health: { version: 'v'.repeat(200) } }],
    ['half a surrogate pair', { health: { version: '\ud800' } }],
    ['an empty capability', { health: { capabilities: ['', 'owner', 'owner'] } }],
  ])('C6 %s is no reason for a status to be refused', async (_, odd) => {
    await fleet.agents.setOdd('h14', odd);
    const key = await ready('h14');
    expect(await lab.controller.metric('wgnode_status_writes_refused_total')).toBe(0);
    await fleet.delete(key);
    await fleet.agents.setOdd('h14', {});
  });

  test.each([
    ['an address that is none', { live: { ...LIVE(), address: [''] } }],
    ['no live part of an interface that is up', { live: null }],
    ['another interface', { interface: 'wg9' }],
    ['a digest of 200 characters', { digest: 'd'.repeat(200) }],
  ])('C6 %s is told, and the status says so', async (_, config) => {
    const key = await ready('h15');
    await fleet.agents.setOdd('h15', { config });
    await fleet.patch(key, { metadata: { annotations: { 'wgnode.dev/reconcile-requested-at': newNodeName() } } });
    await until('the object to have been looked at', async () => {
      const { metadata, status } = await fleet.view(key);
      return (
        status.lastHandledReconcileRequest ===
        (metadata as unknown as { annotations: Record<string, string> }).annotations[
          'wgnode.dev/reconcile-requested-at'
        ]
      );
    });
    expect(await lab.controller.metric('wgnode_status_writes_refused_total')).toBe(0);
    await fleet.agents.setOdd('h15', {});
    await fleet.delete(key);
  });
});

function LIVE(): object {
  return { listen_port: 40_000, fw_mark: null, address: [], mtu: 1400, link_up: true, peer_count: 2 };
}

describe('honest conditions', () => {
  test('C11 what was not looked at at this generation is not said of it', async () => {
    const key = await ready('h24');
    const { metadata } = await fleet.view(key);
    await fleet.patch(key, { spec: { agent: { url: 'https://127.0.0.1:1', secretRef: { name: 'none' } } } });
    const { status } = await fleet.untilReady(key, 'False/SecretNotFound');
    const stale = status.conditions.filter(
      (condition) =>
        condition.status === 'True' &&
        condition.type !== 'Stalled' &&
        (condition as unknown as { observedGeneration: number }).observedGeneration > metadata.generation,
    );
    expect(stale).toEqual([]);
    expect(await fleet.said(key, 'Reachable')).toBe('Unknown/SecretNotFound');
  });

  test('C11 an edit of a suspended object changes what is said of it to Unknown or keeps its generation', async () => {
    const key = await ready('h25');
    await fleet.patch(key, { spec: { suspend: true, interface: { mtu: 1333 } } });
    await fleet.untilReady(key, 'False/Suspended');
    expect([await fleet.said(key, 'Synced'), await fleet.said(key, 'Stalled')]).toEqual([
      'Unknown/NotChecked',
      'True/Suspended',
    ]);
    await fleet.delete(key);
  });

  test('C12 a deletion that waits is shown in Ready, with what it waits for', async () => {
    const key = await ready('h26', { management: { deletionPolicy: 'Remove' } });
    await fleet.agents.setMode(['h26'], 'hang');
    await fleet.delete(key);
    await until('Ready to say so', async () => (await fleet.said(key)) === 'Unknown/Deleting');
    expect((await fleet.view(key)).status.conditions[0]?.message).toMatch(/until .*Z at most: /);
    await fleet.agents.setMode(['h26'], 'well');
    await until('the object to be gone', async () => !(await fleet.exists(key)));
    expect(await mtuOf('h26')).toBeNull();
  });

  test.each([false, true])('what others write into status is put right, suspended: %s', async (suspend) => {
    const key = await ready('h27');
    if (suspend) {
      await fleet.patch(key, { spec: { suspend } });
      await until('it to be suspended', async () => (await fleet.said(key, 'Suspended')) === 'True/Suspended');
    }
    const { status } = await fleet.view(key);
    await fleet.patch(key, { status: { observedGeneration: 77, conditions: [], interface: null } }, '/status');
    await until(
      'it to be put right',
      async () => JSON.stringify((await fleet.view(key)).status) === JSON.stringify(status),
    );
    await fleet.delete(key);
  });

  test('Observe works without the Secret of the private key, and says that the key is not compared', async () => {
    const owner = await ready('h28');
    const key = `edge/${newNodeName()}`;
    const parts = { management: { mode: 'Observe' }, interface: { privateKeySecretRef: { name: 'none' } } };
    await fleet.create(fleet.node(key, urlOf('h28'), parts));
    const { status } = await fleet.untilReady(key, 'True/Observed');
    expect(status.conditions[0]?.message).toContain('the key is not compared');
    await fleet.delete(key);
    await fleet.delete(owner);
  });
});

describe('recovery', () => {
  test('C10 a finalizer goes although somebody writes labels all the time, and the host is acted on once', async () => {
    const key = await ready('h29', { management: { deletionPolicy: 'Remove' } });
    const known = await mutationsOf('h29');
    let isOver = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let count = 0; !isOver; count += 1)
        await fleet
          .patch(key, { metadata: { labels: { [`l${String(writer)}`]: String(count) } } })
          .catch(() => undefined);
    });
    await fleet.delete(key);
    await until('the object to be gone', async () => !(await fleet.exists(key)));
    isOver = true;
    await Promise.all(writers);
    expect((await mutationsOf('h29')) - known).toBe(1);
  });

  test('C9 an API server that was away: edits are seen at once, and drift is put right meanwhile', async () => {
    const key = await ready('h30');
    const other = await ready('h31');
    await lab.kube.stop();
    await fleet.agents.drift('h31', 1300);
    // The host does not wait for the API server.
    await until('the drift to be put right', async () => (await mtuOf('h31')) === 1400);
    const started = performance.now();
    await until('the outage to last', () => performance.now() - started > AWAY_MS, { timeoutMs: 2 * AWAY_MS });
    await lab.kube.start();
    await fleet.patch(key, { spec: { interface: { mtu: 1350 } } });
    const edited = performance.now();
    await until('the edit to be applied', async () => (await mtuOf('h30')) === 1350, { timeoutMs: 60_000 });
    process.stderr.write(`C9: the edit was applied ${((performance.now() - edited) / 1000).toFixed(1)} s after it\n`);
    await fleet.untilReady(key);
    await fleet.untilReady(other);
  });
});

test('C10 a policy that refuses our finalizer is named in Ready, and nothing is sent', async () => {
  const name = 'no-finalizers';
  const allow = await refuseFinalizers(fleet, 'guarded', name);
  const key = 'guarded/one';
  await fleet.create(fleet.node(key, urlOf('h44'), { management: { deletionPolicy: 'Disable' } }));
  const { status } = await fleet.untilReady(key, 'False/FinalizerRefused');
  expect(status.conditions.find(({ type }) => type === 'Ready')?.message).toContain(name);
  expect(await mutationsOf('h44')).toBe(0);
  await allow();
  await fleet.untilReady(key);
});

test('S1 no secret is in any log, event, status or metric', async () => {
  expect(await leaksOf(lab)).toEqual([]);
});
