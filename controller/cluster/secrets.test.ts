import { beforeEach, describe, expect, test } from '@jest/globals';
import { HMAC_KEY } from '../../test/support/check-input.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { KEY, PUBLIC_KEY } from '../../test/support/observed-host.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';
import { createSecretReader, type SecretReader } from './secrets.ts';

const AGENT = 'edge/fra1-agent';
const WG = 'edge/fra1-wg0';
const OTHER_KEY = Buffer.alloc(32, 9).toString('base64');

interface Stored {
  readonly version: string;
  readonly data: Readonly<Record<string, string>>;
}

/** The Secrets of an API server, and what a watch knows of their versions. */
class Secrets implements Pick<KubeClient, 'request'> {
  readonly stored = new Map<string, Stored>();
  readonly seen = new Map<string, string>();
  readonly asked: string[] = [];
  /** The answer to every read, in place of a Secret. */
  status: number | undefined;

  /** Writes a Secret; the watch brings it at once, unless it lags. */
  put(key: string, version: string, data: Readonly<Record<string, string>>, { lags = false } = {}): void {
    this.stored.set(key, { version, data });
    if (!lags) this.seen.set(key, version);
  }

  request<T>({ path }: KubeRequest): Promise<T> {
    const [, namespace = '', name = ''] = /namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(path) ?? [];
    const key = `${namespace}/${name}`;
    this.asked.push(key);
    const secret = this.stored.get(key);
    const status = this.status ?? (secret === undefined ? 404 : undefined);
    if (status !== undefined) return Promise.reject(new KubeError('GET', status, ''));
    const entries = Object.entries(secret?.data ?? {}).map(([entry, text]) => [
      entry,
      Buffer.from(text).toString('base64'),
    ]);
    const data = Object.fromEntries(entries) as Record<string, string>;
    return Promise.resolve({ metadata: { resourceVersion: secret?.version }, data } as T);
  }

  reader(): SecretReader {
    const { signal } = new AbortController();
    return createSecretReader({ client: this, versionOf: (key) => this.seen.get(key), signal });
  }
}

let api: Secrets;
let reader: SecretReader;
beforeEach(() => {
  api = new Secrets();
  api.put(AGENT, '1', { 'hmac-key': HMAC_KEY, 'ca.crt': 'PEM' });
  api.put(WG, '1', { privateKey: `${KEY.reveal()}\n` });
  reader = api.reader();
});

const hmacOf = async (node = nodeWith()): Promise<string | undefined> => {
  const read = await reader.agent(node);
  return read.kind === 'found' ? read.data.get('hmac-key')?.reveal() : undefined;
};
const publicKeyOf = async (node = nodeWith()): Promise<string> => {
  const read = await reader.key(node);
  return read.kind === 'found' ? read.key.publicKey : read.kind;
};

describe('what is read', () => {
  test('of the Secret of an agent is what somebody uses, and nothing else', async () => {
    api.put(AGENT, '2', {
      'hmac-key': HMAC_KEY,
      'next-hmac-key': 'n',
      'ca.crt': 'c',
      'tls.crt': 't',
      'tls.key': 'k',
      notes: 'x',
    });
    const read = await reader.agent(nodeWith());
    const names = read.kind === 'found' ? [...read.data.keys()].sort() : [];
    expect(names).toEqual(['ca.crt', 'hmac-key', 'next-hmac-key', 'tls.crt', 'tls.key']);
  });

  test('of a private key is its public half alone', async () => {
    const read = await reader.key(nodeWith());
    if (read.kind !== 'found') throw new Error(read.kind);
    expect([read.key.publicKey, read.key.privateKey]).toEqual([PUBLIC_KEY, null]);
  });

  test('of a private key that is to be sent is all of it, read anew each time and without white space', async () => {
    const keys = [await reader.privateKey(nodeWith()), await reader.privateKey(nodeWith())];
    expect(keys.map((key) => key?.reveal())).toEqual([KEY.reveal(), KEY.reveal()]);
    expect(api.asked).toEqual([WG, WG]);
  });

  test.each([
    { name: 'a Secret that is not there', status: 404, kind: 'missing' },
    { name: 'a Secret that RBAC keeps from us', status: 403, kind: 'forbidden' },
  ])('of $name is that it is $kind', async ({ status, kind }) => {
    api.status = status;
    expect([(await reader.agent(nodeWith())).kind, (await reader.key(nodeWith())).kind]).toEqual([kind, kind]);
    expect(await reader.privateKey(nodeWith())).toBeUndefined();
  });

  test.each([500, 429])('of a server that fails (%d) is thrown', async (status) => {
    api.status = status;
    for (const read of [reader.agent(nodeWith()), reader.key(nodeWith()), reader.privateKey(nodeWith())])
      await expect(read).rejects.toMatchObject({ status });
  });

  test.each([
    { name: 'no key', data: { privateKey: 'bad' }, kind: 'no-key' },
    { name: 'another entry', data: { other: KEY.reveal() }, kind: 'no-entry' },
  ])('of a Secret with $name is $kind, and there is nothing to send', async ({ data, kind }) => {
    api.put(WG, '2', data);
    expect([await publicKeyOf(), await reader.privateKey(nodeWith())]).toEqual([kind, undefined]);
  });

  test('C13: of an answer that is no Secret is nothing', async () => {
    api.request = <T>() => Promise.resolve({ kind: 'Status' } as T);
    expect((await reader.agent(nodeWith())).kind).toBe('missing');
  });
});

