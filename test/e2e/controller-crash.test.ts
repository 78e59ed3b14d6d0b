import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { INTERFACE, type Member, NAMESPACE } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { attachTracer } from '../support/syscall-tracer.ts';
import { until } from '../support/until.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/**
 * At which system call after an edit the controller is killed. Whatever it says to API server and agent, and its log, is one write
 * each: GET, PUT, status, log, event; Secrets and the read-back need none any more. A read takes what the watch and the answers bring. A number
 * that one edit does not reach is a kill after everything was said.
 */
const KILL_AT = [
  ['write', upTo(isFull ? 12 : 10)],
  ['read', isFull ? upTo(48) : [1, 2, 3, 4, 12]],
  ['epoll_pwait', isFull ? upTo(40) : []],
] as const;
const POINTS = KILL_AT.flatMap(([call, counts]) => counts.map((count) => [call, count] as const));

describe('C1 the controller killed at any time', () => {
  let scene: Scene;
  let alpha: Member;
  let beta: Member;
  let round = 0;
  /** How many kills came before status spoke of the edit, and after. */
  const killed = { unsaid: 0, said: 0 };

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
    await fleet.untilReaches(beta, alpha);
  });
  afterAll(() => scene.lab.stop());

  const kernelMtu = async (): Promise<number> =>
    Number(await alpha.host.mustExec(['cat', `/sys/class/net/${INTERFACE}/mtu`]));
  const journalIsEmpty = async (): Promise<boolean> =>
    (await alpha.host.mustExec(['ls', '/var/lib/wgnode/journal'])).trim() === '';
  const isSaid = async (): Promise<boolean> => {
    const { metadata, status } = await scene.fleet.view('alpha');
    return status.observedGeneration === metadata.generation;
  };
  /** How many events tell that an edit was applied: the last thing that the controller says of it. */
  const told = async (): Promise<number> => {
    const args = ['get', 'events.events.k8s.io', '-n', NAMESPACE, '--field-selector', 'reason=Applied', '-o', 'name'];
    return (await scene.lab.kube.mustKubectl(args)).split('\n').length;
  };
  const puts = (): number => alpha.host.agent.requests().filter(({ method }) => method === 'PUT').length;

  /** File, kernel and peers at this MTU: the state that a run without any fault ends in. */
  const expectEndState = async (mtu: number): Promise<void> => {
    const view = await scene.fleet.untilReason('alpha', 'InSync');
    expect(view.status.applied?.generation).toBe(view.metadata.generation);
    // The change that the killed controller had sent may still be about to close its journal.
    await until('the journal to be closed', journalIsEmpty);
    expect(await kernelMtu()).toBe(mtu);
    const text = await scene.fleet.file(alpha);
    expect(text.match(/^MTU = (.*)$/gm)).toEqual([`MTU = ${String(mtu)}`]);
    const peers = scene.fleet.peersFile(alpha);
    expect(text.endsWith(peers.slice(peers.indexOf('[peer]')))).toBe(true);
    expect((await alpha.host.mustExec(['iptables', '-S', 'FORWARD'])).match(/-i wg0 -j ACCEPT/g)).toHaveLength(1);
    expect(await scene.fleet.reaches(beta, alpha)).toBe(true);
  };

  test.each(POINTS)('at %s number %s after an edit, and restarted, ends in the same state', async (call, count) => {
    const { controller, folder } = scene.lab;
    round += 1;
    const mtu = 1300 + round;
    // What the start brings has ended: the next system call is of the edit.
    for (const { name } of scene.fleet.members) await scene.fleet.requestReconcile(name);
    const [previousPuts, toldBefore] = [puts(), await told()];
    const tracer = await attachTracer({
      pid: controller.pid ?? 0,
      output: join(folder, `strace-${String(round)}.log`),
      args: ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${String(count)}`],
    });
    await scene.fleet.patchInterface('alpha', { mtu });
    await until('the kill, or the end of the edit', async () => !controller.running || (await told()) > toldBefore);
    const isDead = !controller.running;
    if (isDead) await tracer.ended();
    else await tracer.stop();
    await controller.kill();
    killed[(await isSaid()) ? 'said' : 'unsaid'] += 1;
    await controller.start({ args: ['--log-level', 'debug'] });
    await expectEndState(mtu);
    expect([1, 2]).toContain(puts() - previousPuts);
  });

  test('the points did kill it both before and after status spoke of the edit', () => {
    process.stderr.write(`killed before status spoke: ${String(killed.unsaid)}, after: ${String(killed.said)}\n`);
    expect(killed.unsaid).toBeGreaterThanOrEqual(5);
    expect(killed.said).toBeGreaterThanOrEqual(2);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
