import { describe, expect, test } from '@jest/globals';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import type { ConfigResponse, PutConfigResponse, PutOptions } from '../../agent/protocol/messages.ts';
import { newPrivateKey } from '../support/canary.ts';
import { mustRun } from '../support/lab/run.ts';
import { until } from '../support/until.ts';
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

  test('K5 is told while the change is made, and is who it was once that is undone', async () => {
    const [name, pipe] = [newName(), `/run/wgnode-owner-${String(process.pid)}`];
    await put(name, { owner: MINE });
    await mustRun(['mkfifo', pipe]);
    const made = agent.call({
      method: 'PUT',
      path: `/v1/wg/${name}/config`,
      body: {
        ...{ private_key: key, table: 'off', post_up: `cat ${pipe}; false` },
        options: { owner: OTHERS, replaces: 'uid-1', state: 'up' },
      },
    });
    await until('the change to be under way', async () => (await ownerOf(name)) === 'uid-2');
    // Who opens the pipe to write waits until the hook reads.
    await mustRun(['sh', '-c', `: >${pipe}; rm ${pipe}`]);
    expect((await made).json).toMatchObject({ code: 'apply_failed', rolled_back: true });
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

describe('an earlier leader of the same cluster', () => {
  test('is refused with `fenced` once a later one has changed the interface', async () => {
    const name = newName();
    await put(name, { owner: { ...MINE, term: 5 } });
    const refused = await put(name, { owner: { ...MINE, term: 4 } }, 1_300);
    expect(refused).toMatchObject({ status: 409, json: { code: 'fenced', details: ['5'] } });
    expect((await read(name)).spec.mtu).toBe(1_400);
  });

  test.each<[string, PutOptions]>([
    ['of the same term', { owner: { ...MINE, term: 5 } }],
    ['of a later term', { owner: { ...MINE, term: 6 } }],
    ['of another cluster, which counts its own terms', { owner: { ...MINE, cluster: 'restored', term: 1 } }],
    ['that names the owner it overrules', { owner: { ...MINE, term: 1 }, replaces: MINE.id }],
    ['without an election', { owner: MINE }],
  ])('is none: one %s', async (_, options) => {
    const name = newName();
    await put(name, { owner: { ...MINE, term: 5 } });
    expect((await put(name, options, 1_300)).status).toBe(200);
  });
});

describe('a key that the host has already', () => {
  const keep = (name: string, publicKey: string): Promise<Reply> =>
    agent.call({
      method: 'PUT',
      path: `/v1/wg/${name}/config`,
      body: { private_key: '', mtu: 1_300, options: { keep_key: publicKey } },
    });
  const publicKey = publicKeyOf(new Secret(key));

  test('stays where it is named by its public half, and need not be sent', async () => {
    const name = newName();
    await put(name, {});
    expect(await keep(name, publicKey)).toMatchObject({ status: 200 });
    expect(await read(name)).toMatchObject({ public_key: publicKey, spec: { mtu: 1_300 } });
    expect(await agent.read(name)).toContain(key);
  });

  test('of another name is no such key: the caller must look again', async () => {
    const name = newName();
    await put(name, {});
    const other = publicKeyOf(new Secret(newPrivateKey()));
    expect(await keep(name, other)).toMatchObject({ status: 409, json: { code: 'digest_mismatch' } });
  });

  test('is not there where there is no file', async () => {
    expect(await keep(newName(), publicKey)).toMatchObject({ status: 409, json: { code: 'digest_mismatch' } });
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
