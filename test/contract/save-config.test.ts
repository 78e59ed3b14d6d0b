import { describe, expect, test } from '@jest/globals';
import { mustRun } from '../support/lab/run.ts';
import { newPublicKey, peerCalls } from './support/peer-calls.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, live, file } = peerCalls(agent);

const call = async (name: string, verb: 'enable' | 'disable'): Promise<void> => {
  expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/${verb}` })).status).toBe(200);
};

/** Up with `SaveConfig = true` and two peers. */
async function saving(): Promise<{ name: string; own: string; other: string; text: string }> {
  const { name, own, text: plain } = await made(false);
  const other = newPublicKey();
  const text = `${plain.replace('Table', 'SaveConfig = true\nTable')}\n[Peer]\nPublicKey = ${other}\nAllowedIPs = 10.9.0.3/32\n`;
  await agent.write(name, text);
  await call(name, 'enable');
  return { name, own, other, text };
}

describe('with SaveConfig the file has the peers of the kernel after a down, as with wg-quick', () => {
  test('one that was removed by hand is gone, and does not come back', async () => {
    const { name, own, other } = await saving();
    await mustRun(['wg', 'set', name, 'peer', own, 'remove']);
    await call(name, 'disable');
    expect(await file(name)).not.toContain(own);
    await call(name, 'enable');
    expect(await live(name)).toEqual([`${other} 10.9.0.3/32 off`]);
  });

  test('it does not come back with a restart either', async () => {
    const { name, own, other, text } = await saving();
    await mustRun(['wg', 'set', name, 'peer', own, 'remove']);
    const body = { private_key: /PrivateKey = (.*)/.exec(text)?.[1], table: '77' };
    const path = `/v1/wg/${name}/config`;
    expect((await agent.call({ method: 'PUT', path, body })).json).toMatchObject({ impact: 'Restart' });
    expect(await live(name)).toEqual([`${other} 10.9.0.3/32 off`]);
    expect(await file(name)).not.toContain(own);
  });

  test('what was set of one by hand is there, and all else of the file is as it was', async () => {
    const { name, own, text } = await saving();
    await mustRun(['wg', 'set', name, 'peer', own, 'allowed-ips', '10.9.0.4/32', 'persistent-keepalive', '25']);
    await call(name, 'disable');
    expect(await file(name)).toBe(
      text.replace('AllowedIPs = 10.9.0.2/32', 'PersistentKeepalive = 25\nAllowedIPs = 10.9.0.4/32'),
    );
  });

  test('where nothing was changed by hand, the file is as it was', async () => {
    const { name, text } = await saving();
    await call(name, 'disable');
    expect(await file(name)).toBe(text);
  });
});

test('without SaveConfig a peer that was removed by hand is back at the next up, as with wg-quick', async () => {
  const { name, own, text } = await made(true);
  await mustRun(['wg', 'set', name, 'peer', own, 'remove']);
  await call(name, 'disable');
  expect(await file(name)).toBe(text);
  await call(name, 'enable');
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
});
