import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { newPrivateKey } from '../support/canary.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const key = newPrivateKey();
const peerPrivateKey = newPrivateKey();
const peer = publicKeyOf(new Secret(peerPrivateKey));

const TAIL = `
# about the peer
[peer]
publickey=${peer}
PRESHAREDKEY = ${newPrivateKey()} # kept
allowedips = 10.9.0.2/32,fd09::2/128

[Peer]
PublicKey = ${publicKeyOf(new Secret(newPrivateKey()))}
AllowedIPs = 10.9.0.3/32
`;
const HEAD = `# head
[Interface]
# the key
privatekey = ${key}
ListenPort = 51820 # fixed
Address = 10.9.0.1/24
Address = fd09::1/64
MTU = 1400
Table = off
FwMark = 0x2a
PreUp = echo pre up
PostUp = echo one
PostUp = echo two
PreDown = echo down
PostDown = echo post down
SaveConfig = true
`;

const agent = useTestAgent();

const put = (name: string, body: object): Promise<Reply> =>
  agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: key, ...body } });

const mustPut = async (name: string, body: object): Promise<Reply> => {
  const reply = await put(name, body);
  expect(`${String(reply.status)} ${reply.status === 200 ? '' : reply.text}`).toBe('200 ');
  return reply;
};

/** Writes a file and applies one PUT to it; the lines of the result that differ, `-` gone and `+` new. */
async function changesOf(text: string, body: object): Promise<string[]> {
  const name = newName();
  await agent.write(name, text);
  await mustPut(name, body);
  const [before, after] = [text.split('\n'), (await agent.read(name)).split('\n')];
  const gone = before.filter((line) => !after.includes(line)).map((line) => `-${line}`);
  const fresh = after.filter((line) => !before.includes(line)).map((line) => `+${line}`);
  return [...gone, ...fresh];
}

/** A PUT of the old fields as they stand in the file. */
const SAME = { listen_port: 51_820, mtu: 1400, post_up: 'echo one; echo two', pre_down: 'echo down' };

describe('a first PUT', () => {
  test('makes a file of mode 0600 that only root can read, and no device', async () => {
    const name = newName();
    const reply = await mustPut(name, {
      listen_port: 51_821,
      address: ['10.8.0.1/24', 'fd08::1/64'],
      mtu: 1420,
      table: '1234',
      fw_mark: 42,
      pre_up: ['echo a'],
      post_up: ['echo b', 'echo c && echo d 2>&1'],
      pre_down: 'echo e',
      post_down: ['echo f'],
    });
    expect(reply.json).toMatchObject({
      status: 'success',
      message: 'Interface configuration updated successfully',
      reloaded: false,
      changed: true,
      plan: [{ action: 'write-file', path: 'spec.interface.name', impact: 'None' }],
      impact: 'None',
      outage_ms: 0,
      digest: expect.any(String),
    });
    expect((await agent.read(name)) === wholeFile()).toBe(true);
    expect((await stat(agent.host.configPath(name))).mode & 0o777).toBe(0o600);
    const read = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(read.json).toMatchObject({ state: 'down', live: null, digest: reply.json['digest'] });
  });

  const wholeFile = (): string =>
    `[Interface]\nPrivateKey = ${key}\nListenPort = 51821\nFwMark = 42\nAddress = 10.8.0.1/24, fd08::1/64\nMTU = 1420\n` +
    'Table = 1234\nPreUp = echo a\nPostUp = echo b\nPostUp = echo c && echo d 2>&1\nPreDown = echo e\nPostDown = echo f\n';

  test('leaves nothing else behind in the configuration folder or the journal', async () => {
    const name = newName();
    await mustPut(name, {});
    await mustPut(name, { mtu: 1400 });
    const own = (await readdir(agent.host.configFolder)).filter((file) => file.includes(name));
    expect(own).toEqual([`${name}.conf`]);
    expect(await readdir(join(agent.stateFolder, 'journal'))).toEqual([]);
    expect(await readdir(join(agent.stateFolder, 'running'))).toEqual([]);
  });
});

