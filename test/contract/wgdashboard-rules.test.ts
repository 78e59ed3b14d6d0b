import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { publicKeyOf } from '../../agent/protocol/key.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { EMPTY_CONFIG } from '../../agent/protocol/wgquick/config.ts';
import { putFromConfig } from '../../agent/protocol/wgquick/wire.ts';
import { createDrivers } from '../../controller/drivers/drivers.ts';
import { bodyOf } from '../../controller/drivers/wgdashboard/plan-change.ts';
import { unreachableRows } from '../../controller/policy/condition-rows.ts';
import { differencesOf } from '../../controller/policy/differences.ts';
import { STATUS_SCHEMA } from '../../controller/api/wireguardnode-status.generated.ts';
import { newPrivateKey } from '../support/canary.ts';
import { makeCertificateAuthority } from '../support/lab/certificate-authority.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { nodeWith } from '../support/node-builder.ts';
import { CALLS, NAME, OldScene } from './support/old-host.ts';
import { LOOPBACK_GUARD } from './support/test-client.ts';

// `agent-contract` section 8, N25 to N31: faults of the panel as requirements for our controller and its tests; and the way to an old agent.

let scene: OldScene;
beforeEach(async () => {
  scene = await new OldScene().start();
});
afterEach(() => scene.stop());

test('N25 every PUT names every field, address and table too', () => {
  const { config } = scene.desired();
  for (const body of [putFromConfig(config), bodyOf(config) ?? {}])
    expect(Object.keys(body)).toEqual(
      expect.arrayContaining(['address', 'table', 'dns', 'mtu', 'post_up', 'pre_down']),
    );
  expect(Object.keys(putFromConfig(config))).toEqual(Object.keys(putFromConfig(EMPTY_CONFIG)));
});

test('N26 no peer is "unknown", and keys and settings of the interface are compared', async () => {
  const alice = publicKeyOf(new Secret(newPrivateKey()));
  await scene.running();
  scene.host.addPeer(NAME, alice, { psk: newPrivateKey() });
  const desired = { ...new OldScene().desired({ mtu: 1300 }), name: NAME, publicKey: '', specHash: '' };
  const paths = differencesOf(desired, await scene.look()).map(({ path }) => path);
  expect(paths).toEqual(['spec.interface.privateKeySecretRef', 'spec.interface.mtu']);
  await scene.apply(desired);
  expect([...(scene.host.devices.get(NAME)?.peers.values() ?? [])]).toHaveLength(1);
});

test('N27 no call about single peers is ever made', async () => {
  await scene.running(scene.fileText('', `\n[Peer]\nPublicKey = ${publicKeyOf(new Secret(newPrivateKey()))}\n`));
  scene.host.addPeer(NAME, publicKeyOf(new Secret(newPrivateKey())));
  await scene.apply(scene.desired({ mtu: 1300 }));
  await scene.driver.setState('down', CALLS);
  await scene.driver.remove(CALLS);
  expect(scene.takeRequests().filter((request) => request.includes('/peers'))).toEqual([]);
});

test('N28 status has no place for a secret, under whatever name', () => {
  const names = (schema: object): string[] =>
    Object.entries(schema).flatMap(([name, part]: [string, unknown]) =>
      typeof part === 'object' && part !== null ? [name, ...names(part)] : [],
    );
  expect(names(STATUS_SCHEMA).filter((name) => /private|preshared|secret|encrypted/i.test(name))).toEqual([]);
});

test('N29 there is one version of the kind: no migration is promised that does not happen', () => {
  const crd = load(readFileSync(repositoryPath('crds/wireguardnodes.wgnode.dev.yaml'), 'utf8')) as {
    spec: { versions: { storage: boolean; served: boolean }[]; conversion?: object };
  };
  expect(crd.spec.versions.map(({ storage, served }) => ({ storage, served }))).toEqual([
    { storage: true, served: true },
  ]);
  expect(crd.spec.conversion).toBeUndefined();
});

test('N30 a host that does not answer is no contact, and nothing is said to be in sync by what was known before', async () => {
  await scene.running();
  await scene.stop();
  const observed = await scene.driver.observe(undefined, CALLS);
  if (observed.kind !== 'unreachable') throw new Error(observed.kind);
  const context = { node: nodeWith(), nowMs: Date.now(), failures: 1 };
  expect(unreachableRows(observed, context).map(([type, status]) => `${type} ${status}`)).toEqual([
    ...['Ready Unknown', 'Reachable False', 'Synced Unknown', 'Reconciling True'],
  ]);
  scene = await new OldScene().start();
});

test('N31 no test replaces the transport: requests go to an agent', () => {
  const files = readdirSync(repositoryPath('test/contract'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('rules.test.ts'))
    .map((file) => readFileSync(join(repositoryPath('test/contract'), file), 'utf8'));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((text) => /jest\.(?:unstable_)?mock|MockAgent|setGlobalDispatcher/.test(text))).toEqual([]);
});

describe('through a proxy with TLS', () => {
  test('an old agent is driven as it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wgnode-old-proxy-'));
    const authority = await makeCertificateAuthority(join(folder, 'ca'), 'proxy CA');
    const { certFile, keyFile } = await authority.issue('proxy', '127.0.0.1');
    const tls = { cert: await readFile(certFile), key: await readFile(keyFile) };
    const proxy = createServer(tls, (request, response) => {
      const { method, url, headers } = request;
      const through = httpRequest({ port: scene.port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(through);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
    const drivers = createDrivers({ guard: LOOPBACK_GUARD, now: Date.now, called: () => undefined });
    const node = nodeWith(({ spec }) => {
      spec.agent.url = url;
      spec.interface.name = NAME;
    });
    const credentials = { 'hmac-key': new Secret(scene.secret), 'ca.crt': new Secret(authority.pem) };
    const driver = drivers.open(node, new Map(Object.entries(credentials)));
    await scene.running();
    const observed = await driver.observe(undefined, CALLS);
    expect(observed).toMatchObject({ observation: { agent: { name: 'WGDashboard node agent' } } });
    const claim = { id: 'uid', name: 'edge/one', cluster: '' };
    const limits = { ...CALLS, revision: undefined, maxImpact: 'Restart', claim, replaces: undefined } as const;
    expect(await driver.apply(scene.desired({ mtu: 1300 }), limits)).toMatchObject({ kind: 'applied' });
    expect(scene.host.file(NAME)).toContain('MTU = 1300');
    await drivers.close();
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    await rm(folder, { recursive: true });
  });
});

describe('a connection that breaks', () => {
  test('7.7 under a PUT: it is not sent again before the host was read', async () => {
    await scene.running();
    await scene.look();
    let puts = 0;
    scene.breakOn((request) => {
      if (!request.startsWith('PUT')) return false;
      puts += 1;
      return true;
    });
    expect(await scene.apply(scene.desired({ mtu: 1300 }))).toMatchObject({ kind: 'failed', restored: true });
    expect(puts).toBe(1);
  });

  test('under a read: it is asked again at once', async () => {
    await scene.running();
    let isFirst = true;
    scene.breakOn((request) => {
      const breaks = isFirst && request.endsWith('/config');
      if (breaks) isFirst = false;
      return breaks;
    });
    expect((await scene.look()).peerCount).toBe(0);
  });
});
