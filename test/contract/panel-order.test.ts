import { afterAll, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { mustRun, run } from '../support/lab/run.ts';
import { newPublicKey } from './support/peer-calls.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

// What the panel does with a node, in its order and as often at once as it does; each call on the clock that it is made at.

const agent = useTestAgent();
const names: string[] = [];
afterAll(async () => {
  for (const name of names) await run(['ip', 'link', 'delete', name]);
});

/** The panel gives a call ten seconds. */
const PATIENCE_MS = 10_000;
const PEERS_OF_A_THREAD = 20;

test.each(['/v1/wg', '/wg'])('sync, enable, peers by two threads, dump, status, by %s', async (prefix) => {
  const name = newName();
  names.push(name);
  let slowestMs = 0;
  const call = async (method: string, path: string, body?: object): Promise<Reply> => {
    const began = performance.now();
    const reply = await agent.call({ method, path, ...(body === undefined ? {} : { body }) });
    slowestMs = Math.max(slowestMs, performance.now() - began);
    expect([method, path, reply.status, reply.status === 200 ? '' : reply.text]).toEqual([method, path, 200, '']);
    return reply;
  };
  const key = newPrivateKey();
  await agent.write(name, `[Interface]\nPrivateKey = ${key}\nAddress = 10.204.0.1/16\nTable = off\n# of the host\n`);
  await call('PUT', `/v1/wg/${name}/config`, { private_key: key, listen_port: 0, mtu: 1420, post_up: 'echo up' });
  await call('POST', `/v1/wg/${name}/enable`);
  const thread = async (number: number): Promise<string[]> => {
    const keys: string[] = [];
    for (let count = 0; count < PEERS_OF_A_THREAD; count += 1) {
      const peer = newPublicKey();
      keys.push(peer);
      await call('POST', `${prefix}/${name}/peers`, {
        ...{ public_key: peer, preshared_key: '', persistent_keepalive: 25 },
        allowed_ips: [`10.204.${String(number)}.${String(count + 2)}/32`],
      });
    }
    return keys;
  };
  const added = (await Promise.all([thread(1), thread(2)])).flat();
  const { peers } = (await call('GET', `${prefix}/${name}/dump`)).json as { peers: { public_key: string }[] };
  expect(peers.map(({ public_key: peer }) => peer).sort()).toEqual([...added].sort());
  const file = await agent.read(name);
  for (const peer of added) expect(file).toContain(peer);
  expect(file).toContain('# of the host');
  expect(file).toContain('Address = 10.204.0.1/16');
  const status = (await call('GET', '/v1/status')).json as { wireguard: { interfaces: Record<string, object> } };
  expect(status.wireguard.interfaces[name]).toMatchObject({ status: 'up', peer_count: 2 * PEERS_OF_A_THREAD });
  for (const peer of added) await call('DELETE', `${prefix}/${name}/peers/${peer}`);
  expect(await mustRun(['wg', 'show', name, 'peers'])).toBe('');
  expect(slowestMs).toBeLessThan(PATIENCE_MS);
});
