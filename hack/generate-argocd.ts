import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dump } from 'js-yaml';

/** The patch of Argo CD's ConfigMap, with the very scripts of the contribution layout: `node hack/generate-argocd.ts`, `--check`. */

const ROOT = new URL('../manifests/argocd/', import.meta.url).pathname;
const LAYOUT = join(ROOT, 'resource_customizations/wgnode.dev/WireGuardNode');
const NOTE = '# Made by hack/generate-argocd.ts from resource_customizations/. Do not edit.\n';

const read = (path: string): string => readFileSync(join(LAYOUT, path), 'utf8');
const actions = {
  'discovery.lua': read('actions/discovery.lua'),
  definitions: readdirSync(join(LAYOUT, 'actions'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'testdata')
    .map(({ name }) => ({ name, 'action.lua': read(`actions/${name}/action.lua`) })),
};
/** Of the status: what moves without anything that a person would look at. */
const quiet = { jsonPointers: ['/status/nextAttemptTime', '/status/consecutiveFailures'] };
const yaml = (value: object): string => dump(value, { lineWidth: -1, noRefs: true });
const patch = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-cm' },
  data: {
    'resource.customizations.health.wgnode.dev_WireGuardNode': read('health.lua'),
    'resource.customizations.actions.wgnode.dev_WireGuardNode': yaml(actions),
    'resource.customizations.ignoreResourceUpdates.wgnode.dev_WireGuardNode': yaml(quiet),
  },
};
const path = join(ROOT, 'argocd-cm.yaml');
const text = NOTE + yaml(patch);
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
if (!values.check) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('argocd-cm.yaml is not what the scripts say: run node hack/generate-argocd.ts');
  process.exitCode = 1;
}
