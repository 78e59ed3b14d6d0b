import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { INTERFACE, type Member } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { attachTracer } from '../support/syscall-tracer.ts';
import { until } from '../support/until.ts';

/** All file work of the agent in one thread: strace counts system calls by thread. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' };
const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** When after an edit the controller is killed: from before it sees the edit to after its status write. */
const KILL_AFTER_MS = isFull
  ? Array.from({ length: 100 }, (_, index) => index * 5)
  : [0, 10, 20, 30, 45, 60, 80, 110, 150, 200, 300, 450];

/** At which system call of a PUT the agent is killed. The journal, the file, the running copy and the wanted state are each
 * written by fsync, rename, fsync; the journal ends with an unlink. */
const KILL_AT = [
  ['fsync', [1, 2, 3, 4, 5, 6, 7]],
  ['rename', [1, 2, 3]],
  ['unlink', [1]],
] as const;

describe('kill -9 at any time', () => {
  let scene: Scene;
  let alpha: Member;
  let beta: Member;
  let kills = 0;

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    [alpha, beta] = [fleet.member('alpha'), fleet.member('beta')];
    await alpha.host.agent.stop();
    await alpha.host.agent.start(ONE_THREAD);
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

  test.each(KILL_AFTER_MS)(
    'C1 the controller killed %s ms after an edit and restarted ends in the same state',
    async (delayMs) => {
      const { controller } = scene.lab;
      const mtu = 1300 + ((delayMs * 7) % 97);
      await scene.fleet.patchInterface('alpha', { mtu });
      const edited = performance.now();
      await until('the moment to kill', () => performance.now() - edited >= delayMs, { intervalMs: 1 });
      await controller.kill();
      await controller.start({ args: ['--log-level', 'debug'] });
      await expectEndState(mtu);
    },
  );

  const points = KILL_AT.flatMap(([call, counts]) => counts.map((count) => [call, count] as const));
  test.each([
    ...points.map(([call, count]) => ['a live change', call, count] as const),
    ...points.map(([call, count]) => ['a restart', call, count] as const),
  ])(
    'D1 the agent killed during %s at %s number %s: file whole, tunnel up after its restart, same end state',
    async (what, call, count) => {
      const { host } = alpha;
      const formerMtu = await kernelMtu();
      const former = await scene.fleet.file(alpha);
      const mtu = formerMtu === 1390 ? 1370 : 1390;
      const change = what === 'a restart' ? { mtu, table: former.includes('Table = off') ? null : 'None' } : { mtu };
      const output = join(scene.lab.folder, `strace-${call}-${String(count)}.log`);
      const tracer = await attachTracer({
        pid: host.agent.pid ?? 0,
        output,
        args: ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${String(count)}`],
      });
      await scene.fleet.patchInterface('alpha', change);
      // Counts that a change never reaches leave the agent alive: then it simply succeeds.
      const ended = await until('the agent to die, or the change to be done', async () => {
        if (!host.agent.running) return 'killed';
        const view = await scene.fleet.view('alpha');
        return (
          view.status.observedGeneration === view.metadata.generation &&
          view.status.applied?.generation === view.metadata.generation &&
          'survived'
        );
      });
      if (ended === 'killed') {
        kills += 1;
        // Whole: the former text, or the new one with exactly this one line changed; never anything between.
        const text = await scene.fleet.file(alpha);
        const withoutSettings = (file: string): string => file.replace(/^(MTU|Table) = .*\n/gm, '');
        expect(withoutSettings(text)).toBe(withoutSettings(former));
        expect([`MTU = ${String(formerMtu)}`, `MTU = ${String(mtu)}`]).toContain(/^MTU = .*$/m.exec(text)?.[0]);
        await host.agent.start(ONE_THREAD);
        expect((await host.exec(['ip', 'link', 'show', INTERFACE])).exitCode).toBe(0);
        expect(await journalIsEmpty()).toBe(true);
      } else {
        await tracer.stop();
      }
      expect(await host.mustExec(['bash', '-c', `ls -A /etc/wireguard; stat -c %a ${CONF}`])).toBe(
        `${INTERFACE}.conf\n600\n`,
      );
      await scene.fleet.requestReconcile('alpha');
      await expectEndState(mtu);
    },
  );

  test('D1 every point of a live change and of a restart did kill the agent', () => {
    expect(kills).toBe(2 * points.length);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
