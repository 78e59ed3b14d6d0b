import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseSettings, SettingsError } from '../../agent/settings.ts';
import { newPrivateKey, newSecretText } from '../support/canary.ts';
import { mustRun } from '../support/lab/run.ts';
import { until } from '../support/until.ts';
import { keyWithSlash, newPublicKey, peerCalls } from './support/peer-calls.ts';
import { rawBytes, sendRaw } from './support/raw-http.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

// The defects of the WGDashboard node agent as requirements for ours: `agent-contract` section 8, N1 to N24, each in one test. What else
// there is to each of them stands in the files of its own subject.

const agent = useTestAgent();
const { made, post, put: putPeer, remove, sync, live } = peerCalls(agent);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wgnode-must-not-'));
});
afterAll(() => rm(folder, { recursive: true }));

const keyOf = (text: string): string => /PrivateKey = (\S+)/.exec(text)?.[1] ?? '';
const put = (name: string, body: object): Promise<Reply> =>
  agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body });
const get = (name: string): Promise<Reply> => agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
const linkOf = async (name: string): Promise<string> => mustRun(['cat', `/sys/class/net/${name}/ifindex`]);
const configFolder = (): string => dirname(agent.host.configPath('x'));
const settingsError = (file: string | null, environment: Record<string, string> = {}): void => {
  expect(() => parseSettings(file, environment)).toThrow(SettingsError);
};

describe('security', () => {
  test('N1 only method and raw path exempt from authentication', async () => {
    for (const [target, host] of [
      ['/v1/status', 'x/health?'],
      ['/v1/status?/health', 'agent'],
      ['/health/../v1/status', 'agent'],
      ['//health', 'agent'],
    ] as const) {
      const headers: [string, string][] = [
        ['Host', host],
        ['Connection', 'close'],
      ];
      const [reply] = await sendRaw(agent.port, rawBytes({ method: 'GET', target, headers }));
      expect([400, 401]).toContain(reply?.status);
    }
  });

  test('N2 a replay has no second effect', async () => {
    const { name } = await made(false);
    const request = { method: 'POST', path: `/v1/wg/${name}/enable`, timestamp: String(agent.nextSecond()) };
    await agent.call(request);
    await agent.call({ method: 'POST', path: `/v1/wg/${name}/disable` });
    expect((await agent.call(request)).json).toMatchObject({ was_down: true });
    await expect(live(name)).rejects.toThrow();
  });

  test('N3 no start with the default, an empty or a short secret', () => {
    for (const secret of ['change-me-in-production', '', 'short'])
      settingsError(null, { WG_AGENT_SECRET: secret, WG_AGENT_PORT: '8080' });
  });

  test('N4 no start without TLS, unless somebody says so', () => {
    settingsError(`secrets: [${newSecretText()}]`);
    expect(parseSettings(`tls: off\nsecrets: [${newSecretText()}]`, {}).tls).toBeNull();
  });

  test.each(['post_up', 'pre_down', 'address', 'dns', 'table', 'private_key'])(
    'N5 no line feed in %s',
    async (field) => {
      const { name, text } = await made(false);
      const body = { private_key: keyOf(text), [field]: 'a\nPostUp = b' };
      expect((await put(name, body)).status).toBe(400);
      expect(await agent.read(name)).toBe(text);
    },
  );

  test('N6 no file that others can read', async () => {
    const { name, text } = await made(false);
    await put(name, { private_key: keyOf(text), mtu: 1400 });
    for (const file of await readdir(configFolder()))
      expect([file, (await stat(join(configFolder(), file))).mode & 0o077]).toEqual([file, 0]);
    expect((await stat(agent.stateFolder)).mode & 0o077).toBe(0);
  });

  test.each(['..', 'a%20b', '$(id)', 'x'.repeat(40), 'all', 'interfaces', 'help', '-h', '--help', 'a%2Fb'])(
    'N7 no interface %s',
    async (name) => {
      const before = await readdir(configFolder());
      for (const [method, verb] of [
        ['PUT', 'config'],
        ['POST', 'enable'],
        ['POST', 'disable'],
        ['GET', 'dump'],
      ] as const) {
        const body = method === 'PUT' ? { private_key: newPrivateKey() } : undefined;
        const reply = await agent.call({
          method,
          path: `/v1/wg/${name}/${verb}`,
          ...(body === undefined ? {} : { body }),
        });
        expect([400, 404]).toContain(reply.status);
      }
      expect(await readdir(configFolder())).toEqual(before);
    },
  );

  test('N8 no key in answers and errors', async () => {
    const { name, text } = await made(true);
    const key = keyOf(text);
    const bad = `${newPrivateKey().slice(0, 43)}!`;
    const replies = [
      await get(name),
      await put(name, { private_key: bad }),
      await put(name, { private_key: key, mtu: 'x' }),
      await put(name, { private_key: key, post_up: `echo ${key}; false` }),
    ];
    for (const { text: answer } of replies) {
      expect(answer).not.toContain(key);
      expect(answer).not.toContain(bad.slice(0, 43));
    }
  });

  test('N9 no metrics without a signature, unless the operator chose so', async () => {
    expect((await agent.callUnsigned({ method: 'GET', path: '/v1/metrics' })).status).toBe(401);
    expect((await agent.call({ method: 'GET', path: '/v1/metrics' })).status).toBe(200);
  });
});

