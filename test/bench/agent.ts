import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentClient, createAgentClient } from '../../controller/drivers/wgnode/agent-client.ts';
import { createUrlGuard } from '../../controller/drivers/http/url-guard.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { CALL } from '../support/agent-client.ts';
import { repositoryPath } from '../support/lab/repository.ts';
import type { LabHost } from '../support/lab/start-host.ts';
import { startLab } from '../support/lab/start-lab.ts';
import { until } from '../support/until.ts';
import { BenchHost, cpuMsOf, timed } from './bench-host.ts';
import { costOfPeerCalls } from './peer-calls.ts';
import { startPythonAgent } from './python-agent.ts';
import { type Figure, figureOf, isMiss, median, rowOf } from './figure.ts';
import { startTunnel } from './gap.ts';

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const roundsAt = args.indexOf('--rounds');
const rounds = roundsAt < 0 ? 15 : Number(args[roundsAt + 1]);
const wanted = args.filter((arg, at) => !arg.startsWith('--') && (roundsAt < 0 || at !== roundsAt + 1));
const isWanted = (id: string): boolean => wanted.length === 0 || wanted.some((prefix) => id.startsWith(prefix));
const say = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`);
};
const figures: Figure[] = [];
function add(figure: Figure): void {
  figures.push(figure);
  if (!asJson) process.stdout.write(`${rowOf(figure)}\n`);
}
const repeat = async <T>(times: number, work: () => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let round = 0; round < times; round += 1) results.push(await work());
  return results;
};

/** Up and down beside wg-quick, on the same file in turn. */
async function lifecycle(bench: BenchHost): Promise<void> {
  for (const [peers, upGoal, downGoal] of [
    [5, 0.5, 0.5],
    [50, 0.15, 0.3],
    [500, 0.06, 0.1],
  ] as const) {
    say(`up and down with ${String(peers)} peers`);
    const both = await repeat(rounds, async () => {
      const name = bench.newName();
      await bench.writeFile(name, peers);
      const up = { ours: await timed(() => bench.enable(name)), rival: 0 };
      const down = { ours: await timed(() => bench.disable(name)), rival: 0 };
      up.rival = await bench.script(`wg-quick up ${name}`);
      down.rival = await bench.script(`wg-quick down ${name}`);
      await bench.host.mustExec(['rm', `/etc/wireguard/${name}.conf`]);
      return { up, down };
    });
    const head = { id: 'B12', unit: 'ms' };
    add(
      figureOf(
        { ...head, what: `up, ${String(peers)} peers : wg-quick up`, goal: upGoal },
        both.map(({ up }) => up),
      ),
    );
    add(
      figureOf(
        { ...head, what: `down, ${String(peers)} peers : wg-quick down`, goal: downGoal },
        both.map(({ down }) => down),
      ),
    );
  }
}

/** What a change of one field cannot do without: the file for good, and one program. */
const FLOOR = (name: string, mtu: number): string =>
  `cp /etc/wireguard/${name}.conf /etc/wireguard/.t; sync /etc/wireguard/.t; mv /etc/wireguard/.t /etc/wireguard/${name}.conf; sync /etc/wireguard; ip link set dev ${name} mtu ${String(mtu)}`;

/** The same work measured against itself: where that differs by more, no ratio of this run says anything. */
const UNEVEN = 1.3;
const evenness = (figure: Figure): Figure => ({ ...figure, ratio: Math.max(figure.ratio, 1 / figure.ratio) });

async function put(bench: BenchHost): Promise<void> {
  for (const peers of [5, 50, 500]) {
    say(`a change of one field with ${String(peers)} peers`);
    const name = bench.newName();
    await bench.writeFile(name, peers);
    await bench.enable(name);
    let mtu = 1_300;
    await bench.put(name, { mtu });
    const measured = await repeat(rounds, async () => {
      mtu += 1;
      const ours = await timed(() => bench.put(name, { mtu }));
      // The floor's programs cost bash several starts; only one of them is its due.
      return { ours, rival: await bench.script(FLOOR(name, mtu)) };
    });
    const what = `PUT of an MTU, ${String(peers)} peers : floor`;
    add(figureOf({ id: 'B11', what, goal: 2.5, unit: 'ms' }, measured));
    const control = await repeat(rounds, async () => {
      const [first, second] = [(mtu += 1), (mtu += 1)];
      return {
        ours: await timed(() => bench.put(name, { mtu: first })),
        rival: await timed(() => bench.put(name, { mtu: second })),
      };
    });
    const twice = { id: 'B11', what: `control: the same PUT twice, ${String(peers)} peers`, goal: UNEVEN, unit: 'ms' };
    add(evenness(figureOf(twice, control)));
    await bench.disable(name);
  }
}

const GETS = 5_000;
const GET_ROUNDS = 3;

/** A server that verifies signatures and answers 304, with a client for it. */
interface BareServer {
  readonly client: AgentClient;
  readonly cpuMs: () => number;
  stop(): Promise<void>;
}

const BARE_PORT = 9_443;

async function startBare({ host }: BenchHost): Promise<BareServer> {
  await host.writeFile('/run/bench-secret', host.hmacKey);
  const program = [process.execPath, repositoryPath('test/bench/bare-main.ts'), String(BARE_PORT), '/run/bench-secret'];
  const [first = '', ...rest] = host.argvFor(program);
  const child = spawn(first, rest, { stdio: 'ignore' });
  const client = createAgentClient({
    address: {
      origin: `https://${host.address}:${String(BARE_PORT)}`,
      hmacKeys: [new Secret(host.hmacKey)],
      tls: { ca: host.caPem, cert: undefined, key: undefined, serverName: undefined, pins: [] },
    },
    guard: createUrlGuard({ allow: ['10.231.0.0/16'], deny: [] }),
    now: Date.now,
    called: () => undefined,
  });
  await until('the bare server', () =>
    client.readConfig('x', '"x"', CALL).then(
      () => true,
      () => false,
    ),
  );
  const stop = async (): Promise<void> => {
    child.kill();
    await client.close();
  };
  return { client, cpuMs: () => cpuMsOf(child.pid ?? 0), stop };
}