describe('a PUT keeps what it does not own', () => {
  test('one changed field is one changed line: peers in any case, comments and order stay', async () => {
    expect(await changesOf(HEAD + TAIL, { ...SAME, mtu: 1380 })).toEqual(['-MTU = 1400', '+MTU = 1380']);
  });

  test('what an old client never sends or does not know is kept when it is absent', async () => {
    expect(await changesOf(HEAD + TAIL, {})).toEqual([
      '-ListenPort = 51820 # fixed',
      '-MTU = 1400',
      '-PostUp = echo one',
      '-PostUp = echo two',
      '-PreDown = echo down',
      // The comment of a line that went.
      '+# fixed',
    ]);
  });

  test.each([
    { field: 'address', gone: ['-Address = 10.9.0.1/24', '-Address = fd09::1/64'] },
    { field: 'table', gone: ['-Table = off'] },
    { field: 'fw_mark', gone: ['-FwMark = 0x2a'] },
    { field: 'pre_up', gone: ['-PreUp = echo pre up'] },
    { field: 'post_down', gone: ['-PostDown = echo post down'] },
    { field: 'mtu', gone: ['-MTU = 1400'] },
    { field: 'post_up', gone: ['-PostUp = echo one', '-PostUp = echo two'] },
  ])('null removes $field, and nothing else', async ({ field, gone }) => {
    expect(await changesOf(HEAD + TAIL, { ...SAME, [field]: null })).toEqual(gone);
  });

  test.each([{ listen_port: 0 }, { listen_port: null }, {}])('%j removes the port', async (body) => {
    const changes = await changesOf(HEAD, { ...SAME, listen_port: undefined, ...body });
    expect(changes).toContain('-ListenPort = 51820 # fixed');
    expect(changes.some((line) => /^\+.*ListenPort/.test(line))).toBe(false);
  });

  test.each([
    { field: 'address', value: '' },
    { field: 'table', value: 'auto' },
    { field: 'fw_mark', value: 0 },
    { field: 'pre_up', value: [] },
    { field: 'post_down', value: '' },
  ])('$field: $value removes too', async ({ field, value }) => {
    const changes = await changesOf(HEAD, { ...SAME, [field]: value });
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.every((line) => line.startsWith('-'))).toBe(true);
  });

  test('line ends of another system stay', async () => {
    const name = newName();
    const text = (HEAD + TAIL).replaceAll('\n', '\r\n');
    await agent.write(name, text);
    await mustPut(name, { ...SAME, mtu: 1380 });
    expect((await agent.read(name)) === text.replace('1400', '1380')).toBe(true);
  });

  test('a file that others could read is closed by the write', async () => {
    const name = newName();
    await agent.write(name, HEAD);
    await chmod(agent.host.configPath(name), 0o644);
    await mustPut(name, { ...SAME, mtu: 1380 });
    expect((await stat(agent.host.configPath(name))).mode & 0o777).toBe(0o600);
  });

  test.each([
    { what: 'a key that neither wg nor wg-quick knows', text: `${HEAD}Colour = green\n` },
    { what: 'a peer that wg would refuse', text: `${HEAD}${TAIL}AllowedIPs = 10.9.0.0.0/8\n` },
  ])('a file with $what is refused, not repaired: 400 invalid_file', async ({ text }) => {
    const name = newName();
    await agent.write(name, text);
    const before = await agent.fingerprint();
    const reply = await put(name, { ...SAME, mtu: 1380 });
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ code: 'invalid_file' });
    expect(await agent.fingerprint()).toEqual(before);
  });

  test('the key of a peer cannot become the key of the interface: 409 key_is_peer', async () => {
    const name = newName();
    await agent.write(name, HEAD + TAIL);
    const before = await agent.fingerprint();
    const reply = await put(name, { ...SAME, private_key: peerPrivateKey });
    expect(reply.status).toBe(409);
    expect(reply.json).toMatchObject({ code: 'key_is_peer' });
    expect(await agent.fingerprint()).toEqual(before);
  });
});

describe('an identical PUT', () => {
  test.each([
    { what: 'with the hooks joined', body: SAME },
    { what: 'with the hooks in a list', body: { ...SAME, post_up: ['echo one', 'echo two'] } },
    {
      what: 'with every field',
      body: {
        ...SAME,
        address: ['fd09:0::1/64', '10.9.0.1/24'],
        table: 'off',
        fw_mark: 42,
        pre_up: ['echo pre up'],
        post_down: 'echo post down',
        dns: [],
      },
    },
  ])('$what writes nothing and runs nothing', async ({ body }) => {
    const name = newName();
    await agent.write(name, HEAD + TAIL);
    const before = await agent.fingerprint();
    const spawned = new Map(agent.host.runner.spawned);
    for (let round = 0; round < 3; round += 1) {
      const reply = await mustPut(name, body);
      expect(reply.json).toMatchObject({ changed: false, reloaded: false, plan: [], impact: 'None', outage_ms: 0 });
    }
    expect(await agent.fingerprint()).toEqual(before);
    expect(agent.host.runner.spawned).toEqual(spawned);
  });
});

