import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { repositoryPath } from '../support/lab/repository.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { until } from '../support/until.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Kinds of others, by the plural of each: their own schemas are not ours to test, that the API server takes our objects of them is. */
const FOREIGN: readonly (readonly [group: string, version: string, kind: string, plural: string])[] = [
  ['argoproj.io', 'v1alpha1', 'Application', 'applications'],
  ['bitnami.com', 'v1alpha1', 'SealedSecret', 'sealedsecrets'],
  ['external-secrets.io', 'v1', 'ExternalSecret', 'externalsecrets'],
  ['kustomize.toolkit.fluxcd.io', 'v1', 'Kustomization', 'kustomizations'],
  ['monitoring.coreos.com', 'v1', 'PodMonitor', 'podmonitors'],
  ['monitoring.coreos.com', 'v1', 'PrometheusRule', 'prometheusrules'],
  ['monitoring.coreos.com', 'v1alpha1', 'ScrapeConfig', 'scrapeconfigs'],
];

const crdOf = ([group, version, kind, plural]: (typeof FOREIGN)[number]): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    ...{ group, scope: 'Namespaced' },
    names: { kind, plural },
    versions: [
      {
        ...{ name: version, served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

const EXAMPLES = ['manifests/examples', 'manifests/examples/gitops'].flatMap((folder) =>
  readdirSync(repositoryPath(folder))
    // A configuration of sops, and no object.
    .filter((name) => name.endsWith('.yaml') && name !== 'sops-config.yaml')
    .map((name) => `${folder}/${name}`),
);

describe('GitOps', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    await lab.kube.install();
    for (const name of ['edge', 'argocd', 'flux-system']) await lab.kube.mustKubectl(['create', 'namespace', name]);
    await lab.kube.mustKubectl(['apply', '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: FOREIGN.map(crdOf) }),
    });
    for (const [group, , , plural] of FOREIGN)
      await lab.kube.mustKubectl(['wait', '--for=condition=Established', `crd/${plural}.${group}`, '--timeout=60s']);
    await until('the new kinds to be served', async () =>
      (await lab.kube.mustKubectl(['api-resources', '--api-group=monitoring.coreos.com'])).includes('ScrapeConfig'),
    );
  });
  afterAll(() => lab.stop());

  test.each(EXAMPLES)(
    'apply, get, diff of %s is empty, by the client and by the server: nothing needs ignoreDifferences',
    async (path) => {
      const file = repositoryPath(path);
      for (const side of [[], ['--server-side', '--force-conflicts']]) {
        await lab.kube.mustKubectl(['apply', ...side, '-f', file]);
        expect(await lab.kube.kubectl(['diff', ...side, '-f', file])).toMatchObject({ exitCode: 0, stdout: '' });
      }
      // The next one may be the same object, said otherwise.
      await lab.kube.mustKubectl(['delete', '-f', file, '--wait=false']);
    },
  );

  test.each(['default', 'ha'])('the component monitoring goes on top of the overlay %s', async (overlay) => {
    const folder = join(lab.folder, `monitoring-${overlay}`);
    mkdirSync(folder, { recursive: true });
    const [base, own] = [`manifests/overlays/${overlay}`, 'manifests/components/monitoring'].map((each) =>
      relative(realpathSync(folder), realpathSync(repositoryPath(each))),
    );
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: [base], components: [own] }));
    const text = await lab.kube.mustKubectl(['kustomize', folder]);
    const kinds = (loadAll(text) as Manifest[]).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['PodMonitor', 'PrometheusRule', 'ScrapeConfig', 'ConfigMap']));
    await lab.kube.mustKubectl(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'], {
      stdin: text,
    });
  });

  test('the component for Argo CD goes on top of its ConfigMap, and changes nothing else of it', async () => {
    const folder = join(lab.folder, 'argocd');
    mkdirSync(folder, { recursive: true });
    const base = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: 'argocd' },
      data: { url: 'https://argocd.example.net' },
    };
    writeFileSync(join(folder, 'cm.yaml'), JSON.stringify(base));
    const own = relative(realpathSync(folder), realpathSync(repositoryPath('manifests/argocd')));
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: ['cm.yaml'], components: [own] }));
    const [map] = loadAll(await lab.kube.mustKubectl(['kustomize', folder])) as {
      readonly data: Readonly<Record<string, string>>;
    }[];
    const script = readFileSync(
      repositoryPath('manifests/argocd/resource_customizations/wgnode.dev/WireGuardNode/health.lua'),
      'utf8',
    );
    expect(map?.data).toMatchObject({
      url: 'https://argocd.example.net',
      'resource.customizations.health.wgnode.dev_WireGuardNode': script,
    });
    await lab.kube.mustKubectl(['apply', '-f', '-'], { stdin: JSON.stringify(base) });
    await lab.kube.mustKubectl([
      '-n',
      'argocd',
      'patch',
      'configmap',
      'argocd-cm',
      '--type=merge',
      `--patch-file=${repositoryPath('manifests/argocd/argocd-cm.yaml')}`,
    ]);
    const { data } = JSON.parse(
      await lab.kube.mustKubectl(['-n', 'argocd', 'get', 'cm', 'argocd-cm', '-o', 'json']),
    ) as { readonly data: unknown };
    expect(data).toEqual(map?.data);
  });
});
