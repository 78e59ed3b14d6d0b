import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet, newNodeName } from '../support/model-fleet.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** Whose an interface is, and which host (cases/controller.md, C7, C8, C18, K5), on a real API server with hosts that are models. */

let lab: Lab;
let fleet: ModelFleet;

beforeAll(async () => {
  lab = await startLab({ hosts: [], kubeOnly: true });
  fleet = await ModelFleet.make(lab, 60);
  await lab.controller.start({ args: ModelFleet.ARGS });
  for (const name of ['edge', 'evil']) await fleet.namespace(name);
});
afterAll(async () => {
  await fleet.stop();
  await lab.stop();
});

const urlOf = (host: string): string => fleet.agents.urlOf(host);
/** Hosts from here on are given out one to a test. */
let nextHost = 31;
const newHost = (): string => `h${String((nextHost += 1))}`;
/** The same address, as IPv6 writes it; a certificate is for the name that it was made for. */
const mapped = (url: string): { url: string; agent: object } => ({
  url: url.replace(/127[0-9.]+/, '[::ffff:$&]'),
  agent: { tls: { serverName: new URL(url).hostname } },
});
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

describe('C7 two tenants: what one writes changes neither status nor host of the other', () => {
  const tries: readonly (readonly [string, (key: string, url: string) => Promise<void>])[] = [
    [
      'an object without any Secret',
      async (key, url) => {
        await fleet.create(fleet.node(key, url, { agent: { secretRef: { name: 'none' } } }));
        await fleet.untilReady(key, 'False/SecretNotFound');
      },
    ],
    [
      'a suspended object',
      async (key, url) => {
        await fleet.create(fleet.node(key, url, { suspend: true }));
        await until('it to be seen', async () => (await fleet.said(key, 'Suspended')) === 'True/Suspended');
      },
    ],
    [
      'an observing object',
      async (key, url) => {
        await fleet.create(fleet.node(key, url, { management: { mode: 'Observe' }, interface: { mtu: 1280 } }));
        await fleet.untilReady(key, 'True/Observed');
      },
    ],
    [
      'an object with the key to the agent',
      async (key, url) => {
        await fleet.create(fleet.node(key, url, { interface: { mtu: 1280 } }));
        await fleet.untilReady(key, 'False/Conflict');
      },
    ],
    [
      'the host in another spelling',
      async (key, url) => {
        const { url: other, agent } = mapped(url);
        await fleet.create(fleet.node(key, other, { interface: { mtu: 1280 }, agent }));
        await fleet.untilReady(key, 'False/Conflict');
      },
    ],
    [
      'an older object that is pointed there',
      async (_key, url) => {
        await fleet.patch(OLD, { spec: { agent: { url } } });
        await until('it to be refused', async () => (await fleet.said(OLD)).startsWith('False/'));
      },
    ],
  ];
  const OLD = 'evil/old';

  beforeAll(async () => {
    await fleet.create(fleet.node(OLD, urlOf('h16'), { agent: { secretRef: { name: 'none' } } }));
    await fleet.untilReady(OLD, 'False/SecretNotFound');
  });

  test.each(tries)('%s', async (_, attack) => {
    const host = newHost();
    const key = await ready(host, { management: { deletionPolicy: 'Remove' } });
    const before = await fleet.view(key);
    const evil = `evil/${newNodeName()}`;
    await attack(evil, urlOf(host));
    await fleet.agents.drift(host, 1300);
    await until('the drift to be put right', async () => (await mtuOf(host)) === 1400);
    const after = await fleet.view(key);
    expect(after.status.conditions).toEqual(before.status.conditions);
    if (await fleet.exists(evil)) {
      const { status } = await fleet.view(evil);
      expect(JSON.stringify(status)).not.toContain(key);
      await fleet.delete(evil);
      await until('it to be gone', async () => !(await fleet.exists(evil)));
    }
    expect(await mtuOf(host)).toBe(1400);
    // The owner's own deletion is carried out.
    await fleet.delete(key);
    await until('the object to be gone', async () => !(await fleet.exists(key)));
    expect(await mtuOf(host)).toBeNull();
  });
});

describe('one host is one host', () => {
  test.each([
    ['mapped into IPv6', mapped],
    ['with a slash at its end', (url: string) => ({ url: `${url}/`, agent: {} })],
  ])('C8 %s', async (_, spell) => {
    const host = newHost();
    const first = await ready(host);
    const second = `edge/${newNodeName()}`;
    const known = await mutationsOf(host);
    const { url, agent } = spell(urlOf(host));
    await fleet.create(fleet.node(second, url, { interface: { mtu: 1300 }, agent }));
    await fleet.untilReady(second, 'False/Conflict');
    expect((await fleet.view(second)).status.conditions[0]?.message).toContain(first);
    expect([await fleet.said(first), await mutationsOf(host)]).toEqual(['True/InSync', known]);
    await fleet.delete(first);
    // It is free now, and nobody has to ask for it.
    await fleet.untilReady(second);
    await fleet.delete(second);
  });

  test('C18 a slash at the end of the URL and back is no other host', async () => {
    const key = await ready('h19');
    const known = await mutationsOf('h19');
    for (const url of [`${urlOf('h19')}/`, urlOf('h19')]) {
      await fleet.patch(key, { spec: { agent: { url } } });
      const { status } = await fleet.untilReady(key);
      expect(status.applied?.cause).toBe('Created');
      expect(status.applied?.time).toBe((await fleet.view(key)).status.applied?.time);
    }
    expect(await mutationsOf('h19')).toBe(known);
  });

  test('K5 an object that moves to another host leaves the old one as its deletionPolicy says, first', async () => {
    const key = await ready('h20', { management: { deletionPolicy: 'Remove' } });
    await fleet.patch(key, { spec: { agent: { url: urlOf('h21') } } });
    await until('the new host to have it', async () => (await mtuOf('h21')) === 1400);
    await fleet.untilReady(key);
    expect(await mtuOf('h20')).toBeNull();
    await fleet.delete(key);
  });

  test('K5 a former host that is away is waited for until the deadline, and then told of', async () => {
    const key = await ready('h22', { management: { deletionPolicy: 'Remove', deletionTimeoutSeconds: 3 } });
    await fleet.agents.setMode(['h22'], 'hang');
    await fleet.patch(key, { spec: { agent: { url: urlOf('h23') } } });
    await fleet.untilReady(key);
    expect(await mtuOf('h23')).toBe(1400);
    await until('the event', async () =>
      (
        await lab.kube.mustKubectl(['get', 'events.events.k8s.io', '-n', 'edge', '-o', 'jsonpath={.items[*].reason}'])
      ).includes('FormerHostLeft'),
    );
    await fleet.agents.setMode(['h22'], 'well');
    await fleet.delete(key);
  });
});

test('S1 no secret is in any log, event, status or metric', async () => {
  expect(await leaksOf(lab)).toEqual([]);
});