describe('a Secret is read again', () => {
  test('not while the watch says that it has not changed', async () => {
    for (let round = 0; round < 3; round += 1) await Promise.all([hmacOf(), publicKeyOf()]);
    expect(api.asked.sort()).toEqual([AGENT, WG].sort());
  });

  test('gives the very same data, so that what was judged of it need not be judged again', async () => {
    const [first, second] = [await reader.agent(nodeWith()), await reader.agent(nodeWith())];
    expect(first.kind === 'found' && second.kind === 'found' && first.data === second.data).toBe(true);
  });

  test('when the watch says that it has', async () => {
    expect([await hmacOf(), await publicKeyOf()]).toEqual([HMAC_KEY, PUBLIC_KEY]);
    api.put(AGENT, '2', { 'hmac-key': 'another key for signatures' });
    api.put(WG, '2', { privateKey: OTHER_KEY });
    expect(await hmacOf()).toBe('another key for signatures');
    expect(await publicKeyOf()).not.toBe(PUBLIC_KEY);
    expect(api.asked).toHaveLength(4);
  });

  test('until the watch has caught up with what was read: the watch may lag', async () => {
    api.put(AGENT, '2', { 'hmac-key': 'newer than the watch' }, { lags: true });
    expect([await hmacOf(), await hmacOf()]).toEqual(['newer than the watch', 'newer than the watch']);
    expect(api.asked).toEqual([AGENT, AGENT]);
    api.seen.set(AGENT, '2');
    await hmacOf();
    expect(api.asked).toHaveLength(2);
  });

  test('one read serves all that ask at one time, and none that asks when it has changed since', async () => {
    const node = nodeWith();
    const [first, second] = [reader.agent(node), reader.agent(node)];
    api.put(AGENT, '2', { 'hmac-key': `${HMAC_KEY}2` });
    const third = reader.agent(node);
    expect(await second).toBe(await first);
    expect(await third).not.toBe(await first);
    expect(api.asked).toHaveLength(2);
  });

  test('always where there is no watch', async () => {
    api.seen.clear();
    for (let round = 0; round < 3; round += 1) await Promise.all([hmacOf(), publicKeyOf()]);
    expect(api.asked).toHaveLength(6);
  });

  test.each([404, 403])('always while it cannot be had (%d), and nothing of before is kept', async (status) => {
    expect(await hmacOf()).toBe(HMAC_KEY);
    api.status = status;
    api.seen.set(AGENT, '2');
    expect([await hmacOf(), await hmacOf()]).toEqual([undefined, undefined]);
    expect(api.asked).toHaveLength(3);
  });

  test('T9: when it was deleted, and when it was made anew with what it had', async () => {
    expect(await hmacOf()).toBe(HMAC_KEY);
    api.stored.delete(AGENT);
    api.seen.delete(AGENT);
    expect(await hmacOf()).toBeUndefined();
    api.put(AGENT, '9', { 'hmac-key': HMAC_KEY });
    expect(await hmacOf()).toBe(HMAC_KEY);
  });
});

test('the Secrets of one namespace are none of another’s business', async () => {
  await hmacOf();
  const stranger = nodeWith(({ metadata }) => {
    metadata.namespace = 'evil';
  });
  expect(await hmacOf(stranger)).toBeUndefined();
  expect(api.asked).toEqual([AGENT, 'evil/fra1-agent']);
});

test('two objects may name two entries of one Secret', async () => {
  api.put(WG, '2', { privateKey: KEY.reveal(), other: OTHER_KEY });
  const other: WireGuardNode = nodeWith(({ spec }) => {
    spec.interface.privateKeySecretRef.key = 'other';
  });
  const [own, another] = [await publicKeyOf(), await publicKeyOf(other)];
  expect([own, another]).not.toContain('no-entry');
  expect(own).not.toBe(another);
  expect([await publicKeyOf(), await publicKeyOf(other)]).toEqual([own, another]);
});

test('T14: no private key is kept: what the reader gives and holds shows none', async () => {
  const reads = [await reader.key(nodeWith()), await reader.agent(nodeWith())];
  expect(JSON.stringify(reads)).not.toContain(KEY.reveal());
  expect(api.asked).toEqual([WG, AGENT]);
});
