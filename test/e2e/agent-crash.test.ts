import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { AgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { CALL, clientOf, putBodyOf } from '../support/agent-client.ts';
import { INTERFACE, type Member } from '../support/fleet.ts';
import { isFull, openScene, type Scene } from '../support/scene.ts';
import { attachTracer } from '../support/syscall-tracer.ts';
import { until } from '../support/until.ts';

/** All file work of the agent in one thread: strace counts system calls by thread. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' };

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** At which system call of a PUT the agent is killed. Journal, file, running copy and wanted state are written by fsync, rename,
 * fsync; the journal ends with an unlink and fsync. */
const KILL_AT = [
  ['fsync', upTo(isFull ? 14 : 7)],
  ['rename', upTo(isFull ? 6 : 3)],
  ['unlink', upTo(isFull ? 3 : 1)],
] as const;
const POINTS = KILL_AT.flatMap(([call, counts]) => counts.map((count) => [call, count] as const));

const CHANGES = {
  'a live change': (round: number) => ({
    mtu: round % 2 === 0 ? 1390 : 1370,
    address: ['10.77.0.1/24', `10.78.0.${String(round + 1)}/24`],
  }),
  'a restart': (round: number) => ({ mtu: round % 2 === 0 ? 1391 : 1371, table: round % 2 === 0 ? 'off' : null }),
  'a change of hooks': (round: number) => {
    const rule = `-i %i -m comment --comment round${String(round)} -j ACCEPT`;
    return { post_up: [`iptables -w -A FORWARD ${rule}`], pre_down: [`iptables -w -D FORWARD ${rule}`] };
  },
} as const;
type Change = keyof typeof CHANGES;

describe('D1 the agent killed at a system call of a PUT', () => {
  let scene: Scene;
  let alpha: Member;
  let client: AgentClient;
  let round = 0;
  const killed = new Map<Change, number>();

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    const { fleet } = scene;
    alpha = fleet.member('alpha');
    await fleet.apply(...fleet.members.flatMap((member) => [...fleet.secrets(member), fleet.node(member)]));
    for (const { name } of fleet.members) await fleet.untilReason(name, 'InSync');
    await fleet.untilReaches(fleet.member('beta'), alpha);
    // Nobody but the agent itself may mend what the kill left.
    await scene.lab.controller.stop();
    await alpha.host.agent.stop();
    await alpha.host.agent.start(ONE_THREAD);
    client = clientOf(alpha.host);
  });
  afterAll(async () => {
    await client.close();
    await scene.lab.stop();
  });

  const file = (): Promise<string> => scene.fleet.file(alpha);
  const rules = async (): Promise<string[]> =>
    (await alpha.host.mustExec(['iptables', '-S', 'FORWARD'])).match(/-A FORWARD -i wg0.*/g) ?? [];

  const rows = (Object.keys(CHANGES) as Change[]).flatMap((change) =>
    POINTS.map(([call, count]) => [change, call, count] as const),
  );
  test.each(rows)(
    '%s, at %s number %s: after its start the previous state or the new one stands whole, in file and kernel',
    async (change, call, count) => {
      const { host } = alpha;
      round += 1;
      const previous = await file();
      const previousRules = await rules();
      const body = await putBodyOf(host, CHANGES[change](round));
      const output = join(scene.lab.folder, `strace-${String(round)}.log`);
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${String(count)}`];
      const tracer = await attachTracer({ pid: host.agent.pid ?? 0, output, args: inject });
      const answered = await client.putConfig(INTERFACE, body, CALL).then(
        () => true,
        () => false,
      );
      // A number that the change never reaches leaves the agent alive, and the change made.
      if (answered) await tracer.stop();
      else {
        killed.set(change, (killed.get(change) ?? 0) + 1);
        await until('the agent to be gone', () => !host.agent.running, { intervalMs: 5 });
        await host.agent.start(ONE_THREAD);
      }
      const read = await client.readConfig(INTERFACE, undefined, CALL);
      expect(read).toMatchObject({ kind: 'present', response: { state: 'up', drift: [] } });
      const isPrevious = (await file()) === previous;
      if (isPrevious) expect(await rules()).toEqual(previousRules);
      else {
        // The new state: only its own lines differ, and its rules stand once.
        const withoutSettings = (text: string): string =>
          text.replace(/^(MTU|Table|Address|PostUp|PreDown) = .*\n/gm, '');
        expect(withoutSettings(await file())).toBe(withoutSettings(previous));
        expect(await rules()).toHaveLength(1);
        if (change === 'a change of hooks') expect((await rules())[0]).toContain(`round${String(round)} `);
      }
      expect(
        await host.mustExec([
          'bash',
          '-c',
          'ls -A /etc/wireguard /var/lib/wgnode/journal; stat -c %a /etc/wireguard/*',
        ]),
      ).toBe(`/etc/wireguard:\n${INTERFACE}.conf\n\n/var/lib/wgnode/journal:\n600\n`);
      expect(await scene.fleet.reaches(scene.fleet.member('beta'), alpha)).toBe(true);
    },
  );

  test('the points did kill the agent, in each kind of change', () => {
    // A live change has five fsyncs and three renames; numbers beyond are not reached.
    for (const change of Object.keys(CHANGES) as Change[]) expect(killed.get(change) ?? 0).toBeGreaterThanOrEqual(7);
  });

  test('the controller, started again, brings everything to the spec', async () => {
    await scene.lab.controller.start();
    await scene.fleet.requestReconcile('alpha');
    await scene.fleet.untilReason('alpha', 'InSync');
    expect(await file()).toContain('MTU = 1420');
    expect(await rules()).toEqual(['-A FORWARD -i wg0 -j ACCEPT']);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
