import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { repositoryPath } from '../support/lab/repository.ts';

const CONTROLLER = 'system:serviceaccount:wgnode-system:wgnode-controller';

describe('what manifests/ ships', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    await lab.kube.install();
  });
  afterAll(() => lab.stop());

  test('kubectl kustomize renders it and the API server accepts every object', async () => {
    const rendered = await lab.kube.mustKubectl(['kustomize', repositoryPath('manifests')]);
    const { exitCode, stdout, stderr } = await lab.kube.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      { stdin: rendered },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(9);
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
