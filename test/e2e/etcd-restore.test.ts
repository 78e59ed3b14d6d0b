import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let fleet: ModelFleet;

beforeAll(async () => {
  lab = await startLab({ hosts: [], kubeOnly: true });
  fleet = await ModelFleet.make(lab, 2);
  await lab.controller.start({ args: ModelFleet.ARGS });
  await fleet.namespace('edge');
});
afterAll(async () => {
  await fleet.stop();
  await lab.stop();
});

const mtuIs = (host: string, mtu: number): Promise<unknown> =>
  until(`${host} to have the MTU ${String(mtu)}`, async () => (await fleet.agents.mtuOf(host)) === mtu);

test('C17 a cluster that is put back to an older state is served as it is then, and so are edits after it', async () => {
  await fleet.create(fleet.node('edge/kept', fleet.agents.urlOf('h0')));
  await fleet.untilReady('edge/kept');
  await lab.kube.save();
  await fleet.untilReady('edge/kept');
  await fleet.patch('edge/kept', { spec: { interface: { mtu: 1300 } } });
  await fleet.create(fleet.node('edge/lost', fleet.agents.urlOf('h1')));
  await mtuIs('h0', 1300);
  await fleet.untilReady('edge/kept');
  await fleet.untilReady('edge/lost');

  await lab.kube.restore();
  await mtuIs('h0', 1400);
  const { metadata, status } = await fleet.untilReady('edge/kept');
  expect([metadata.generation, status.observedGeneration]).toEqual([1, 1]);
  // The object that the backup did not know is gone; its host keeps what it has (deletionPolicy Retain).
  await until('the cache to have forgotten it', async () => (await lab.controller.metric('wgnode_objects')) === 1);
  expect(await fleet.agents.mtuOf('h1')).toBe(1400);

  await fleet.patch('edge/kept', { spec: { interface: { mtu: 1350 } } });
  await mtuIs('h0', 1350);
  await fleet.untilReady('edge/kept');
});
