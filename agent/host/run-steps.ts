import { writeFile } from 'node:fs/promises';
import { carryOver, nudge, peerSections, withSession } from '../core/carry-over.ts';
import type { Live } from '../core/live.ts';
import { isDisruptive, type Step } from '../core/plan.ts';
import { isIpv6 } from '../protocol/address.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { mustRun } from './command-runner.ts';
import { readLive } from './device.ts';
import type { Host } from './host.ts';
import { bringDown, bringUp, compensate, runHook, runningCopyOf } from './lifecycle.ts';
import { withSecretFile } from './secret-file.ts';
import type { Snapshot } from './snapshot.ts';

export interface StepContext {
  readonly host: Host;
  readonly name: string;
  /** What the running interface shall be like. */
  readonly wanted: InterfaceConfig;
  /** What there is now. */
  readonly now: Snapshot;
  /** Whose peers and endpoints a restart must bring back; null = nothing ran before. */
  readonly carry: Live | null;
  /** The file text that an `up` starts from. */
  readonly upText: string;
}

/** Runs the steps of one plan but `write-file`, which comes first and is the engine's. Stops at the first failure. */
export async function runSteps(context: StepContext, steps: readonly Step[]): Promise<void> {
  await runWgSet(context, steps);
  await runIpBatch(context, steps);
  for (const step of steps) {
    if (step.action === 'set-dns') await setDns(context);
    if (isDisruptive(step)) await runDisruptive(context, step);
  }
}

/** Key, port and mark in one `wg set` that names only what changes, with the nudge that makes the far sides follow. */
async function runWgSet({ host, name, wanted, now }: StepContext, steps: readonly Step[]): Promise<void> {
  const args: string[] = [];
  let key = '';
  let moves = false;
  for (const step of steps) {
    if (step.action === 'set-private-key') {
      key = wanted.privateKey?.reveal() ?? '';
      args.push('private-key', '/dev/fd/3');
    }
    if (step.action === 'set-listen-port') args.push('listen-port', String(step.port));
    if (step.action === 'set-fwmark') args.push('fwmark', step.mark === null ? 'off' : String(step.mark));
    moves ||= step.action === 'set-private-key' || step.action === 'set-listen-port';
  }
  if (args.length === 0) return;
  const nudges = moves ? nudge(withSession(now.live?.peers ?? [], host.nowMs() / 1000)) : [];
  await withSecretFile(key, (fd) => wgSet(host, name, { head: args, peers: nudges, fd }));
}

