import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient } from '../../controller/cluster/kube-client.ts';
import { type CertificateAuthority, makeCertificateAuthority } from '../support/lab/certificate-authority.ts';
import { until } from '../support/until.ts';

let folder: string;
let server: Server | undefined;
let port = 0;
/** By how much the clock of the client was put forward. */
let passedMs = 0;
let client: KubeClient;
/** The token that the server takes. */
let token = 'first';

/** A server with a certificate of this authority, at the same port each time. */
async function serve(authority: CertificateAuthority): Promise<void> {
  const { certFile, keyFile } = await authority.issue(`api-${String(Math.random()).slice(2)}`, '127.0.0.1');
  const tls = { cert: await readFile(certFile), key: await readFile(keyFile) };
  const next = createServer(tls, ({ headers }, response) => {
    const isKnown = headers.authorization === `Bearer ${token}`;
    response.writeHead(isKnown ? 200 : 401, {
      'content-type': 'application/json',
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    });
    response.end(isKnown ? '{"ok":true}' : '{"reason":"Unauthorized"}');
  });
  server?.closeAllConnections();
  server?.close();
  server = next;
  await new Promise<void>((resolve) => next.listen({ host: '127.0.0.1', port }, resolve));
  ({ port } = next.address() as AddressInfo);
}

const kubeconfigWith = async (authority: CertificateAuthority, own: string): Promise<void> => {
  await writeFile(join(folder, 'ca.crt'), authority.pem);
  await writeFile(join(folder, 'token'), own);
  const config = {
    clusters: [
      {
        name: 'c',
        cluster: { server: `https://127.0.0.1:${String(port)}`, 'certificate-authority': join(folder, 'ca.crt') },
      },
    ],
    users: [{ name: 'u', user: { token: own } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(join(folder, 'kubeconfig'), JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
};

const get = (): Promise<unknown> => client.request({ method: 'GET', path: '/api' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wgnode-contract-kube-'));
  [token, port, passedMs] = ['first', 0, 0];
});
afterEach(async () => {
  await client.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function begin(): Promise<CertificateAuthority> {
  const authority = await makeCertificateAuthority(join(folder, 'one'), 'first CA');
  await serve(authority);
  await kubeconfigWith(authority, token);
  const loadConfig = (): KubeConfig => {
    const config = new KubeConfig();
    config.loadFromFile(join(folder, 'kubeconfig'));
    return config;
  };
  client = await createKubeClient({ loadConfig, answered: () => undefined, nowMs: () => performance.now() + passedMs });
  expect(await get()).toEqual({ ok: true });
  return authority;
}

describe('what the API server is known by is read again', () => {
  test('C15 when it moves to a certificate of another authority', async () => {
    await begin();
    const next = await makeCertificateAuthority(join(folder, 'two'), 'next CA');
    await kubeconfigWith(next, token);
    await serve(next);
    // A read within the last second is not repeated: nobody makes us read files all the time.
    await until(
      'the new authority to be trusted',
      async () =>
        get().then(
          () => true,
          () => false,
        ),
      { timeoutMs: 20_000 },
    );
  });

  test('C15 and an authority that nobody gave us is never trusted', async () => {
    await begin();
    await serve(await makeCertificateAuthority(join(folder, 'evil'), 'another CA'));
    for (let attempt = 0; attempt < 3; attempt += 1) await expect(get()).rejects.toThrow();
  });

  test('... and while the file cannot be read, what was read before serves', async () => {
    await begin();
    await writeFile(join(folder, 'kubeconfig'), 'clusters: [');
    passedMs = 61_000;
    for (let attempt = 0; attempt < 3; attempt += 1) expect(await get()).toEqual({ ok: true });
  });

  test('a token that is not taken any more is read again at once', async () => {
    const authority = await begin();
    token = 'second';
    await kubeconfigWith(authority, token);
    await until(
      'the new token to be taken',
      async () =>
        get().then(
          () => true,
          () => false,
        ),
      { timeoutMs: 20_000 },
    );
  });
});

test('the clock of the API server is known by its answers', async () => {
  await begin();
  expect(Math.abs(client.clockOffsetMs() - (Date.parse('2026-01-01T00:00:00Z') - Date.now()))).toBeLessThan(60_000);
});
