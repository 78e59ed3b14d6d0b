import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CALL, clientOf, putBodyOf } from '../support/agent-client.ts';
import { INTERFACE, type Member } from '../support/fleet.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { attachTracer } from '../support/syscall-tracer.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

describe('I6 a PUT that would change nothing', () => {
  let scene: Scene;
  let alpha: Member;

  beforeAll(async () => {
    scene = await openScene(['alpha', 'beta']);
    alpha = scene.fleet.member('alpha');
    await scene.fleet.apply(...scene.fleet.secrets(alpha), scene.fleet.node(alpha));
    await scene.fleet.untilReason('alpha', 'InSync');
    await scene.lab.controller.stop();
  });
  afterAll(() => scene.lab.stop());

  /** Sends the configuration of the file, changed by `change`, and counts the programs that the agent starts meanwhile. */
  const put = async (change: object): Promise<{ changed: boolean; programs: number }> => {
    const client = clientOf(alpha.host);
    const body = await putBodyOf(alpha.host, change);
    const output = join(scene.lab.folder, 'strace-no-op.log');
    const tracer = await attachTracer({
      pid: alpha.host.agent.pid ?? 0,
      output,
      args: ['-e', 'trace=execve,fork,vfork'],
    });
    const { changed } = await client.putConfig(INTERFACE, body, CALL);
    await tracer.stop();
    await client.close();
    return {
      changed,
      programs: (await readFile(output, 'utf8')).split('\n').filter((line) => line.includes('execve(')).length,
    };
  };
  const stat = (): Promise<string> => alpha.host.mustExec(['stat', '-c', '%i %Y %Z', CONF]);

  test('starts no program and leaves the inode and its times as they were', async () => {
    const before = await stat();
    // Rules of hooks are looked at once, and again only when somebody has changed some, or nobody listens yet.
    await until('the agent knows what hooks left', async () => (await put({})).programs === 0, { timeoutMs: 30_000 });
    expect(await put({})).toEqual({ changed: false, programs: 0 });
    expect(await stat()).toBe(before);
  });

  test('and the counting sees the programs of one that does change something', async () => {
    const before = await stat();
    const { changed, programs } = await put({ address: ['10.77.0.1/24', '10.78.0.1/32'] });
    expect(changed).toBe(true);
    expect(programs).toBeGreaterThan(0);
    expect(await stat()).not.toBe(before);
  });

  test('S1 no secret is in any log, event, status, metric, argument or environment', async () => {
    expect(await scene.leaks()).toEqual([]);
  });
});
