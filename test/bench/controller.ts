import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { labEnvironment } from '../support/lab/environment.ts';
import { freePorts } from '../support/lab/free-ports.ts';
import { startLab } from '../support/lab/start-lab.ts';
import { startDeadResolver } from '../support/dead-resolver.ts';
import { seeing } from '../support/lab/lab-controller.ts';
import { measureFairness } from './fairness.ts';
import { ModelFleet } from '../support/model-fleet.ts';
import { inPool } from '../support/in-pool.ts';
import { until } from '../support/until.ts';
import { BareController } from './bare-controller.ts';
import { type Figure, isMiss, median, rowOf } from './figure.ts';
import { type Program, startProgram } from './program.ts';
import { ReadyWatch } from './ready-watch.ts';

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const valueOf = (flag: string, fallback: number): number => {
  const at = args.indexOf(flag);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const objects = valueOf('--objects', 1_000);
const edits = valueOf('--edits', 60);
const restSeconds = valueOf('--rest', 30);
const goProgram = process.env['WGNODE_BENCH_GO_CONTROLLER'] ?? '';
const say = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`);
};
const figures: Figure[] = [];
function add(
  what: string,
  { ours, rival, goal = null, unit, ratio }: Partial<Figure> & { ours: number; unit: string },
): void {
  const figure: Figure = {
    ...{ id: 'BC', what, ours, unit, goal, rival: rival ?? null },
    ratio: ratio ?? (rival === undefined || rival === null ? ours : ours / rival),
  };
  figures.push(figure);
  if (!asJson) process.stdout.write(`${rowOf(figure)}\n`);
}

const lab = await startLab({ hosts: [], kubeOnly: true });
const fleet = await ModelFleet.make(lab, objects);
const bare = new BareController(fleet);
const address = new URL(lab.kube.url).hostname;

type Kind = 'ours' | 'go';

/** Starts a contender. `resolvConf`: what it sees in the place of the machine's. */
async function start(kind: Kind, resolvConf?: string): Promise<Program> {
  const [metrics = 0, health = 0] = await freePorts(address, 2);
  const logFile = join(lab.folder, `bench-${kind}.log`);
  const env = { ...labEnvironment(1), KUBECONFIG: lab.kube.adminKubeconfig, PATH: process.env['PATH'] ?? '' };
  const ours = [
    ...[process.execPath, 'dist/wgnode-controller.mjs', '--allow-agent-cidr', '127.0.0.0/8', '--log-level', 'warn'],
    ...['--metrics-address', `${address}:${String(metrics)}`, '--health-address', `${address}:${String(health)}`],
  ];
  const argv = kind === 'ours' ? ours : [goProgram];
  return startProgram(resolvConf === undefined ? argv : [...seeing(resolvConf), ...argv], { env, logFile });
}

const callsOf = async (): Promise<number> =>
  (await fleet.agents.report()).reduce((sum, { reads, mutations }) => sum + reads + mutations.length, 0);

/** The next contender must find none of the objects of this one: they name the same hosts. */
async function empty(namespace: string): Promise<void> {
  const path = `/apis/wgnode.dev/v1alpha1/namespaces/${namespace}/wireguardnodes`;
  await fleet.client.request({ method: 'DELETE', path });
  await until(`${namespace} to be empty`, async () => (await fleet.views(namespace)).length === 0, { intervalMs: 500 });
}

interface Result {
  readonly startMs: number;
  readonly startMb: number;
  readonly createsMs: number;
  readonly createCpuMs: number;
  readonly editMs: number;
  readonly editCpuMs: number;
  readonly checkCpuMs: number;
  readonly restMb: number;
  readonly descriptors: number;
}

/** A contender at work. */
interface Running {
  readonly kind: Kind;
  readonly namespace: string;
  readonly program: Program;
  readonly watch: ReadyWatch;
}

const nodeOf = (namespace: string, host: string): object =>
  fleet.node(`${namespace}/${host}`, fleet.agents.urlOf(host), { management: { intervalSeconds: 5 } });

async function measureCreates({
  kind,
  namespace,
  program,
  watch,
}: Running): Promise<Pick<Result, 'createsMs' | 'createCpuMs'>> {
  const rest = fleet.agents.names.slice(1);
  say(`${kind}: creating ${String(rest.length)} objects`);
  const cpu = program.cpuMs();
  const created = performance.now();
  await inPool(rest, 32, (host) => fleet.create(nodeOf(namespace, host)));
  await watch.untilCount(objects);
  const createsMs = performance.now() - created;
  await sleep(1_000);
  return { createsMs, createCpuMs: (program.cpuMs() - cpu) / rest.length };
}

async function measureRest({ kind, program }: Running): Promise<Pick<Result, 'checkCpuMs' | 'restMb' | 'descriptors'>> {
  say(`${kind}: at rest for ${String(restSeconds)} s`);
  await sleep(6_000);
  const [cpu, calls] = [program.cpuMs(), await callsOf()];
  await sleep(restSeconds * 1_000);
  const checkCpuMs = (program.cpuMs() - cpu) / ((await callsOf()) - calls);
  return { checkCpuMs, restMb: program.rssMb(), descriptors: program.descriptors() };
}

async function measureEdits({
  kind,
  namespace,
  program,
  watch,
}: Running): Promise<Pick<Result, 'editMs' | 'editCpuMs'>> {
  say(`${kind}: ${String(edits)} edits`);
  const cpu = program.cpuMs();
  const times: number[] = [];
  for (let edit = 0; edit < edits; edit += 1) {
    const host = fleet.agents.names[edit % objects] ?? '';
    const started = performance.now();
    const { metadata } = await fleet.patch(`${namespace}/${host}`, { spec: { interface: { mtu: 1300 + edit } } });
    await watch.untilReady(host, metadata.generation);
    times.push(performance.now() - started);
  }
  return { editMs: median(times), editCpuMs: (program.cpuMs() - cpu) / edits };
}

/** Everything of one contender, in a namespace of its own, on hosts without interfaces. */
async function measure(kind: Kind): Promise<Result> {
  const namespace = `bench-${kind}`;
  await fleet.agents.reset();
  await fleet.namespace(namespace);
  const watch = new ReadyWatch(fleet, namespace);
  const [first = ''] = fleet.agents.names;
  await fleet.create(nodeOf(namespace, first));
  const calls = await callsOf();
  const begun = performance.now();
  const program = await start(kind);
  await until('its first call', async () => (await callsOf()) > calls, { intervalMs: 5 });
  const startMs = performance.now() - begun;
  await watch.untilCount(1);
  await sleep(2_000);
  const startMb = program.rssMb();
  const running = { kind, namespace, program, watch };
  const creates = await measureCreates(running);
  const rest = await measureRest(running);
  const edited = await measureEdits(running);
  await program.stop();
  watch.stop();
  await empty(namespace);
  return { startMs, startMb, ...creates, ...rest, ...edited };
}

interface Floor {
  readonly createsMs: number;
  readonly editMs: number;
  readonly checkCpuMs: number;
}

/** The same calls without a controller around them. */
async function measureFloor(): Promise<Floor> {
  await fleet.agents.reset();
  await fleet.namespace('bench-bare');
  const keyOf = (host: string): string => `bench-bare/${host}`;
  say(`bare: creating ${String(objects)} objects`);
  const created = performance.now();
  await inPool(fleet.agents.names, 32, async (host) => {
    await fleet.create(fleet.node(keyOf(host), fleet.agents.urlOf(host)));
    await bare.apply(keyOf(host), host, { mtu: 1400, generation: 1 });
  });
  const createsMs = performance.now() - created;
  const times: number[] = [];
  for (let edit = 0; edit < edits; edit += 1) {
    const host = fleet.agents.names[edit % objects] ?? '';
    const started = performance.now();
    const { metadata } = await fleet.patch(keyOf(host), { spec: { interface: { mtu: 1300 + edit } } });
    await bare.apply(keyOf(host), host, { mtu: 1300 + edit, generation: metadata.generation });
    times.push(performance.now() - started);
  }
  const etags = new Map<string, string>();
  await inPool(fleet.agents.names, 32, async (host) => {
    etags.set(host, await bare.check(host, ''));
  });
  const before = process.cpuUsage();
  const rounds = 5;
  for (let round = 0; round < rounds; round += 1)
    await inPool(fleet.agents.names, 16, async (host) => {
      await bare.check(host, etags.get(host) ?? '');
    });
  const { user, system } = process.cpuUsage(before);
  await empty('bench-bare');
  return { createsMs, editMs: median(times), checkCpuMs: (user + system) / 1000 / (rounds * objects) };
}

const FAIR_HOSTS = Math.min(200, objects);

/** What hosts that are well notice of hosts that hang and names that nobody resolves. */
async function fairness(): Promise<void> {
  const namespace = 'bench-fair';
  const hosts = fleet.agents.names.slice(0, FAIR_HOSTS);
  await fleet.namespace(namespace);
  const resolver = await startDeadResolver(lab.folder, address.replace(/[0-9]+$/, '53'));
  const watch = new ReadyWatch(fleet, namespace);
  const program = await start('ours', resolver.resolvConf);
  await inPool(hosts, 32, (host) => fleet.create(fleet.node(`${namespace}/${host}`, fleet.agents.urlOf(host))));
  await watch.untilCount(hosts.length);
  const samples = Math.min(edits, Math.floor(hosts.length / 2));
  const { edit, drift } = await measureFairness({ fleet, namespace, watch, hosts, samples, say });
  add('edit to Ready, 30 % silent : none silent', { ours: edit.with, rival: edit.without, goal: 1.3, unit: 'ms' });
  add('drift put right, 30 % silent : none silent', { ours: drift.with, rival: drift.without, goal: 1.3, unit: 'ms' });
  await program.stop();
  watch.stop();
  resolver.stop();
  await empty(namespace);
}

try {
  if (!args.includes('--no-fairness')) await fairness();
  const ours = await measure('ours');
  const floor = await measureFloor();
  add('edit to Ready, p50 : bare script', { ours: ours.editMs, rival: floor.editMs, goal: 1.25, unit: 'ms' });
  add(`${String(objects)} creates : bare loop`, {
    ours: ours.createsMs,
    rival: floor.createsMs,
    goal: 1 / 0.85,
    unit: 'ms',
  });
  add('check in sync, CPU : bare signed 304', {
    ours: ours.checkCpuMs,
    rival: floor.checkCpuMs,
    goal: 1.3,
    unit: 'ms',
  });
  if (goProgram !== '') {
    const go = await measure('go');
    add('edit to Ready, p50 : controller-runtime', { ours: ours.editMs, rival: go.editMs, unit: 'ms' });
    add('edit, CPU : controller-runtime', { ours: ours.editCpuMs, rival: go.editCpuMs, unit: 'ms' });
    add(`${String(objects)} creates : controller-runtime`, {
      ours: ours.createsMs,
      rival: go.createsMs,
      goal: 1,
      unit: 'ms',
    });
    add('create, CPU : controller-runtime', { ours: ours.createCpuMs, rival: go.createCpuMs, goal: 1.5, unit: 'ms' });
    add('check in sync, CPU : controller-runtime', { ours: ours.checkCpuMs, rival: go.checkCpuMs, unit: 'ms' });
    add('start to first call : controller-runtime', { ours: ours.startMs, rival: go.startMs, unit: 'ms' });
    add('memory after start : controller-runtime', { ours: ours.startMb, rival: go.startMb, unit: 'MB' });
    add('memory at rest : controller-runtime', { ours: ours.restMb, rival: go.restMb, unit: 'MB' });
  } else say('no Go, no rival in Go: see hack/bench --help');
  add('start to first call', { ours: ours.startMs, goal: 400, unit: 'ms' });
  add('memory after start', { ours: ours.startMb, goal: 90, unit: 'MB' });
  add(`memory, ${String(objects)} hosts in sync`, { ours: ours.restMb, goal: 200, unit: 'MB' });
  add('descriptors a host', { ours: ours.descriptors / objects, goal: 1.1, unit: '' });
} finally {
  await bare.close();
  await fleet.stop();
  if (args.includes('--logs')) process.stderr.write(readFileSync(join(lab.folder, 'bench-ours.log'), 'utf8'));
  await lab.stop();
}
if (asJson) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.some(isMiss) ? 1 : 0;
