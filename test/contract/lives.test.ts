import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mustRun } from '../support/lab/run.ts';
import { newPublicKey, peerCalls } from './support/peer-calls.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, live } = peerCalls(agent);

const call = async (name: string, verb: 'enable' | 'disable'): Promise<void> => {
  expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}` })).status).toBe(200);
};
/** Down, with a peer that only the kernel had kept for the next up. */
async function downWithPeer(): Promise<{ name: string; own: string; key: string }> {
  const { name, own } = await made(true);
  const key = newPublicKey();
  await mustRun(['wg', 'set', name, 'peer', key, 'allowed-ips', '10.9.0.70/32']);
  await call(name, 'disable');
  return { name, own, key };
}

test('a peer that only the kernel had comes back at the next up, whatever devices came and went beside it', async () => {
  const { name, own, key } = await downWithPeer();
  for (const verb of ['add', 'delete']) await mustRun(['ip', 'tuntap', verb, `${name}b`, 'mode', 'tap']);
  await call(name, 'enable');
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`, `${key} 10.9.0.70/32 off`].sort());
});

test('it does not where wg-quick had the interface up in between: it was of another life', async () => {
  const { name, own } = await downWithPeer();
  const path = join(agent.host.configFolder, `${name}.conf`);
  for (const verb of ['up', 'down']) await mustRun(['wg-quick', verb, path]);
  await call(name, 'enable');
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
});

test('it comes back after an up that failed, too', async () => {
  const { name, own, key } = await downWithPeer();
  const text = (await agent.read(name)).replace('Table = off', 'Table = off\nPostUp = false');
  await agent.write(name, text);
  expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(500);
  await agent.write(name, text.replace('PostUp = false\n', ''));
  await call(name, 'enable');
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`, `${key} 10.9.0.70/32 off`].sort());
});
