import { describe, expect, test } from '@jest/globals';
import type { ConfigResponse, PutConfigResponse, PutOptions } from '../../agent/protocol/messages.ts';
import { newPrivateKey } from '../support/canary.ts';
import { newName, type Reply } from './support/test-agent.ts';
import { useTestAgent } from './support/use-agent.ts';

const agent = useTestAgent();
const key = newPrivateKey();
const MINE = { id: 'uid-1', name: 'edge/fra1-wg0', cluster: 'cluster-1' };
const OTHERS = { id: 'uid-2', name: 'evil/fra1-wg0', cluster: 'cluster-1' };

const put = (name: string, options: PutOptions, mtu = 1_400): Promise<Reply> =>
  agent.call({ method: 'PUT', path: `/v1/wg/${name}/config`, body: { private_key: key, mtu, options } });
const read = async (name: string): Promise<ConfigResponse> =>
  (await agent.call({ method: 'GET', path: `/v1/wg/${name}/config` })).json as unknown as ConfigResponse;
const ownerOf = async (name: string): Promise<string | undefined> => (await read(name)).owner?.id;

describe('the object that an interface was last changed for', () => {
  test('is none at first, and told with its name and since when after a change', async () => {
    const name = newName();
    await put(name, {});
    expect((await read(name)).owner).toBeNull();
    await put(name, { owner: MINE });
    expect((await read(name)).owner).toEqual({ ...MINE, since: expect.stringMatching(/^20\d\d-.*Z$/) });
  });

  test('C7 keeps it: another one is refused with `owned`, and nothing is changed', async () => {
    const name = newName();
    await put(name, { owner: MINE });
    const refused = await put(name, { owner: OTHERS }, 1_300);
    expect(refused).toMatchObject({ status: 409, json: { code: 'owned', details: ['uid-1'] } });
    expect([await ownerOf(name), (await read(name)).spec.mtu]).toEqual(['uid-1', 1_400]);
  });

  test('is replaced by who names exactly it, and by nobody else', async () => {
    const name = newName();
    await put(name, { owner: MINE });
    expect((await put(name, { owner: OTHERS, replaces: 'uid-3' })).status).toBe(409);
    expect((await put(name, { owner: OTHERS, replaces: 'uid-1' })).status).toBe(200);
    expect(await ownerOf(name)).toBe('uid-2');
  });

  test('is not moved by a dry run, by a change that names nobody, or by one that fails', async () => {
    const name = newName();
    await put(name, { owner: MINE });
    await put(name, { owner: OTHERS, replaces: 'uid-1', dry_run: true });
    await put(name, {}, 1_300);
    await put(name, { owner: OTHERS, replaces: 'uid-1', if_digest: 'another' });
    expect(await ownerOf(name)).toBe('uid-1');
  });

  test('moves the digest, so that nobody takes an older answer for the present one', async () => {
    const name = newName();
    await put(name, {});
    const { digest } = await read(name);
    await put(name, { owner: MINE });
    expect((await read(name)).digest).not.toBe(digest);
  });

  test('goes with the interface', async () => {
    const name = newName();
    await put(name, { owner: MINE });
    await agent.call({ method: 'DELETE', path: `/v1/wg/${name}` });
    await put(name, { owner: OTHERS });
    expect(await ownerOf(name)).toBe('uid-2');
  });

  test.each([
    ['no id', { name: 'a/b', cluster: '' }],
    ['an empty id', { ...MINE, id: '' }],
    ['a name beyond its length', { ...MINE, name: 'x'.repeat(318) }],
    ['a member that nobody knows', { ...MINE, since: 'now' }],
  ])('with %s is refused by the schema', async (_, owner) => {
    expect(await put(newName(), { owner: owner as typeof MINE })).toMatchObject({ status: 422 });
  });
});

describe('The read-back in the answer to a PUT', () => {
  test('says what GET config says, but for the view of the old agent', async () => {
    const name = newName();
    const { after, digest } = (await put(name, { owner: MINE, read_back: true })).json as unknown as PutConfigResponse;
    const { config: _, ...told } = await read(name);
    expect(after).toEqual(told);
    expect(digest).toBe(told.digest);
  });

  test('is there only where it was asked for', async () => {
    expect((await put(newName(), {})).json).not.toHaveProperty('after');
  });
});
