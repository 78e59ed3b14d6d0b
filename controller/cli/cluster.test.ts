import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { repositoryPath } from '../../test/support/lab/repository.ts';
import { parseArguments } from './arguments.ts';
import { KubeError } from '../cluster/kube-client.ts';
import { connect, explainError } from './cluster.ts';

const TOKEN = 'eyJhbGciOiJSUzI1NiIsIm';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wgnode-kubeconfig-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ofPlugin = (path: string): Promise<string> =>
  connect(parseArguments(['get', '--kubeconfig', path]), AbortSignal.abort()).then(
    () => 'connected',
    (error: unknown) => (error as Error).message,
  );

const ofController = (path: string): Promise<string> =>
  Promise.resolve(
    spawnSync(process.execPath, [repositoryPath('controller/main.ts'), '--kubeconfig', path], { encoding: 'utf8' })
      .stderr,
  );

test.each([
  ['the plugin', ofPlugin],
  ['the controller', ofController],
])(
  'of a kubeconfig with a mistake %s tells file and line, and nothing that stands in it',
  async (_, messageOf) => {
    const path = join(folder, 'config');
    writeFileSync(path, `apiVersion: v1\nusers:\n- name: a\n  user: {token: ${TOKEN}\nclusters: []\n`);
    const message = await messageOf(path);
    expect(message).toContain(`Cannot read the kubeconfig ${path}: it is not valid YAML: see line 5`);
    expect(message).not.toContain(TOKEN);
    expect(message.trim()).not.toContain('\n');
  },
  60_000,
);

test.each([
  ['nodes', /names stand without their kind/],
  ['wireguardnodes', /names stand without their kind/],
  ['wgn', /names stand without their kind/],
  ['fra1-wg0', /see kubectl wgnode get -A/],
])('an object %s that is not there is told with what to do', (name, message) => {
  const error = new KubeError(`GET /apis/wgnode.dev/v1alpha1/namespaces/a/wireguardnodes/${name}`, 404, 'NotFound');
  expect(explainError(error, { namespace: 'a', server: 'https://b' })).toMatch(message);
});
