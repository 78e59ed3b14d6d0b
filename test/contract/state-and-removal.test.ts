import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const FILE = `[Interface]\nPrivateKey = ${newPrivateKey()}\nPreDown = exit 1\n`;
const agent = useTestAgent();

const post = (name: string, verb: string): Promise<Reply> =>
  agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}` });
const remove = (name: string): Promise<Reply> => agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });

/** Everything that the agent's own memory has of an interface. */
async function remembered(name: string): Promise<string[]> {
  const folders = ['running', 'wanted', 'journal'];
  const found = await Promise.all(folders.map((folder) => readdir(join(agent.stateFolder, folder))));
  return found.flat().filter((file) => file.includes(name));
}

describe('POST disable', () => {
  test('of what never existed is "already down", and leaves no trace', async () => {
    const name = newName();
    const reply = await post(name, 'disable');
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({ status: 'success', message: `Interface ${name} is already down`, was_up: false });
    expect(await remembered(name)).toEqual([]);
    expect(await agent.fingerprint()).toEqual([]);
  });

  test('of an interface that is down leaves its file as it is, runs no hook, and may be repeated', async () => {
    const name = newName();
    await agent.write(name, FILE);
    const before = await agent.fingerprint();
    const spawned = new Map(agent.host.runner.spawned);
    for (let round = 0; round < 2; round += 1) {
      expect((await post(name, 'disable')).json).toMatchObject({ status: 'success', was_up: false });
    }
    expect(await agent.fingerprint()).toEqual(before);
    expect(agent.host.runner.spawned).toEqual(spawned);
    await remove(name);
  });
});

describe('POST enable', () => {
  test('without a file is 404 with a code, runs nothing and remembers nothing', async () => {
    const name = newName();
    const spawned = new Map(agent.host.runner.spawned);
    const reply = await post(name, 'enable');
    expect(reply.status).toBe(404);
    expect(reply.json).toEqual({
      error: `Failed to enable interface: no configuration file ${agent.host.configPath(name)}`,
      code: 'not_found',
      details: [],
    });
    expect(agent.host.runner.spawned).toEqual(spawned);
    expect(await remembered(name)).toEqual([]);
  });
});

describe('DELETE', () => {
  test('of what is not there is a success', async () => {
    const name = newName();
    const reply = await remove(name);
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({ status: 'success', message: `Interface ${name} deleted successfully` });
  });

  test('takes the file and everything that is remembered away, and leaves other interfaces alone', async () => {
    const [name, other] = [newName(), newName()];
    await agent.write(other, FILE);
    const before = await agent.fingerprint();
    await agent.write(name, FILE);
    await post(name, 'disable');
    expect(await remembered(name)).not.toEqual([]);
    for (let round = 0; round < 2; round += 1) expect((await remove(name)).status).toBe(200);
    expect(await agent.fingerprint()).toEqual(before);
    expect(await remembered(name)).toEqual([]);
    expect((await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).status).toBe(404);
    await remove(other);
  });
});

describe('GET dump', () => {
  test.each([
    { what: 'nothing there', file: false },
    { what: 'a file but no device', file: true },
  ])('with $what is 404 not_found, with the beginning of the old text', async ({ file }) => {
    const name = newName();
    if (file) await agent.write(name, FILE);
    const reply = await agent.call({ method: 'GET', path: `/v1/wg/${name}/dump` });
    expect(reply.status).toBe(404);
    expect(reply.json).toMatchObject({
      error: expect.stringMatching(/^WireGuard command failed: /),
      code: 'not_found',
      details: [],
    });
    await remove(name);
  });
});

// Loopback is on every machine, and is no WireGuard interface.
describe('a device that is not WireGuard', () => {
  test.each([
    { method: 'GET', path: '/v1/wg/lo/config' },
    { method: 'GET', path: '/v1/wg/lo/dump' },
    { method: 'PUT', path: '/v1/wg/lo/config', body: { private_key: newPrivateKey() } },
    { method: 'POST', path: '/v1/wg/lo/enable' },
    { method: 'POST', path: '/v1/wg/lo/disable' },
    { method: 'DELETE', path: '/v1/wg/lo' },
  ])('is left alone by $method $path: 409 not_wireguard', async (request) => {
    const spawned = new Map(agent.host.runner.spawned);
    const reply = await agent.call(request);
    expect(reply.status).toBe(409);
    expect(reply.json).toMatchObject({ code: 'not_wireguard' });
    expect(agent.host.runner.spawned).toEqual(spawned);
    expect(await agent.fingerprint()).toEqual([]);
  });
});
