import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { repositoryPath } from '../support/lab/repository.ts';

const CONTROLLER = 'system:serviceaccount:wgnode-system:wgnode-controller';

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly strategy: object;
    readonly template: {
      readonly spec: {
        topologySpreadConstraints?: object;
        readonly containers: readonly { readonly args: string[] }[];
      };
    };
  };
}

describe('what manifests/ ships', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    await lab.kube.install();
  });
  afterAll(() => lab.stop());

  test.each([
    ['manifests', 9],
    ['manifests/ha', 2],
  ])('kubectl kustomize renders %s and the API server accepts every object', async (folder, least) => {
    const rendered = await lab.kube.mustKubectl(['kustomize', repositoryPath(folder)]);
    const { exitCode, stdout, stderr } = await lab.kube.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      { stdin: rendered },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(least);
  });

  test('the Deployment for two controllers differs from the other one in what two need, and in nothing else', () => {
    const deployment = (path: string): Deployment => load(readFileSync(repositoryPath(path), 'utf8')) as Deployment;
    const [one, two] = [deployment('manifests/deployment.yaml'), deployment('manifests/ha/deployment.yaml')];
    const [container] = two.spec.template.spec.containers;
    expect(container?.args.pop()).toBe('--leader-elect');
    delete two.spec.template.spec.topologySpreadConstraints;
    Object.assign(two.spec, { replicas: one.spec.replicas, strategy: one.spec.strategy });
    expect(two).toEqual(one);
  });

  test.each(readdirSync(repositoryPath('manifests/examples')).filter((name) => name.endsWith('.yaml')))(
    'the example %s is accepted',
    async (name) => {
      await lab.kube.kubectl(['create', 'namespace', 'edge']);
      const path = repositoryPath(`manifests/examples/${name}`);
      await lab.kube.mustKubectl(['apply', '--server-side', '--dry-run=server', '-f', path]);
    },
  );

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
