import { readFile } from 'node:fs/promises';
import { findLeaks, type NamedText } from './canary.ts';
import { Fleet } from './fleet.ts';
import { type Lab, startLab } from './lab/start-lab.ts';

/** A lab with CRD and RBAC, a fleet of hosts with running agents, and a running controller: where an e2e test starts. */
export interface Scene {
  readonly lab: Lab;
  readonly fleet: Fleet;
  /** Every place where a secret could have come out, read now. */
  readonly leaks: () => Promise<string[]>;
}

/** Whether the big numbers are asked for (`hack/test full`). */
export const isFull = process.env['WGNODE_TEST_SIZE'] === 'full';

export async function openScene(hosts: readonly string[]): Promise<Scene> {
  const lab = await startLab({ hosts });
  try {
    await lab.kube.install();
    const fleet = await Fleet.make(lab);
    await lab.controller.start({ args: ['--log-level', 'debug'] });
    return { lab, fleet, leaks: () => leaksOf(lab) };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** Every canary that came out anywhere: logs, objects, events, metrics, arguments and environments of our programs. */
export const leaksOf = async (lab: Lab): Promise<string[]> => findLeaks(await readSinks(lab));

async function readSinks(lab: Lab): Promise<NamedText[]> {
  const files = await Promise.all(
    lab.outputs().map(async (path) => ({ name: path, text: await readFile(path, 'utf8').catch(() => '') })),
  );
  const objects = await lab.kube.mustKubectl([
    'get',
    'wgn,events,events.events.k8s.io',
    '-A',
    '-o',
    'yaml',
    '--show-managed-fields',
  ]);
  const pids = [lab.controller.pid, ...[...lab.hosts.values()].map(({ agent }) => agent.pid)].filter(
    (pid) => pid !== undefined,
  );
  const processes = await Promise.all(
    pids.flatMap((pid) =>
      ['cmdline', 'environ'].map(async (file) => ({
        name: `${file} of ${String(pid)}`,
        text: await readFile(`/proc/${String(pid)}/${file}`, 'utf8').catch(() => ''),
      })),
    ),
  );
  const metrics = lab.controller.running ? await lab.controller.metricsText() : '';
  return [...files, ...processes, { name: 'objects and events', text: objects }, { name: 'metrics', text: metrics }];
}
