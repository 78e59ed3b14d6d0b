import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { mustRun } from '../support/lab/run.ts';
import { newPublicKey, peerCalls } from './support/peer-calls.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, post, put, remove, sync, live, file } = peerCalls(agent);

test('a network that another device has a route to is left to it', async () => {
  const { name, own, text } = await made(true);
  await mustRun(['ip', 'route', 'add', '198.18.200.0/24', 'dev', 'lo']);
  try {
    const reply = await put(name, own, { allowed_ips: ['198.18.200.0/24'] });
    expect([reply.status, reply.json['code']]).toEqual([409, 'route_conflict']);
    expect([await file(name), await live(name)]).toEqual([text, [`${own} 10.9.0.2/32 off`]]);
  } finally {
    await mustRun(['ip', 'route', 'delete', '198.18.200.0/24', 'dev', 'lo']);
  }
});

describe('what people met with tools that sync peers (public reports)', () => {
  test('a mark that a hook set is not taken off by syncconf, which does not speak of it', async () => {
    const { name, own } = await made(true);
    await mustRun(['wg', 'set', name, 'fwmark', '51820']);
    expect((await sync(name, `[Peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.3/32\n`)).status).toBe(200);
    expect((await mustRun(['wg', 'show', name, 'fwmark'])).trim()).toBe('0xca6c');
  });

  test('a network that a peer gets has a route at once, which wg syncconf alone never makes', async () => {
    const { name, own, text } = await made(false);
    await agent.write(
      name,
      text.replace('Table = off\n', '').replace('10.9.0.1/24', '198.18.9.1/32').replace('10.9.0.2/32', '198.18.9.2/32'),
    );
    expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
    const network = `198.19.${String(Math.floor(Math.random() * 250))}.0/24`;
    for (const reply of [
      await sync(name, `[Peer]\nPublicKey = ${own}\nAllowedIPs = 198.18.9.2/32, ${network}\n`),
      await post(name, { public_key: newPublicKey(), allowed_ips: ['198.18.9.77/32'] }),
    ])
      expect(reply.status).toBe(200);
    const routes = (): Promise<string> => mustRun(['ip', 'route', 'show', 'dev', name]);
    expect(await routes()).toContain(network);
    expect(await routes()).toContain('198.18.9.77');
    // What came with a peer goes with it.
    await sync(name, `[Peer]\nPublicKey = ${own}\nAllowedIPs = 198.18.9.2/32\n`);
    expect(await routes()).toBe('198.18.9.2 scope link \n');
    const { json } = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(json['drift']).toEqual([]);
  });

  test('marks of other tools around a peer, begin and end, stay where they are when it changes', async () => {
    const { name } = await made(false);
    const key = newPublicKey();
    const marked = `### begin phone ###\n[Peer]\n# friendly_name = Phone\nPublicKey = ${key}\nAllowedIps = 10.9.0.40/32\n### end phone ###\n`;
    const before = (await file(name)) ?? '';
    await agent.write(name, `${before}${marked}`);
    expect((await put(name, key, { persistent_keepalive: 25 })).status).toBe(200);
    expect(await file(name)).toBe(
      before + marked.replace('10.9.0.40/32\n', '10.9.0.40/32\nPersistentKeepalive = 25\n'),
    );
  });
});

describe('a peer that only file or kernel knows comes whole to the other one', () => {
  test('of the kernel: preshared key and addresses come into the file with it, and outlive a down', async () => {
    const { name } = await made(true);
    const [key, psk] = [newPublicKey(), newPrivateKey()];
    const path = join(agent.stateFolder, 'psk');
    await writeFile(path, psk, { mode: 0o600 });
    await mustRun(['wg', 'set', name, 'peer', key, 'preshared-key', path, 'allowed-ips', '10.9.0.50/32']);
    expect((await put(name, key, { persistent_keepalive: 25 })).status).toBe(200);
    expect(await file(name)).toContain(
      `PublicKey = ${key}\nPresharedKey = ${psk}\nAllowedIPs = 10.9.0.50/32\nPersistentKeepalive = 25\n`,
    );
    for (const verb of ['disable', 'enable']) await agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}` });
    expect(await live(name)).toContain(`${key} 10.9.0.50/32 25`);
  });

  test('of the file: its addresses come into the kernel with it', async () => {
    const { name, own, text } = await made(true);
    const key = newPublicKey();
    await agent.write(name, `${text}\n[Peer]\nPublicKey = ${key}\nAllowedIPs = 10.9.0.60/32\n`);
    expect((await put(name, key, { persistent_keepalive: 25 })).status).toBe(200);
    expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`, `${key} 10.9.0.60/32 25`].sort());
  });

  test('of the file: its network has a route with it', async () => {
    const { name, text } = await made(false);
    const key = newPublicKey();
    const network = `198.19.${String(Math.floor(Math.random() * 250))}.0/24`;
    const routed = text
      .replace('Table = off\n', '')
      .replace('10.9.0.1/24', '198.18.8.1/32')
      .replace('10.9.0.2/32', '198.18.8.2/32');
    await agent.write(name, routed);
    expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
    await agent.write(name, `${routed}\n[Peer]\nPublicKey = ${key}\nAllowedIPs = ${network}\n`);
    expect((await put(name, key, { persistent_keepalive: 25 })).status).toBe(200);
    expect(await mustRun(['ip', 'route', 'show', 'dev', name])).toContain(network);
  });

  test('of the kernel alone, kept while it is down: removed then, it does not come back', async () => {
    const { name, own } = await made(true);
    const key = newPublicKey();
    await mustRun(['wg', 'set', name, 'peer', key, 'allowed-ips', '10.9.0.70/32']);
    await agent.call({ method: 'POST', path: `/v1/wg/${name}/disable` });
    expect((await remove(name, key)).json).toMatchObject({ changed: true });
    await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` });
    expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
  });
});

test('syncconf with one key twice and one network in two peers says as wg what counts, and says the same again', async () => {
  const { name, own } = await made(true);
  const other = newPublicKey();
  const text = `[Peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.80/32\n[Peer]\nPublicKey = ${other}\nAllowedIPs = 10.9.0.81/32, 10.9.0.80/32\n[Peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.82/32\n`;
  expect((await sync(name, text)).json).toMatchObject({ changed: true });
  expect(await live(name)).toEqual([`${own} 10.9.0.82/32 off`, `${other} 10.9.0.81/32,10.9.0.80/32 off`].sort());
  expect((await sync(name, text)).json).toMatchObject({ changed: false });
});

test('N8: no error shows what stands in a line, which may be a key whose `=` is missing', async () => {
  const { name } = await made(false);
  const key = newPrivateKey();
  for (const text of [
    `[Interface]\nPrivateKey ${key}\n`,
    `[Interface]\nPrivateKey: ${key}\n`,
    `[Peer]\n${key}\n`,
    `[Interface] PrivateKey = ${key}`,
  ]) {
    const { status, text: answer } = await sync(name, text);
    expect(status).toBe(400);
    expect(answer.toLowerCase()).not.toContain(key.slice(0, 12).toLowerCase());
  }
});