describe('changes', () => {
  test.each([
    { private_key: 'no key' },
    { listen_port: 65_536 },
    { mtu: 1 },
    { address: '10.0.0.300/24' },
    { dns: '-' },
    { table: 'x y' },
  ])('N10 %j is refused before anything is written', async (over) => {
    const { name, text } = await made(true);
    const link = await linkOf(name);
    const reply = await put(name, { private_key: keyOf(text), address: '10.9.0.1/24', table: 'off', ...over });
    expect([400, 422]).toContain(reply.status);
    expect([await agent.read(name), await linkOf(name)]).toEqual([text, link]);
  });

  test('N11 what can change live does, and an equal PUT does nothing', async () => {
    const { name, text } = await made(true);
    const link = await linkOf(name);
    const body = { private_key: keyOf(text), address: '10.203.77.9/24', mtu: 1333, listen_port: 40_123 };
    expect((await put(name, body)).json).toMatchObject({ changed: true, outage_ms: 0 });
    const before = await agent.fingerprint();
    expect((await put(name, body)).json).toMatchObject({ changed: false, plan: [] });
    expect([await linkOf(name), await agent.fingerprint()]).toEqual([link, before]);
    expect(await mustRun(['cat', `/sys/class/net/${name}/mtu`])).toBe('1333\n');
  });

  test('N12 a teardown is that of what went up', async () => {
    const { name, text } = await made(false);
    const seen = join(folder, `${name}-down`);
    await agent.write(name, text.replace('Table = off', `Table = off\nPreDown = echo old >> ${seen}`));
    await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` });
    const body = { private_key: keyOf(text), address: '10.9.0.1/24', table: '4711', pre_down: `echo new >> ${seen}` };
    expect((await put(name, body)).json).toMatchObject({ impact: 'Restart' });
    expect(await readFile(seen, 'utf8')).toBe('old\n');
  });

  test('N13 N14 after a failed reload the former interface runs by the former file, whatever copies lie about', async () => {
    const { name, own, text } = await made(true);
    await writeFile(`${agent.host.configPath(name)}.backup`, 'of an earlier life');
    const body = { private_key: keyOf(text), address: '10.9.0.1/24', table: '4711', post_up: 'false' };
    const reply = await put(name, body);
    expect([reply.status, reply.json]).toMatchObject([500, { code: 'apply_failed', rolled_back: true }]);
    expect(await agent.read(name)).toBe(text);
    expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
    await rm(`${agent.host.configPath(name)}.backup`);
  });

  test('N15 nothing is dropped that an old client does not know', async () => {
    const { name, text } = await made(false);
    const kept = [
      'PreUp = echo a',
      'PostDown = echo b',
      'FwMark = 7',
      'SaveConfig = false',
      '# a comment',
      'Address = fd00::1/64',
    ];
    await agent.write(name, text.replace('Table = off', ['Table = off', ...kept].join('\n')));
    await put(name, { private_key: keyOf(text), mtu: 1400 });
    const after = await agent.read(name);
    for (const line of [...kept, '# Alice', '# of the host', 'Table = off', 'MTU = 1400'])
      expect(after).toContain(`${line}\n`);
  });

  test('N16 nothing is saved by wg-quick: hooks with `&` and addresses stay as they are', async () => {
    const { name, text } = await made(false);
    const hook = 'PostUp = true && echo "x & y" 2>&1';
    await agent.write(name, text.replace('Table = off', `Table = off\n${hook}`));
    await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` });
    expect((await post(name, { public_key: newPublicKey(), allowed_ips: ['10.9.0.3/32'] })).status).toBe(200);
    const after = await agent.read(name);
    expect(after).toContain(`${hook}\n`);
    expect(after.match(/Address = .*/g)).toEqual(['Address = 10.9.0.1/24']);
  });

  test('N17 syncconf wipes neither key, port nor peers', async () => {
    const { name, text } = await made(true);
    const before = await mustRun(['wg', 'showconf', name]);
    const nonsense = await agent.call({ method: 'POST', path: `/v1/wg/${name}/syncconf`, body: { config: '!!!!' } });
    expect(nonsense.status).toBe(400);
    expect([await mustRun(['wg', 'showconf', name]), await agent.read(name)]).toEqual([before, text]);
    const key = newPublicKey();
    expect((await sync(name, `[Peer]\nPublicKey = ${key}\n`)).status).toBe(200);
    expect(await mustRun(['wg', 'show', name, 'private-key'])).toContain(keyOf(text));
  });

  test('N18 a key with a slash is a key, raw and encoded', async () => {
    const { name } = await made(true);
    const key = keyWithSlash();
    await post(name, { public_key: key, allowed_ips: ['10.9.0.5/32'] });
    expect((await putPeer(name, key, { persistent_keepalive: 25 })).status).toBe(200);
    expect((await remove(name, encodeURIComponent(key))).status).toBe(200);
    expect(await live(name)).toHaveLength(1);
  });

  test('N19 a slow hook holds nobody else up', async () => {
    const { name, text } = await made(false);
    const gate = join(folder, `${name}-gate`);
    await agent.write(
      name,
      text.replace(
        'Table = off',
        `Table = off\nPostUp = touch ${gate}.in; while [ ! -e ${gate} ]; do sleep 0.05; done`,
      ),
    );
    const enabled = agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` });
    await until('the hook to run', () =>
      access(`${gate}.in`).then(
        () => true,
        () => false,
      ),
    );
    expect((await agent.callUnsigned({ method: 'GET', path: '/health' })).status).toBe(200);
    expect((await get((await made(false)).name)).status).toBe(200);
    await writeFile(gate, '');
    expect((await enabled).json).toMatchObject({ was_down: true });
  });

  test('N20 nothing is half applied, and nothing lies about', async () => {
    const { name, text } = await made(true);
    const before = await live(name);
    const half = { public_key: newPublicKey(), allowed_ips: ['10.9.0.6/32'], persistent_keepalive: 70_000 };
    expect((await post(name, half)).status).toBe(422);
    expect([await live(name), await agent.read(name)]).toEqual([before, text]);
    await put(name, { private_key: keyOf(text), mtu: 1390 });
    expect((await readdir(configFolder())).filter((file) => file.startsWith(name))).toEqual([`${name}.conf`]);
  });

  test('N22 a file does not grow by equal requests', async () => {
    const { name, text } = await made(false);
    const body = { private_key: keyOf(text), mtu: 1390 };
    await put(name, body);
    const once = await agent.read(name);
    for (let count = 0; count < 3; count += 1) await put(name, body);
    expect(await agent.read(name)).toBe(once);
  });
});

describe('what it says', () => {
  test('N21 one version of itself', async () => {
    const versions = await Promise.all(
      ['/health', '/v1/status'].map(async (path) => (await agent.call({ method: 'GET', path })).json['version']),
    );
    expect(new Set(versions).size).toBe(1);
  });

  test('N23 a code for programs beside every text', async () => {
    const { name } = await made(false);
    const replies = [
      await get(newName()),
      await put(name, { private_key: 'x' }),
      await agent.call({ method: 'POST', path: `/v1/wg/${newName()}/enable` }),
      await agent.call({ method: 'GET', path: '/v1/nothing' }),
    ];
    for (const { json } of replies)
      expect(json).toMatchObject({ error: expect.any(String), code: expect.stringMatching(/^[a-z_]+$/) });
  });

  test('N24 drift of the running interface', async () => {
    const { name } = await made(true);
    await mustRun(['ip', 'address', 'delete', '10.9.0.1/24', 'dev', name]);
    await until('the drift to be told', async () =>
      JSON.stringify((await get(name)).json['drift']).includes('spec.interface.addresses'),
    );
  });
});
