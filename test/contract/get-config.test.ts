import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { until } from '../support/until.ts';
import { newPrivateKey } from '../support/canary.ts';
import { createLeakWatch } from './support/leak-watch.ts';
import { newName, type Reply, startAgent, type TestAgent } from './support/test-agent.ts';

const leaks = createLeakWatch();
const key = newPrivateKey();
const presharedKey = newPrivateKey();
const previousKey = newPrivateKey();
const peerKey = publicKeyOf(new Secret(newPrivateKey()));

const FILE = `# head; the previous key was ${previousKey}
[interface]
privatekey=${key} # the key
ListenPort = 51820 # fixed
Address = 10.9.0.1/24, fd09::1/64
Address = 10.9.1.1
MTU = 1380
DNS = 192.0.2.53
DNS = example.org
Table = 1234
FwMark = 0x2a
PreUp = echo pre up
PostUp = echo one
PostUp = echo two > /dev/null
PreDown = echo down
PostDown = echo post down
SaveConfig = true
Colour = green # ${previousKey}

# ${previousKey}=${previousKey}
[peer]
# PublicKey = ${peerKey} of old, PresharedKey = ${presharedKey}
publickey = ${peerKey}
Preshared Key = ${presharedKey}
AllowedIPs = 10.9.0.2/32
`;

let agent: TestAgent;
let open: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ leaks });
  open = await startAgent({ leaks, settings: { readBackKeys: true } });
});
afterAll(async () => {
  await agent.close();
  await open.close();
  leaks.expectNone();
});

const get = (name: string, headers: Record<string, string> = {}): Promise<Reply> =>
  agent.call({ method: 'GET', path: `/v1/wg/${name}/config`, headers });

describe('a file with everything in it', () => {
  const name = newName();
  let reply: Reply;
  beforeAll(async () => {
    await agent.write(name, FILE);
    reply = await get(name);
    expect(reply.status).toBe(200);
  });

  test('gives every field of the old contract, with its type, and lists whole', () => {
    const { raw_config: raw, ...fields } = reply.json['config'] as Record<string, unknown>;
    expect(typeof raw).toBe('string');
    expect(reply.json['interface']).toBe(name);
    expect(fields).toEqual({
      private_key: null,
      listen_port: 51_820,
      address: '10.9.0.1/24, fd09::1/64, 10.9.1.1/32',
      post_up: 'echo one; echo two > /dev/null',
      pre_down: 'echo down',
      mtu: 1380,
      dns: '192.0.2.53, example.org',
      table: '1234',
    });
  });

  test('gives the whole interface part as `spec`', () => {
    expect(reply.json['spec']).toMatchObject({
      listen_port: 51_820,
      address: ['10.9.0.1/24', 'fd09::1/64', '10.9.1.1/32'],
      mtu: 1380,
      dns: ['192.0.2.53', 'example.org'],
      table: '1234',
      fw_mark: 42,
      pre_up: ['echo pre up'],
      post_up: ['echo one', 'echo two > /dev/null'],
      pre_down: ['echo down'],
      post_down: ['echo post down'],
      save_config: true,
    });
  });

  test('gives the state, the public key and what it keeps but does not own', () => {
    expect(reply.json).toMatchObject({
      live: null,
      state: 'down',
      public_key: publicKeyOf(new Secret(key)),
      live_public_key: null,
      unmanaged: ['SaveConfig = true', 'Colour = green # [redacted]'],
      drift: [],
      digest: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    });
  });

  test('shows the file without any secret key, comments included, and public keys as they are', () => {
    const { raw_config: raw } = reply.json['config'] as { raw_config: string };
    expect(raw.split('\n')).toHaveLength(FILE.split('\n').length);
    expect(raw).toContain(`publickey = ${peerKey}`);
    expect(raw).toContain('AllowedIPs = 10.9.0.2/32');
    for (const secret of [key, presharedKey, previousKey]) {
      expect(raw.includes(secret)).toBe(false);
      expect(raw.includes(secret.slice(0, 43))).toBe(false);
    }
  });

  test('runs no process', async () => {
    const spawned = new Map(agent.host.runner.spawned);
    await get(name);
    expect(agent.host.runner.spawned).toEqual(spawned);
  });
});

test('where the policy reads keys back, the answer has the key and the file as it is', async () => {
  const name = newName();
  await open.write(name, FILE);
  const reply = await open.call({ method: 'GET', path: `/v1/wg/${name}/config`, holdsKeys: true });
  const { private_key, raw_config } = reply.json['config'] as Record<string, unknown>;
  expect(private_key === key).toBe(true);
  expect(raw_config === FILE).toBe(true);
});

test.each([
  { what: 'an empty file', text: '' },
  { what: 'an interface without a key', text: '[Interface]\n' },
  {
    what: 'values that are none',
    text: '[Interface]\nPrivateKey = \nListenPort = x\nMTU =\nFwMark = off\nTable = auto\n',
  },
  { what: 'peers only', text: `[Peer]\nPublicKey = ${peerKey}\n` },
])('$what reads as nothing set, with every field there', async ({ text }) => {
  const name = newName();
  await agent.write(name, text);
  const { config, spec, public_key } = (await get(name)).json;
  const none = { private_key: null, listen_port: null, address: null, post_up: null, pre_down: null };
  expect(config).toEqual({ ...none, mtu: null, dns: null, table: null, raw_config: expect.any(String) });
  expect(spec).toMatchObject({ listen_port: null, address: [], mtu: null, fw_mark: null, save_config: false });
  expect(public_key).toBeNull();
});

test('no file and no device is 404 with the old text and a code', async () => {
  const name = newName();
  const reply = await get(name);
  expect(reply.status).toBe(404);
  expect(reply.json).toEqual({
    error: `Configuration file not found: ${agent.host.configPath(name)}`,
    code: 'not_found',
    details: [],
  });
});

