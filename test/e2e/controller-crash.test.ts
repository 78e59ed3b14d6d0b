import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { INTERFACE, type Member } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** When after an edit the controller is killed: from before it sees the edit to after its status write. */
const KILL_AFTER_MS = isFull
  ? Array.from({ length: 100 }, (_, index) => index * 5)
  : [0, 10, 20, 30, 45, 60, 80, 110, 150, 200, 300, 450];

describe('C1 the controller killed at any time', () => {
  let scene: Scene;
  let alpha: Member;
  let beta: Member;

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    [alpha, beta] = [fleet.member('alpha'), fleet.member('beta')];
    // A long interval, so that only the edit itself and the restart bring a reconcile.
    const management = { intervalSeconds: 600, deletionPolicy: 'Retain' };
    await fleet.apply(
      ...fleet.members.flatMap((member) => [...fleet.secrets(member), fleet.node(member, { management })]),
    );
    for (const { name } of fleet.members) await fleet.untilReason(name, 'InSync');
  });
  afterAll(() => scene.lab.stop());

  const reaches = async (): Promise<boolean> =>
    (await beta.host.exec(['ping', '-c', '1', '-W', '1', alpha.address])).exitCode === 0;
  const kernelMtu = async (): Promise<number> =>
    Number(await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`]));
  const journalIsEmpty = async (): Promise<boolean> =>
    (await alpha.host.mustExec(['ls', '/var/lib/wgnode/journal'])).trim() === '';

  /** File, kernel and peers at this MTU: the state that a run without any fault ends in. */
  const expectEndState = async (mtu: number): Promise<void> => {
    const view = await scene.fleet.untilReason('alpha', 'InSync', 30_000);
    expect(view.status.applied?.generation).toBe(view.metadata.generation);
    expect(await kernelMtu()).toBe(mtu);
    const text = await scene.fleet.file(alpha);
    expect(text.match(/^MTU = (.*)$/gm)).toEqual([`MTU = ${String(mtu)}`]);
    const peers = scene.fleet.peersFile(alpha);
    expect(text.endsWith(peers.slice(peers.indexOf('[peer]')))).toBe(true);
    expect(await journalIsEmpty()).toBe(true);
    expect((await alpha.host.mustExec(['iptables', '-S', 'FORWARD'])).match(/-i wg0 -j ACCEPT/g)).toHaveLength(1);
    expect(await reaches()).toBe(true);
  };

  test.each(KILL_AFTER_MS)('%s ms after an edit, and restarted, ends in the same state', async (delayMs) => {
    const { controller } = scene.lab;
    const mtu = 1300 + ((delayMs * 7) % 97);
    await scene.fleet.patchInterface('alpha', { mtu });
    const edited = performance.now();
    await until('the moment to kill', () => performance.now() - edited >= delayMs, { intervalMs: 1 });
    await controller.kill();
    await controller.start({ args: ['--log-level', 'debug'] });
    await expectEndState(mtu);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
