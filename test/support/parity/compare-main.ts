/**
 * Runs inside a host of the lab: brings files up and down by wg-quick and by the agent, and says where the host is another one. Reads
 * one JSON request a line from stdin, answers one JSON a line.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { headersV1 } from '../../../agent/protocol/signature-v1.ts';
import { Secret } from '../../../agent/protocol/secret.ts';
import type { ParityRequest, ParityResult } from './parity.ts';
import { runHere, worldOf } from './world.ts';

const [origin = '', secretText = ''] = readFileSync('/run/parity.settings', 'utf8').trim().split('\n');
const secret = new Secret(secretText);
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
let calls = 0;

/** A body that the agent does not read makes equal calls of one second different ones. */
async function call(name: string, verb: 'enable' | 'disable'): Promise<boolean> {
  const target = `/v1/wg/${name}/${verb}`;
  const body = Buffer.from(`{"call":${String((calls += 1))}}`);
  const headers = {
    'content-type': 'application/json',
    ...headersV1({ method: 'POST', target, body }, secret, Date.now()),
  };
  const { statusCode, body: answer } = await request(`${origin}${target}`, {
    method: 'POST',
    headers,
    body,
    dispatcher,
  });
  await answer.dump();
  return statusCode === 200;
}

type World = Readonly<Record<string, string>>;
interface Life {
  readonly cameUp: boolean;
  readonly up: World;
  readonly down: World;
}

const WAYS = {
  quick: {
    up: async (name: string) => (await runHere(['wg-quick', 'up', name])).exitCode === 0,
    down: async (name: string) => (await runHere(['wg-quick', 'down', name])).exitCode === 0,
  },
  agent: { up: (name: string) => call(name, 'enable'), down: (name: string) => call(name, 'disable') },
} as const;
type Way = keyof typeof WAYS;

async function live(ask: ParityRequest, upBy: Way, downBy: Way): Promise<Life> {
  const { name, text, prepare = '' } = ask;
  const hasPort = /^\s*listenport\s*=\s*[1-9]/im.test(text);
  const path = `/etc/wireguard/${name}.conf`;
  rmSync('/run/parity.log', { force: true });
  writeFileSync('/proc/sys/net/ipv4/conf/all/src_valid_mark', '0');
  if (prepare !== '') await runHere(['bash', '-c', prepare]);
  writeFileSync(path, text, { encoding: 'latin1', mode: 0o600 });
  const cameUp = await WAYS[upBy].up(name);
  const up = await worldOf(name, hasPort);
  if (existsSync(`/sys/class/net/${name}`)) await WAYS[downBy].down(name);
  const down = await worldOf(name, hasPort);
  rmSync(path, { force: true });
  if (ask.clean !== undefined) await runHere(['bash', '-c', ask.clean]);
  return { cameUp, up, down };
}

function differences(left: Life, right: Life): string[] {
  const parts = (when: 'up' | 'down'): string[] =>
    Object.keys(left[when])
      .filter((part) => left[when][part] !== right[when][part])
      .map(
        (part) => `${when}, ${part}\n--- wg-quick\n${left[when][part] ?? ''}\n--- agent\n${right[when][part] ?? ''}\n`,
      );
  const came =
    left.cameUp === right.cameUp ? [] : [`up: wg-quick ${String(left.cameUp)}, agent ${String(right.cameUp)}\n`];
  return [...came, ...parts('up'), ...parts('down')];
}

async function compare(ask: ParityRequest): Promise<ParityResult> {
  const quick = await live(ask, 'quick', 'quick');
  const agent = await live(ask, 'agent', 'agent');
  const crossed =
    ask.crossed === true && quick.cameUp ? [await live(ask, 'agent', 'quick'), await live(ask, 'quick', 'agent')] : [];
  return {
    cameUp: quick.cameUp,
    differences: [
      ...differences(quick, agent),
      ...crossed.flatMap((life, at) =>
        differences({ ...quick, up: life.up }, life).map((text) => `crossed ${String(at)}: ${text}`),
      ),
    ],
    hash: createHash('sha256').update(JSON.stringify(quick.up)).digest('hex').slice(0, 8),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await compare(JSON.parse(line) as ParityRequest);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await dispatcher.close();