/** A fifth and a ninth of the CPU, by the number of peers. */
const PYTHON_GOALS: ReadonlyMap<number, number> = new Map([
  [50, 0.2],
  [500, 0.111],
]);

/** CPU of an unchanged GET beside that of the bare server, and of the Python agent where there is one. */
async function get(bench: BenchHost): Promise<void> {
  const bare = await startBare(bench);
  const folder = process.env['WGNODE_BENCH_PYTHON_AGENT'];
  if (folder === undefined) say('no row beside the Python agent: WGNODE_BENCH_PYTHON_AGENT names no folder of it');
  const python = folder === undefined ? null : await startPythonAgent(bench.host, folder);
  const costs: number[] = [];
  for (const peers of [5, 50, 500, 5_000]) {
    say(`${String(GET_ROUNDS)} times ${String(GETS)} unchanged GETs with ${String(peers)} peers`);
    const name = bench.newName();
    await bench.writeFile(name, peers);
    await bench.enable(name);
    const etag = await knownEtag(bench, name);
    const both = [];
    for (let round = 0; round < GET_ROUNDS; round += 1)
      both.push({
        ours: await cpuOfGets(bench.client, { name, etag, cpuMs: () => bench.cpuMs() }),
        rival: await cpuOfGets(bare.client, { name, etag: '"x"', cpuMs: bare.cpuMs }),
      });
    const what = `CPU of an unchanged GET, ${String(peers)} peers : bare 304`;
    const figure = figureOf({ id: 'B10', what, goal: 2, unit: 'ms' }, both);
    add(figure);
    costs.push(figure.ours);
    const goal = PYTHON_GOALS.get(peers);
    if (python !== null && goal !== undefined) {
      const rival = await python.cpuOfGet(name);
      const row = `CPU of an unchanged GET, ${String(peers)} peers : Python`;
      add({ id: 'B10', what: row, ours: figure.ours, rival, ratio: figure.ours / rival, goal, unit: 'ms' });
    }
    await bench.disable(name);
    await bench.host.mustExec(['rm', `/etc/wireguard/${name}.conf`]);
  }
  const [rival = Number.NaN] = costs;
  const ours = costs.at(-1) ?? Number.NaN;
  const what = 'CPU of an unchanged GET, 5,000 peers : 5';
  add({ id: 'B10', what, ours, rival, ratio: ours / rival, goal: 1.5, unit: 'ms' });
  await bare.stop();
  await python?.stop();
}

