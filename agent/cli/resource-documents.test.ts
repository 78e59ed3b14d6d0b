import { describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { newPrivateKey } from '../../test/support/canary.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { agentSecret, documentsOf, hostName, type Naming, type Source, yamlOf } from './resource-documents.ts';

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

  const nodeNames = (...names: readonly string[]): Record<string, string> => {
    const nodes = objects(...names.map((name) => source(name, ''))).filter(({ kind }) => kind === 'WireGuardNode');
    return Object.fromEntries(
      names.map((name, index) => [name, (nodes[index]?.['metadata'] as { name: string }).name]),
    );
  };

  const COLLIDING = ['wg0', 'WG0', 'wg_0', 'wg-0', 'wg.0', 'WG.0', 'wg-', 'wg', 'wg--0', 'agent', 'agent-key'];

  test('no two objects have one name, whatever the interfaces are called', () => {
    const own = objects(...COLLIDING.map((name) => source(name, ''))).map(
      ({ kind, metadata }) => `${String(kind)} ${(metadata as { name: string }).name}`,
    );
    const { object } = agentSecret(NAMING, { hmacKey: 'x'.repeat(32), ca: null });
    const all = [...own, `Secret ${(object as { metadata: { name: string } }).metadata.name}`];
    expect(new Set(all).size).toBe(all.length);
  });

  test('no two objects have one name, whatever hosts and interfaces are called that are split otherwise', () => {
    const pairs = ['fra1 a-wg0', 'fra1-a wg0', 'fra1 a-wg-0', 'fra1-a wg-0', 'fra1-a-wg 0', 'fra1-a wg_0'];
    const nameOf = (host: string, name: string): string => {
      const [, node] = documentsOf({ ...NAMING, host }, [source(name, '')]);
      return (node?.object as { metadata: { name: string } }).metadata.name;
    };
    const names = pairs.map((pair) => nameOf(pair.split(' ')[0] ?? '', pair.split(' ')[1] ?? ''));
    expect(new Set(names).size).toBe(pairs.length);
    // An interface that is called as the hash of another.
    const [, hash = ''] = /-([0-9a-f]{6})$/.exec(nameOf('fra1', 'wg-0')) ?? [];
    expect(nameOf('fra1-wg-0', hash)).not.toBe(nameOf('fra1', 'wg-0'));
    expect([nameOf('fra1', 'wg0'), nameOf('fra-1', 'office2')]).toEqual(['fra1-wg0', 'fra-1-office2']);
  });

  test('an object has its name whatever others are printed with it', () => {
    const all = nodeNames(...COLLIDING);
    for (const name of COLLIDING) expect(nodeNames(name)).toEqual({ [name]: all[name] });
    expect(nodeNames(...COLLIDING.toReversed())).toEqual(all);
  });

  test('names are those that the CRD takes, the longest, too', () => {
    const long = { ...NAMING, host: hostName('h'.repeat(80)) };
    const [, node] = documentsOf(long, [source('A23456789012345', '')]);
    const { name } = (node?.object as { metadata: { name: string } }).metadata;
    expect(name).toMatch(/^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  });

  test('an interface that is given twice is refused, and named', () => {
    expect(() => objects(source('wg0', ''), source('wg1', ''), source('wg0', ''))).toThrow(/interface wg0 .*twice/);
  });

  test.each([
    ['fra1', 'fra1'],
    ['Fra1.Example', 'fra1-example'],
    ['-x-', 'x'],
    ['h'.repeat(38), 'h'.repeat(38)],
  ])('the host %j is %s in names', (text, name) => {
    expect(hostName(text)).toBe(name);
  });

  test('hosts with a long name that differ at its end alone have different names', () => {
    const names = ['a', 'b'].map((end) => hostName(`gke-cluster-of-production-default-pool-${end}`));
    expect(new Set(names).size).toBe(2);
    expect(names.every((name) => name.length <= 38)).toBe(true);
  });

  test('a host without a letter or digit is refused', () => {
    expect(() => hostName('___')).toThrow('--name');
  });
});