/** Link, addresses and routes in one `ip -batch`: 15 ms for 500 routes, where single calls take seconds. */
async function runIpBatch({ host, name }: StepContext, steps: readonly Step[]): Promise<void> {
  const lines = steps.flatMap((step) => ipLine(name, step) ?? []);
  if (lines.length === 0) return;
  if (steps.some((step) => step.action === 'remove-address' && !isIpv6(step.address))) await keepSecondaries(name);
  await mustRun(host.runner, ['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

function ipLine(name: string, step: Step): string | undefined {
  switch (step.action) {
    case 'set-mtu':
      return `link set dev ${name} mtu ${String(step.mtu)}`;
    case 'link-up':
      return `link set dev ${name} up`;
    case 'add-address':
      return `address add ${step.address} dev ${name}`;
    case 'remove-address':
      return `address delete ${step.address} dev ${name}`;
    case 'add-route':
      return `route add ${step.route.destination} dev ${name} table ${step.route.table}`;
    default:
      return undefined;
  }
}

/** Without it the kernel removes every other address of a subnet together with its first one. On our own device only. */
const keepSecondaries = async (name: string): Promise<void> => {
  await writeFile(`/proc/sys/net/ipv4/conf/${name}/promote_secondaries`, '1').catch(() => undefined); // read-back repairs what is lost
};

async function setDns(context: StepContext): Promise<void> {
  const { host, name, wanted } = context;
  if (wanted.dns.length === 0) {
    await mustRun(host.runner, ['resolvconf', '-d', name, '-f']);
  } else {
    const isServer = (entry: string): boolean => /^[0-9.]+$/.test(entry) || entry.includes(':');
    const servers = wanted.dns.filter(isServer).map((server) => `nameserver ${server}`);
    const domains = wanted.dns.filter((entry) => !isServer(entry));
    const lines = domains.length === 0 ? servers : [...servers, `search ${domains.join(' ')}`];
    await mustRun(host.runner, ['resolvconf', '-a', name, '-m', '0', '-x'], { stdin: `${lines.join('\n')}\n` });
  }
  await noteRunning(context, { dns: wanted.dns });
}

/** Writes down that the running interface now has these settings, so that an undo knows what to take back. */
async function noteRunning({ host, name, now }: StepContext, part: Partial<InterfaceConfig>): Promise<void> {
  const text = (await host.state.readRunning(name)) ?? runningCopyOf(now.fileText ?? '');
  const document = parseDocument(text);
  await host.state.writeRunning(name, render(document, { ...interfaceOf(document), ...part }));
}

async function runDisruptive(context: StepContext, step: Step): Promise<void> {
  const { host, name } = context;
  switch (step.action) {
    case 'down':
      await bringDown(host, name);
      return;
    case 'restart':
      await bringDown(host, name);
      await upWithCarry(context);
      return;
    case 'up':
      await upWithCarry(context);
      return;
    case 'run-hooks':
      await swapHooks(context);
      return;
    default:
      // The live steps ran together before.
      return;
  }
}

async function upWithCarry({ host, name, wanted, carry, upText }: StepContext): Promise<void> {
  await bringUp(host, name, upText);
  const live = await readLive(host.runner, name, wanted.table);
  if (live === null) return;
  const peers = carry === null ? [] : carryOver(carry, live);
  if (peers.length > 0) {
    // A file, as the addresses of a single peer can be more than one argument of a process takes.
    const addconf: [string, ...string[]] = ['wg', 'addconf', name, '/dev/fd/3'];
    await withSecretFile(peerSections(peers), (fd) => mustRun(host.runner, addconf, { fds: [fd] }));
  }
  const keepsPort = carry !== null && wanted.listenPort === null && live.listenPort !== carry.listenPort;
  const head = keepsPort ? ['listen-port', String(carry.listenPort)] : [];
  // Far sides that have a session with our former life stay silent for 15 s unless we speak first.
  const nudges = nudge(carry === null ? live.peers : withSession(carry.peers, host.nowMs() / 1000));
  await wgSet(host, name, { head, peers: nudges });
}

interface WgSet {
  readonly head: readonly string[];
  /** Arguments, a list for each peer. */
  readonly peers: readonly (readonly string[])[];
  readonly fd?: number;
}

/** One process takes at most so many peers: the arguments of a process are limited (execve(2), E2BIG). */
const PEERS_A_CALL = 1_000;

/** `wg set`, in as many calls as the arguments need; none when there is nothing to set. */
async function wgSet(host: Host, name: string, { head, peers, fd }: WgSet): Promise<void> {
  for (let start = 0; start === 0 || start < peers.length; start += PEERS_A_CALL) {
    const args = [...(start === 0 ? head : []), ...peers.slice(start, start + PEERS_A_CALL).flat()];
    if (args.length > 0)
      await mustRun(host.runner, ['wg', 'set', name, ...args], fd === undefined ? {} : { fds: [fd] });
  }
}

/** Old teardown, then new set-up; the device itself is never touched. A failing hook takes the new set-up back and stops. */
async function swapHooks(context: StepContext): Promise<void> {
  const { host, name, wanted, now } = context;
  await compensate(host, name, now.running);
  try {
    for (const hook of [...wanted.preUp, ...wanted.postUp]) await runHook(host, name, hook);
  } catch (error) {
    await compensate(host, name, wanted);
    await noteRunning(context, { preUp: [], postUp: [], preDown: [], postDown: [] });
    throw error;
  }
  const { preUp, postUp, preDown, postDown } = wanted;
  await noteRunning(context, { preUp, postUp, preDown, postDown });
}
