import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mustRun } from '../support/lab/run.ts';
import { newPublicKey, peerCalls } from './support/peer-calls.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, post, put, remove, sync, live, file } = peerCalls(agent);

const call = async (name: string, verb: 'enable' | 'disable'): Promise<void> => {
  expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}` })).status).toBe(200);
};
const downUp = async (name: string): Promise<void> => {
  await call(name, 'disable');
  await call(name, 'enable');
};
const section = (key: string, ips: string): string => `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${ips}\n`;

describe('H30: a peer that came by a call and was taken out of the file by hand does not come back', () => {
  type Made = Awaited<ReturnType<typeof made>>;
  const ways: Record<string, (host: Made, key: string) => Promise<unknown>> = {
    POST: ({ name }, key) => post(name, { public_key: key, allowed_ips: ['10.9.0.30/32'] }),
    PUT: ({ name }, key) => put(name, key, { allowed_ips: ['10.9.0.30/32'] }),
    syncconf: ({ name, own }, key) => sync(name, section(own, '10.9.0.2/32') + section(key, '10.9.0.30/32')),
    'PUT of one that was added by hand': async ({ name }, key) => {
      await mustRun(['wg', 'set', name, 'peer', key, 'allowed-ips', '10.9.0.30/32']);
      await put(name, key, { persistent_keepalive: 25 });
    },
    'POST of what file and kernel have already': async ({ name, text }, key) => {
      await agent.write(name, `${text}\n${section(key, '10.9.0.30/32')}`);
      await mustRun(['wg', 'set', name, 'peer', key, 'allowed-ips', '10.9.0.30/32']);
      await post(name, { public_key: key, allowed_ips: ['10.9.0.30/32'] });
    },
  };
  test.each(Object.keys(ways))('%s', async (way) => {
    const host = await made(true);
    const { name, own, text } = host;
    const key = newPublicKey();
    await ways[way]?.(host, key);
    expect((await live(name)).join()).toContain(key);
    expect(await file(name)).toContain(key);
    await agent.write(name, text);
    await downUp(name);
    expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
  });

  test('on a tunnel that wg-quick brought up', async () => {
    const { name, own, text } = await made(false);
    await mustRun(['wg-quick', 'up', join(agent.host.configFolder, `${name}.conf`)]);
    await post(name, { public_key: newPublicKey(), allowed_ips: ['10.9.0.30/32'] });
    await agent.write(name, text);
    await downUp(name);
    expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
  });
});

test('H30: a network that a peer got by a call and that was taken out of the file by hand does not come back', async () => {
  const { name, own, text } = await made(true);
  await put(name, own, { allowed_ips: ['10.9.0.2/32', '10.9.0.0/28'] });
  await agent.write(name, text);
  const body = { private_key: /PrivateKey = (.*)/.exec(text)?.[1], table: '77' };
  expect((await agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body })).json).toMatchObject({
    impact: 'Restart',
  });
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
});

test('H30: a peer that a call removed and somebody added by hand after that is kept as one of the kernel', async () => {
  const { name, own } = await made(true);
  await remove(name, own);
  await mustRun(['wg', 'set', name, 'peer', own, 'allowed-ips', '10.9.0.2/32']);
  await downUp(name);
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
});
