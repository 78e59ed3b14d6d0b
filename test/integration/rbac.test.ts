import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { repositoryPath } from '../support/lab/repository.ts';
import { mustRun, run } from '../support/lab/run.ts';
import { type Lab, startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { until } from '../support/until.ts';

/** What somebody may do or has done: `patch wgnode.dev/wireguardnodes/status`. */
type Right = string;

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}
interface Role {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const rightsIn = (file: string): Right[] =>
  (loadAll(readFileSync(repositoryPath(file), 'utf8')) as Role[]).flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );

describe('S9 the controller does all that its roles allow, and nothing else', () => {
  let lab: Lab;
  let fleet: ModelFleet;
  beforeAll(async () => {
    lab = await startLab({ hosts: [], kubeOnly: true });
    fleet = await ModelFleet.make(lab, 1);
    await lab.controller.start({ args: [...ModelFleet.ARGS, '--leader-elect'] });
    await fleet.namespace('edge');
  });
  afterAll(async () => {
    await fleet.stop();
    await lab.stop();
  });

  const asked = (): { readonly right: Right; readonly code: number }[] =>
    readFileSync(lab.kube.auditLog, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditEvent)
      .flatMap(({ verb, objectRef, responseStatus }) => {
        if (objectRef === undefined) return [];
        const { apiGroup = '', resource, subresource } = objectRef;
        const name = subresource === undefined ? resource : `${resource}/${subresource}`;
        return [{ right: `${verb} ${apiGroup}/${name}`, code: responseStatus?.code ?? 0 }];
      });

  test('every rule is used, and no call is refused', async () => {
    const allowed = ['manifests/base/clusterrole.yaml', 'manifests/base/role.yaml'].flatMap(rightsIn);
    await fleet.create(fleet.node('edge/one', fleet.agents.urlOf('h0'), { management: { deletionPolicy: 'Remove' } }));
    await fleet.untilReady('edge/one');
    // The same event again and again is counted.
    for (const mtu of [1300, 1310, 1320]) {
      await fleet.agents.drift('h0', mtu);
      await until('the drift to be put right', async () => (await fleet.agents.mtuOf('h0')) === 1400);
    }
    await fleet.delete('edge/one');
    await until('the object to be gone', async () => !(await fleet.exists('edge/one')));
    const unused = (): Right[] => allowed.filter((right) => !asked().some((each) => each.right === right));
    await until('every rule to be used', () => unused().length === 0).catch(() => undefined);
    expect(unused()).toEqual([]);
    expect(asked().filter(({ code }) => code === 403)).toEqual([]);
    expect(asked().filter(({ right }) => !allowed.includes(right))).toEqual([]);
  });

  test('hack/kubeconfig gives a controller outside the cluster these rights, and no others', async () => {
    const assets = (await mustRun([repositoryPath('hack/kube-assets')])).trim();
    const env = {
      PATH: `${assets}:${process.env['PATH'] ?? ''}`,
      HOME: lab.folder,
      KUBECONFIG: lab.kube.adminKubeconfig,
    };
    const file = join(lab.folder, 'outside.kubeconfig');
    await mustRun([repositoryPath('hack/kubeconfig'), '--install', '--duration', '1h', '--out', file], { env });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const canI = async (...args: readonly string[]): Promise<string> =>
      (await run(['kubectl', '--kubeconfig', file, 'auth', 'can-i', ...args, '-A'], { env })).stdout.trim();
    expect(await canI('watch', 'wireguardnodes')).toBe('yes');
    expect(await canI('delete', 'wireguardnodes')).toBe('no');
    expect(await canI('create', 'secrets')).toBe('no');
  });
});