/** A file that was written within the last tick is read again: asks until the answer comes from memory. */
async function knownEtag(bench: BenchHost, name: string): Promise<string> {
  let etag = '';
  await until('an answer from memory', async () => {
    const answer = await bench.client.readConfig(name, etag === '' ? undefined : etag, CALL);
    if (answer.kind === 'present') etag = answer.etag;
    return answer.kind === 'unchanged';
  });
  return etag;
}

interface Gets {
  readonly name: string;
  readonly etag: string;
  readonly cpuMs: () => number;
}

/** Milliseconds of the server's CPU for one of many. */
async function cpuOfGets(client: AgentClient, { name, etag, cpuMs }: Gets): Promise<number> {
  const before = cpuMs();
  for (let count = 0; count < GETS; count += 1) await client.readConfig(name, etag, CALL);
  return (cpuMs() - before) / GETS;
}

async function many(bench: BenchHost): Promise<void> {
  say('5,000 peers with four networks each');
  const name = bench.newName();
  await bench.writeFile(name, 5_000, 4);
  const seconds = (await timed(() => bench.enable(name))) / 1000;
  add({
    id: 'B12b',
    what: 'up, 5,000 peers and 20,000 networks',
    ours: seconds,
    rival: null,
    ratio: seconds,
    goal: 5,
    unit: 's',
  });
  await bench.disable(name);
}

/** How long packets are lost while a tunnel of 500 peers changes. */
async function gaps(bench: BenchHost, far: LabHost): Promise<void> {
  say('gaps of a tunnel with 500 peers');
  const tunnel = await startTunnel(bench, far);
  let step = 0;
  const few = Math.min(rounds, 5);
  const restarts = await repeat(few, async () => {
    const ours = await tunnel.gapOf(() => bench.put(tunnel.name, { table: String(100 + (step += 1)) }));
    const rival = await tunnel.gapOf(() => bench.script(`wg-quick down ${tunnel.name}; wg-quick up ${tunnel.name}`));
    return { ours, rival };
  });
  const ports = await repeat(few, () =>
    tunnel.gapOf(() => bench.put(tunnel.name, { listen_port: 52_000 + (step += 1) })),
  );
  const restart = median(restarts.map(({ ours }) => ours));
  const rival = median(restarts.map((round) => round.rival));
  const port = median(ports);
  const head = { id: 'B12g', unit: 'ms' };
  add({
    ...head,
    what: 'gap of a restart, 500 peers (rival: wg-quick)',
    ours: restart,
    rival,
    ratio: restart,
    goal: 300,
  });
  add({ ...head, what: 'gap of a new port, 500 peers', ours: port, rival: null, ratio: port, goal: 100 });
  await tunnel.stop();
}

const REST_S = 45;

/** MB; it is given back 30 s after the work has ended. */
async function leastMemory(bench: BenchHost): Promise<number> {
  let least = bench.rssMb();
  for (let second = 0; second < REST_S; second += 1) {
    await sleep(1_000);
    least = Math.min(least, bench.rssMb());
  }
  return least;
}

const lab = await startLab({ hosts: ['alpha', 'beta'] });
try {
  const host = lab.host('alpha');
  await host.agent.start({ WGNODE_LOG_LEVEL: 'warn' });
  const bench = new BenchHost(host);
  const first = bench.newName();
  await bench.writeFile(first, 5);
  await bench.client.readConfig(first, undefined, CALL);
  const atRest = bench.rssMb();
  if (isWanted('B12')) await lifecycle(bench);
  if (isWanted('B11')) await put(bench);
  if (isWanted('B11p'))
    for (const peers of [5, 500, 5_000]) for (const row of await costOfPeerCalls(bench, peers)) add(row);
  if (isWanted('B10')) await get(bench);
  if (isWanted('B12g')) await gaps(bench, lab.host('beta'));
  if (isWanted('B12b')) await many(bench);
  if (isWanted('B13')) {
    say('waiting for the agent to rest: the least memory within 45 s');
    const after = await leastMemory(bench);
    add({
      id: 'B13',
      what: 'memory after load : at rest',
      ours: after,
      rival: atRest,
      ratio: after / atRest,
      goal: 1.3,
      unit: 'MB',
    });
  }
  await bench.client.close();
} finally {
  await lab.stop();
}
if (asJson) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.some(isMiss) ? 1 : 0;
