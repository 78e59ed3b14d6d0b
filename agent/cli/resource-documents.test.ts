import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { newPrivateKey } from '../../test/support/canary.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { agentSecret, documentsOf, type Naming, objectName, type Source, yamlOf } from './resource-documents.ts';

const NAMING: Naming = { namespace: 'edge', host: 'fra1', mode: 'Observe', url: 'https://fra1.example.net:8443' };
const KEY = newPrivateKey();
const source = (name: string, lines: string, key = KEY): Source => ({
  name,
  file: interfaceOf(parseDocument(`[Interface]\n${key === '' ? '' : `PrivateKey = ${key}\n`}${lines}`)),
  ...{ state: 'up', observed: null, drift: [], remarks: [] },
});
const objects = (...sources: readonly Source[]): Record<string, unknown>[] =>
  loadAll(yamlOf(documentsOf(NAMING, sources))) as Record<string, unknown>[];

describe('the objects of an interface', () => {
  test('say what the file says, and hold the key in a Secret alone', () => {
    const [secret, node] = objects(source('wg0', 'Address = 10.0.0.1/24\nTable = off\nFwMark = 0x1\nPostUp = true\n'));
    expect(secret).toMatchObject({
      kind: 'Secret',
      metadata: { name: 'fra1-wg0-key' },
      stringData: { privateKey: KEY },
    });
    expect(node).toMatchObject({
      metadata: { name: 'fra1-wg0', namespace: 'edge' },
      spec: {
        agent: { url: NAMING.url, secretRef: { name: 'fra1-agent' } },
        interface: {
          ...{ name: 'wg0', state: 'Up', privateKeySecretRef: { name: 'fra1-wg0-key' } },
          ...{ addresses: ['10.0.0.1/24'], table: 'None', fwMark: 1, postUp: ['true'] },
        },
        management: { mode: 'Observe' },
      },
    });
    expect(JSON.stringify(node)).not.toContain(KEY);
  });

  test('fields that the file has not are none of the object', () => {
    const [, node] = objects(source('wg0', ''));
    const { interface: own } = (node as { spec: { interface: object } }).spec;
    expect(Object.keys(own)).toEqual(['name', 'state', 'privateKeySecretRef']);
  });

  test.each([
    ['Table = vpn\n', 'spec.interface.table'],
    ['MTU = 20\n', 'spec.interface.mtu'],
    ['Address = 10.0.0.300/24\n', 'spec.interface.addresses'],
  ])('what cannot be said (%j) is left out, and told with the change that it means', (lines, path) => {
    const text = yamlOf(documentsOf(NAMING, [source('wg0', lines)]));
    expect(text).toContain(`# cannot be said: ${path}`);
    expect(text).toContain(`# would change: ${path}`);
  });

  test('a file without a key makes no Secret, and says so', () => {
    const text = yamlOf(documentsOf(NAMING, [source('wg0', 'Address = 10.0.0.1/24\n', '')]));
    expect(text).not.toContain('kind: Secret');
    expect(text).toContain('# wg0: the file has no private key: make the Secret fra1-wg0-key by hand');
  });

  test('no two objects have one name, whatever the interfaces are called', () => {
    const names = ['wg_0', 'wg-0', 'WG.0', 'agent', 'agent-key'].map((name) => source(name, ''));
    const own = objects(...names).map(({ kind, metadata }) => `${String(kind)} ${(metadata as { name: string }).name}`);
    const { object } = agentSecret(NAMING, { hmacKey: 'x'.repeat(32), ca: null });
    const all = [...own, `Secret ${(object as { metadata: { name: string } }).metadata.name}`];
    expect(new Set(all).size).toBe(all.length);
  });

  test.each([
    [['fra1', 'wg0'], 'fra1-wg0'],
    [['Fra1.Example', 'WG_0'], 'fra1-example-wg-0'],
    [['-x-', '='], 'x'],
    [['h'.repeat(80), 'wg0'], 'h'.repeat(55)],
  ])('objectName %j', (parts, name) => {
    expect(objectName(...parts)).toBe(name);
  });
});