describe('options', () => {
  test('dry_run answers the plan and changes nothing', async () => {
    const name = newName();
    await agent.write(name, HEAD);
    const [before, state] = [await agent.fingerprint(), await readdir(join(agent.stateFolder, 'wanted'))];
    const digest = (await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).json['digest'];
    const reply = await mustPut(name, { ...SAME, mtu: 1380, options: { dry_run: true } });
    const plan = [{ action: 'write-file', path: 'spec.interface.mtu', impact: 'None' }];
    expect(reply.json).toMatchObject({ changed: false, reloaded: false, plan, impact: 'None', digest });
    expect(await agent.fingerprint()).toEqual(before);
    expect(await readdir(join(agent.stateFolder, 'wanted'))).toEqual(state);
  });

  test('dry_run judges as a real call does', async () => {
    const reply = await put(newName(), { mtu: 5, options: { dry_run: true } });
    expect(reply.json).toMatchObject({ code: 'invalid_value' });
  });

  test('the plan names the first field that the file lacks', async () => {
    const name = newName();
    await agent.write(name, HEAD);
    const reply = await mustPut(name, { ...SAME, private_key: newPrivateKey(), options: { dry_run: true } });
    expect(reply.json['plan']).toEqual([
      { action: 'write-file', path: 'spec.interface.privateKeySecretRef', impact: 'None' },
    ]);
  });

  test('a digest that moved is 409 digest_mismatch, and nothing is written', async () => {
    const name = newName();
    await agent.write(name, HEAD);
    const digest = (await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).json['digest'];
    await agent.write(name, `${HEAD}# moved\n`);
    const before = await agent.fingerprint();
    for (const options of [{ if_digest: digest }, { if_digest: digest, dry_run: true }, { if_digest: '' }]) {
      const reply = await put(name, { ...SAME, mtu: 1380, options });
      expect(reply.status).toBe(409);
      expect(reply.json).toMatchObject({ code: 'digest_mismatch' });
    }
    expect(await agent.fingerprint()).toEqual(before);
  });

  test('the digest of one answer is good for the next call', async () => {
    const name = newName();
    let { digest } = (await mustPut(name, {})).json;
    for (const mtu of [1400, 1380, 1380]) {
      digest = (await mustPut(name, { mtu, options: { if_digest: digest } })).json['digest'];
    }
    expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).json['digest']).toBe(digest);
  });

  test('max_impact lets through what stays below it', async () => {
    for (const max_impact of ['None', 'Rehandshake', 'Restart']) {
      await mustPut(newName(), { mtu: 1400, options: { max_impact, state: 'down' } });
    }
  });
});

test('case M2: a broken hook that stands in the file and stays does not keep another change out', async () => {
  const name = newName();
  const key = newPrivateKey();
  await agent.write(name, `[Interface]\nPrivateKey = ${key}\nPostDown = echo "\n`);
  const reply = await agent.call({
    method: 'PUT',
    path: `/v1/wg/${name}/config`,
    body: { private_key: key, mtu: 1300 },
  });
  expect(reply.status).toBe(200);
  expect(await agent.read(name)).toContain('PostDown = echo "\n');
});

test('case M3: what stands in a file can be sent back, however much it is', async () => {
  const name = newName();
  const key = newPrivateKey();
  const hooks = [...Array.from({ length: 70 }, (_, index) => `echo ${String(index)}`), `echo ${'x'.repeat(5_000)}`];
  const lines = hooks.map((hook) => `PostUp = ${hook}\n`).join('');
  await agent.write(name, `[Interface]\nPrivateKey = ${key}\n${lines}`);
  const put = (body: object): Promise<{ status: number; json: Readonly<Record<string, unknown>> }> =>
    agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: key, post_up: hooks, ...body } });
  expect((await put({})).json).toMatchObject({ changed: false });
  expect((await put({ mtu: 1300 })).json).toMatchObject({ changed: true });
  expect((await put({ post_up: [...hooks, 'echo one more'] })).json).toMatchObject({
    code: expect.stringMatching(/^invalid_/),
  });
});
