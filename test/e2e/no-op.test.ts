import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAgentClient } from '../../controller/agents/agent-client.ts';
import { createUrlGuard } from '../../controller/agents/url-guard.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import { interfaceOf, parseDocument } from '../../agent/protocol/wgquick/document.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { INTERFACE, type Member } from '../support/fleet.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { attachTracer } from '../support/syscall-tracer.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;
const OPTIONS = { timeoutMs: 10_000, signal: new AbortController().signal };

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
    const client = createAgentClient({
      address: {
        origin: alpha.host.agentUrl,
        hmacKey: new Secret(alpha.host.hmacKey),
        tls: { ca: alpha.host.caPem, cert: undefined, key: undefined, serverName: undefined, pins: [] },
      },
      guard: createUrlGuard({ allow: ['10.231.0.0/16'], deny: [] }),
      now: Date.now,
      called: () => undefined,
    });
    const body = {
      ...putFromConfig(interfaceOf(parseDocument(await scene.fleet.file(alpha)))),
      ...change,
      options: { state: 'up', request_id: String(process.hrtime.bigint()) } as const,
    };
    const output = join(scene.lab.folder, 'strace-no-op.log');
    const tracer = await attachTracer({
      pid: alpha.host.agent.pid ?? 0,
      output,
      args: ['-e', 'trace=execve,fork,vfork'],
    });
    const { changed } = await client.putConfig(INTERFACE, body, OPTIONS);
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
    expect(await put({})).toEqual({ changed: false, programs: 0 });
    expect(await stat()).toBe(before);
  });

  test('and the counting sees the programs of one that does change something', async () => {
    const before = await stat();
    const { changed, programs } = await put({ mtu: 1333 });
    expect(changed).toBe(true);
    expect(programs).toBeGreaterThan(0);
    expect(await stat()).not.toBe(before);
  });
});
