import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inPool } from '../support/in-pool.ts';
import { labEnvironment } from '../support/lab/environment.ts';
import { freePorts } from '../support/lab/free-ports.ts';
import { startLab } from '../support/lab/start-lab.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { until } from '../support/until.ts';
import { CpuProfile, type Shares } from './cpu-profile.ts';
import { startProgram } from './program.ts';

// Where the controller spends its CPU: at its start, in the creation of objects, in checks of hosts that are in sync.

const [count = 300, restSeconds = 30] = process.argv.slice(2).map(Number);
/** So many rows of a table. */
const AREAS = 14;
const BUNDLE = 'dist/wgnode-controller.mjs';
const NAMESPACE = 'profile';
const folder = mkdtempSync(join(tmpdir(), 'wgnode-profile-'));
const lab = await startLab({ hosts: [], kubeOnly: true });
const fleet = await ModelFleet.make(lab, count);
try {
  const address = new URL(lab.kube.url).hostname;
  await fleet.namespace(NAMESPACE);
  const objectOf = (host: string): object =>
    fleet.node(`${NAMESPACE}/${host}`, fleet.agents.urlOf(host), { management: { intervalSeconds: 5 } });
  const callsOf = async (): Promise<number> =>
    (await fleet.agents.report()).reduce((sum, { reads, mutations }) => sum + reads + mutations.length, 0);
  const [metrics = 0, health = 0] = await freePorts(address, 2);
  const began = performance.now();
  const sinceBegan = (): number => performance.now() - began;
  const program = startProgram(
    [
      ...[process.execPath, '--cpu-prof', '--cpu-prof-interval', '500', `--cpu-prof-dir=${folder}`, BUNDLE],
      ...[
        '--allow-agent-cidr',
        '127.0.0.0/8',
        '--log-level',
        'warn',
        '--metrics-address',
        `${address}:${String(metrics)}`,
      ],
      ...['--health-address', `${address}:${String(health)}`],
    ],
    {
      env: { ...labEnvironment(1), KUBECONFIG: lab.kube.adminKubeconfig, PATH: process.env['PATH'] ?? '' },
      logFile: join(folder, 'controller.log'),
    },
  );
  const [first = '', ...others] = fleet.agents.names;
  await fleet.create(objectOf(first));
  await until('the first call', async () => (await callsOf()) > 0, { intervalMs: 5 });
  const startMs = sinceBegan();
  await sleep(2_000);
  const creationFrom = sinceBegan();
  await inPool(others, 32, (host) => fleet.create(objectOf(host)));
  await fleet.untilAllReady(NAMESPACE);
  const creationTo = sinceBegan();
  // Events go out after the status.
  await sleep(6_000);
  const [checksFrom, before] = [sinceBegan(), await callsOf()];
  await sleep(restSeconds * 1000);
  const [checksTo, checks] = [sinceBegan(), (await callsOf()) - before];
  await program.stop();
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const profile = new CpuProfile(join(folder, file), `${BUNDLE}.map`);
  print('start to the first call', profile.shares(0, startMs), 1);
  print(`${String(others.length)} creations, ms each`, profile.shares(creationFrom, creationTo), others.length);
  print(`${String(checks)} checks of hosts in sync, ms each`, profile.shares(checksFrom, checksTo), checks);
} finally {
  await fleet.stop();
  await lab.stop();
  rmSync(folder, { recursive: true });
}

function print(what: string, shares: Shares, times: number): void {
  const total = shares.reduce((sum, [, ms]) => sum + ms, 0);
  const rest = shares.slice(AREAS).reduce((sum, [, ms]) => sum + ms, 0);
  const rows = [...shares.slice(0, AREAS), ['all other', rest] as const, ['together', total] as const];
  process.stdout.write(`\n${what}\n`);
  for (const [area, ms] of rows) {
    const cells = [(ms / times).toFixed(3).padStart(9), `${((ms / total) * 100).toFixed(1).padStart(5)} %`];
    process.stdout.write(`  ${area.padEnd(36)} ${cells.join('  ')}\n`);
  }
}
