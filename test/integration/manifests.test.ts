import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadAll } from 'js-yaml';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import { until } from '../support/until.ts';

const CONTROLLER = 'system:serviceaccount:wgnode-system:wgnode-controller';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly Rule[];
}

function mkdir(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

describe('what manifests/ ships', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    await lab.kube.install();
  });
  afterAll(() => lab.stop());

  const rendered = (folder: string): Promise<string> => lab.kube.mustKubectl(['kustomize', folder]);
  const isTaken = async (text: string): Promise<void> => {
    const { exitCode, stderr } = await lab.kube.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      { stdin: text },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  };
  const objectsOf = (text: string): Manifest[] => loadAll(text) as Manifest[];

  test.each([
    ['manifests', 12],
    ['manifests/overlays/default', 12],
    ['manifests/overlays/namespaced', 14],
    ['manifests/overlays/ha', 13],
  ])('kubectl kustomize renders %s and the API server accepts every object', async (folder, count) => {
    await lab.kube.kubectl(['create', 'namespace', 'edge']);
    const text = await rendered(repositoryPath(folder));
    expect(objectsOf(text)).toHaveLength(count);
    await isTaken(text);
  });

  test.each(['networkpolicy', 'secrets-get-only'])(
    'the component %s goes on top of each overlay',
    async (component) => {
      for (const overlay of ['default', 'ha', 'namespaced']) {
        if (component === 'secrets-get-only' && overlay === 'namespaced') continue;
        const folder = join(lab.folder, `${component}-${overlay}`);
        const [base, own] = [`manifests/overlays/${overlay}`, `manifests/components/${component}`].map((path) =>
          relative(realpathSync(mkdir(folder)), realpathSync(repositoryPath(path))),
        );
        writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: [base], components: [own] }));
        await isTaken(await rendered(folder));
      }
    },
  );

  test('the namespaced overlay has in its namespace the rules that the other has in the whole cluster', () => {
    const read = (path: string): Manifest[] => objectsOf(readFileSync(repositoryPath(path), 'utf8'));
    const [whole] = read('manifests/base/clusterrole.yaml');
    const [own] = read('manifests/overlays/namespaced/edge.yaml');
    expect(own?.rules).toEqual(whole?.rules?.filter(({ resourceNames }) => resourceNames === undefined));
  });

  test.each([
    ['https-only', { url: 'http://fra1.example.net' }, {}],
    ['agent-domains', { url: 'https://fra1.example.org' }, {}],
    ['no-hooks', {}, { postUp: ['true'] }],
  ])('the policy %s refuses what it should, and takes the example', async (policy, agent, own) => {
    const file = repositoryPath(`manifests/policies/${policy}.yaml`);
    const [example] = loadAll(
      readFileSync(repositoryPath('manifests/examples/wireguardnode-minimal.yaml'), 'utf8'),
    ) as [{ spec: { agent: object; interface: object } }];
    const { spec } = example;
    const bad = { ...example, spec: { agent: { ...spec.agent, ...agent }, interface: { ...spec.interface, ...own } } };
    const apply = (object: object): Promise<{ exitCode: number | null; stderr: string }> =>
      lab.kube.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], { stdin: JSON.stringify(object) });
    await lab.kube.kubectl(['create', 'namespace', 'edge']);
    await lab.kube.mustKubectl(['apply', '-f', file]);
    try {
      await until('the policy to be in force', async () => (await apply(bad)).exitCode !== 0);
      expect((await apply(bad)).stderr).toContain(`wgnode-${policy}`);
      expect(await apply(example)).toMatchObject({ exitCode: 0 });
    } finally {
      await lab.kube.mustKubectl(['delete', '-f', file]);
    }
  });

  test.each([
    ['get', 'wireguardnodes.wgnode.dev', '', true],
    ['watch', 'wireguardnodes.wgnode.dev', '', true],
    ['patch', 'wireguardnodes.wgnode.dev', 'status', true],
    ['patch', 'wireguardnodes.wgnode.dev', '', true],
    ['delete', 'wireguardnodes.wgnode.dev', '', false],
    ['create', 'wireguardnodes.wgnode.dev', '', false],
    ['get', 'secrets', '', true],
    ['create', 'secrets', '', false],
    ['update', 'secrets', '', false],
    ['create', 'events.events.k8s.io', '', true],
    ['get', 'configmaps', '', false],
    ['create', 'pods', '', false],
    ['get', 'nodes', '', false],
    ['get', 'leases.coordination.k8s.io', '', false],
    ['*', '*', '', false],
  ] as const)(
    'target S9: the controller asking to %s %s%s is answered as least privilege wants',
    async (verb, resource, subresource, allowed) => {
      const args = [
        'auth',
        'can-i',
        verb,
        resource,
        '-A',
        '--as',
        CONTROLLER,
        ...(subresource === '' ? [] : [`--subresource=${subresource}`]),
      ];
      const { stdout } = await lab.kube.kubectl(args);
      expect(stdout.trim()).toBe(allowed ? 'yes' : 'no');
    },
  );
});
