import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { sidecarOf } from '../../agent/protocol/firewall/hook-lines.ts';
import { newPrivateKey } from '../support/canary.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();

const KEY = newPrivateKey();
const put = (name: string, change: object): Promise<Reply> =>
  agent.call({
    method: 'PUT',
    path: `/v1/wg/${name}/config`,
    body: { private_key: KEY, address: ['10.7.0.1/24'], ...change },
  });
const nat = { name: 'nat', type: 'Masquerade', masquerade: { outInterface: 'eth0' } };
const sidecar = (name: string): string => sidecarOf(agent.host.configPath(name));

describe('H8 firewall intents in the file', () => {
  test('are a comment, the lines that a plain wg-quick needs, and a file beside it, 0600', async () => {
    const name = newName();
    await put(name, { firewall: [nat], post_up: ['echo own'], post_down: ['echo own'] });
    expect(await agent.read(name)).toBe(
      [
        '[Interface]',
        `PrivateKey = ${KEY}`,
        'Address = 10.7.0.1/24',
        'PostUp = nft -f /etc/wireguard/%i.wgnode.nft',
        'PostUp = echo own',
        '#wgnode:firewall = [{"name":"nat","type":"Masquerade","masquerade":{"outInterface":"eth0"}}]',
        'PostDown = echo own',
        "PostDown = nft 'add table inet wgnode_%i; delete table inet wgnode_%i'",
        '',
      ].join('\n'),
    );
    expect(readFileSync(sidecar(name), 'utf8')).toContain('oifname "eth0" masquerade comment "nat"');
    const { json } = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(json).toMatchObject({ spec: { firewall: [nat], post_up: ['echo own'], post_down: ['echo own'] } });
    // An old client that knows no intents changes something else.
    expect((await put(name, { post_up: ['echo own'], mtu: 1400 })).json).toMatchObject({ changed: true });
    expect(await agent.read(name)).toContain('#wgnode:firewall');
    await put(name, { firewall: [], post_up: ['echo own'] });
    expect(await agent.read(name)).not.toMatch(/nft|wgnode/);
    expect(existsSync(sidecar(name))).toBe(false);
  });

  test('go with the interface', async () => {
    const name = newName();
    await put(name, { firewall: [nat] });
    expect(existsSync(sidecar(name))).toBe(true);
    await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });
    expect(existsSync(sidecar(name))).toBe(false);
  });

  test('whose lines somebody took out of the file are none: nothing of them would happen', async () => {
    const name = newName();
    await put(name, { firewall: [nat] });
    await agent.write(name, (await agent.read(name)).replace(/^PostUp.*\n/m, ''));
    const { json } = await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` });
    expect(json).toMatchObject({ spec: { firewall: [] } });
    await put(name, { firewall: [nat] });
    expect((await agent.read(name)).match(/nft -f/g)).toHaveLength(1);
  });

  test.each<[string, unknown, string, string]>([
    ['two of one name', [nat, nat], 'invalid_value', 'nat: its name is there twice'],
    [
      'a table of the kernel',
      [{ name: 'r', type: 'PolicyRoute', policyRoute: { table: 254, sources: ['10.0.0.0/8'] } }],
      'invalid_value',
      'policyRoute.table must not be one of 253, 254, 255',
    ],
    [
      'what is no name of a device',
      [{ name: 'x', type: 'Masquerade', masquerade: { outInterface: 'e"; flush' } }],
      'invalid_value',
      'masquerade.outInterface must be the name of a device',
    ],
    [
      'a member that is wanting',
      [{ name: 'x', type: 'PortForward' }],
      'invalid_value',
      'portForward.inInterface is required',
    ],
    [
      'the member of another type',
      [{ name: 'x', type: 'MSSClamp', masquerade: {} }],
      'invalid_value',
      'masquerade is no member of type MSSClamp',
    ],
    [
      'a kill switch that would cut the tunnel',
      [{ name: 'k', type: 'KillSwitch' }],
      'invalid_value',
      'needs fwMark or listenPort',
    ],
    [
      'a property that nobody knows',
      [{ name: 'x', type: 'MSSClamp', mssClamp: { clamp: true } }],
      'schema',
      'must NOT have additional properties',
    ],
    ['a name that could end a rule', [{ name: 'x"y', type: 'MSSClamp' }], 'schema', 'must match pattern'],
  ])('%s is refused with what is allowed, and nothing is written', async (_what, firewall, code, text) => {
    const before = await agent.fingerprint();
    const { json } = await put(newName(), { firewall });
    expect(json).toMatchObject({ code, error: expect.stringContaining(text) });
    expect(await agent.fingerprint()).toEqual(before);
  });
});
