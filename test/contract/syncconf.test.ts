import { describe, expect, test } from '@jest/globals';
import { newPrivateKey } from '../support/canary.ts';
import { mustRun } from '../support/lab/run.ts';
import { peerCalls } from './support/peer-calls.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const { made, sync, live, file } = peerCalls(agent);

const shown = async (name: string, what: string): Promise<string> => (await mustRun(['wg', 'show', name, what])).trim();
const textOf = (own: string, ...lines: readonly string[]): string =>
  `[Interface]\n${lines.join('\n')}\n[Peer]\nPublicKey = ${own}\nAllowedIPs = 10.9.0.2/32\n`;
/** Up, with these lines in its interface part. */
async function up(...lines: readonly string[]): Promise<{ name: string; own: string }> {
  const { name, own, text } = await made(false);
  await agent.write(name, text.replace('Table', [...lines, 'Table'].join('\n')));
  expect((await agent.call({ method: 'POST', path: `/v1/wg/${name}/enable` })).status).toBe(200);
  return { name, own };
}

describe('a value that says "none", as wg has it', () => {
  test.each(['off', '0', 'OFF', '0x0'])('FwMark = %s takes the mark away', async (none) => {
    const { name, own } = await up('FwMark = 51820');
    expect((await sync(name, textOf(own, `FwMark = ${none}`))).json).toMatchObject({ changed: true });
    expect(await shown(name, 'fwmark')).toBe('off');
    expect(await file(name)).not.toContain('FwMark');
    expect((await sync(name, textOf(own, `FwMark = ${none}`))).json).toMatchObject({ changed: false });
  });

  test('FwMark = off takes one away that only the kernel has', async () => {
    const { name, own } = await up();
    await mustRun(['wg', 'set', name, 'fwmark', '51820']);
    expect((await sync(name, textOf(own, 'FwMark = off'))).json).toMatchObject({ changed: true });
    expect(await shown(name, 'fwmark')).toBe('off');
  });

  test('ListenPort = 0 asks for none in particular: the file has none from then on, and the one that runs is good', async () => {
    const port = String(20_000 + Math.floor(Math.random() * 10_000));
    const { name, own } = await up(`ListenPort = ${port}`);
    expect((await sync(name, textOf(own, 'ListenPort = 0'))).json).toMatchObject({ changed: true });
    expect(await file(name)).not.toContain('ListenPort');
    expect(await shown(name, 'listen-port')).toBe(port);
  });
});

test('N20: where its peers cannot be set, port and mark are as they were, in file and kernel', async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const { name, own } = await up(`ListenPort = ${String(port)}`);
  const [before, key] = [await file(name), newPrivateKey()];
  const lines = [`PrivateKey = ${key}`, `ListenPort = ${String(port + 1)}`, 'FwMark = 7'];
  const body = textOf(own, ...lines).replace('10.9.0.2/32', '198.18.201.0/24');
  await mustRun(['ip', 'route', 'add', '198.18.201.0/24', 'dev', 'lo']);
  try {
    const reply = await sync(name, body);
    expect([reply.status, reply.json['code']]).toEqual([409, 'route_conflict']);
  } finally {
    await mustRun(['ip', 'route', 'delete', '198.18.201.0/24', 'dev', 'lo']);
  }
  expect(await file(name)).toBe(before);
  expect([await shown(name, 'listen-port'), await shown(name, 'fwmark')]).toEqual([String(port), 'off']);
  expect(before).toContain(await shown(name, 'private-key'));
  expect(await live(name)).toEqual([`${own} 10.9.0.2/32 off`]);
  expect((await sync(name, body)).json).toMatchObject({ changed: true });
  expect([await shown(name, 'listen-port'), await shown(name, 'private-key')]).toEqual([String(port + 1), key]);
});