describe('the digest', () => {
  test('is the ETag, and answers 304 without a body while nothing moved', async () => {
    const name = newName();
    await agent.write(name, FILE);
    const { headers, json } = await get(name);
    const etag = String(headers['etag']);
    expect(etag).toBe(`"${String(json['digest'])}"`);
    const again = await get(name, { 'if-none-match': etag });
    expect(again.status).toBe(304);
    expect(again.headers['etag']).toBe(etag);
    expect(again.text).toBe('');
    expect((await get(name, { 'if-none-match': '"another"' })).status).toBe(200);
  });

  test('that is answered from memory needs a signature as any other, and another target is another request', async () => {
    const name = newName();
    await agent.write(name, FILE);
    const etag = String((await get(name)).headers['etag']);
    const path = `/v1/wg/${name}/config`;
    await until('an answer from memory', async () => {
      await get(name, { 'if-none-match': etag });
      return agent.context.configs.peek(name) !== null;
    });
    const headers = { 'if-none-match': etag };
    expect((await agent.call({ method: 'GET', path, headers })).status).toBe(304);
    expect((await agent.callUnsigned({ method: 'GET', path, headers })).json).toMatchObject({
      code: 'missing_signature',
    });
    expect((await agent.call({ method: 'GET', path: `${path}/`, headers })).status).toBe(404);
    expect((await agent.call({ method: 'PUT', path, headers })).status).toBe(400);
  });

  test.each([
    { what: 'a comment', change: (text: string) => `${text}# more\n` },
    { what: 'the private key', change: (text: string) => text.replace(key, newPrivateKey()) },
    { what: 'a preshared key', change: (text: string) => text.replaceAll(presharedKey, newPrivateKey()) },
    { what: 'one hook', change: (text: string) => text.replace('echo one', 'echo 1') },
  ])('moves with $what', async ({ change }) => {
    const name = newName();
    await agent.write(name, FILE);
    const etag = String((await get(name)).headers['etag']);
    await agent.write(name, change(FILE));
    const again = await get(name, { 'if-none-match': etag });
    expect(again.status).toBe(200);
    expect(again.headers['etag']).not.toBe(etag);
  });

  test('is another on another host, so that it is no hash of a private key', async () => {
    const name = newName();
    await agent.write(name, FILE);
    await open.write(name, FILE);
    const other = await open.call({ method: 'GET', path: `/v1/wg/${name}/config`, holdsKeys: true });
    expect((await get(name)).headers['etag']).not.toBe(other.headers['etag']);
  });
});

describe('what is no regular file is refused and left alone', () => {
  const key2 = newPrivateKey();
  const cases = [
    {
      what: 'a symbolic link',
      make: async (path: string) => {
        const target = join(agent.stateFolder, 'elsewhere');
        await writeFile(target, `[Interface]\nPrivateKey = ${key}\n`);
        await symlink(target, path);
      },
    },
    { what: 'a link that dangles', make: (path: string) => symlink('/nonexistent/x', path) },
    { what: 'a folder', make: (path: string) => mkdir(path).then(() => undefined) },
  ];
  test.each(cases)('$what', async ({ make }) => {
    const name = newName();
    const path = agent.host.configPath(name);
    await make(path);
    try {
      const target = `/v1/wg/${name}`;
      for (const call of [
        { method: 'GET', path: `${target}/config` },
        { method: 'PUT', path: `${target}/config`, body: { private_key: key2 } },
        { method: 'POST', path: `${target}/enable` },
        { method: 'DELETE', path: target },
      ]) {
        const reply = await agent.call(call);
        expect(reply.status).toBe(400);
        expect(reply.json).toMatchObject({ code: 'invalid_file', error: expect.stringContaining(path) });
      }
    } finally {
      await rm(path, { recursive: true });
    }
  });
});

test('case M5: a file that is no UTF-8 is managed, and every byte that nobody asked to change stays', async () => {
  const name = newName();
  const own = newPrivateKey();
  const path = agent.host.configPath(name);
  const bytes = (mtu: number): Buffer =>
    Buffer.from(`# Gr\xfc\xdfe \xff\n[Interface]\nPrivateKey = ${own}\nMTU = ${String(mtu)}\n# \xe9\n`, 'latin1');
  await writeFile(path, bytes(1400));
  const before = await get(name);
  expect(before.json).toMatchObject({ spec: { mtu: 1400 }, invalid: [] });
  const put = { method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: own, mtu: 1300 } };
  expect((await agent.call(put)).status).toBe(200);
  expect((await readFile(path)).equals(bytes(1300))).toBe(true);
  // Another byte is another file, although neither is a character.
  const { digest } = (await get(name)).json;
  await writeFile(path, Buffer.concat([bytes(1300), Buffer.from('# \xea\n', 'latin1')]));
  const third = (await get(name)).json;
  await writeFile(path, Buffer.concat([bytes(1300), Buffer.from('# \xeb\n', 'latin1')]));
  expect(new Set([digest, third['digest'], (await get(name)).json['digest']]).size).toBe(3);
});

test('case M14: white space that is none in C makes another key, which wg does not know', async () => {
  const name = newName();
  const own = newPrivateKey();
  await agent.write(name, `[Interface]\nPrivateKey = ${own}\nMTU\u00a0= 1400\n`);
  expect((await get(name)).json).toMatchObject({ spec: { mtu: null }, unmanaged: ['MTU\u00a0= 1400'] });
  const put = { method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: own, mtu: 1300 } };
  expect((await agent.call(put)).json).toMatchObject({ code: 'invalid_file' });
});
