import { writeFile } from 'node:fs/promises';
import { peersToRestore, triggerHandshake, peerSections, withSession } from '../core/carry-over.ts';
import type { Live } from '../core/live.ts';
import type { Step, StepOf } from '../core/plan.ts';
import { isIpv6 } from '../protocol/address.ts';
import { type ActionOf, type StepAction, STEPS } from '../protocol/steps.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { FieldValues } from '../protocol/wgquick/fields.ts';
import { render } from '../protocol/wgquick/render.ts';
import { mustRun } from './command-runner.ts';
import { writeDurably } from './config-files.ts';
import { readLive } from './device.ts';
import type { Host } from './host.ts';
import { bringDown, bringUp, runDownHooks, runHook, activeConfigOf } from './lifecycle.ts';
import { withSecretFile } from './secret-file.ts';
import type { Snapshot } from './snapshot.ts';

export interface StepContext {
  readonly host: Host;
  readonly name: string;
  /** What the running interface shall be like. */
  readonly wanted: InterfaceConfig;
  /** What there is now, but for the file: that is as the plan has it, and a `write-file` writes it. */
  readonly now: Snapshot;
  /** Whose peers and endpoints a restart must bring back; null = nothing ran before. */
  readonly carry: Live | null;
  /** The file text that an `up` starts from. */
  readonly startConfig: string;
}

/** Runs the steps of one plan the file first: what goes together in one process goes together. Stops at the first failure. */
export async function runSteps(context: StepContext, steps: readonly Step[]): Promise<void> {
  for (const step of steps) if (STEPS[step.action].group === 'file') await runAlone(context, step);
  await runWgSet(context, steps);
  await runIpBatch(context, steps);
  for (const step of steps) if (STEPS[step.action].group !== 'file') await runAlone(context, step);
}

type WgAction = ActionOf<'wg'>;
type IpAction = ActionOf<'ip'>;
type LoneAction = Exclude<StepAction, WgAction | IpAction>;

// Every action is in one of the three tables below: one that nobody carries out does not compile.

/** Arguments of `wg set NAME` (wg(8)); a private key is read from descriptor 3. */
const WG_ARGUMENTS: { readonly [A in WgAction]: (step: StepOf<A>) => readonly string[] } = {
  'set-private-key': () => ['private-key', '/dev/fd/3'],
  'set-listen-port': ({ port }) => ['listen-port', String(port)],
  'set-fwmark': ({ mark }) => ['fwmark', mark === null ? 'off' : String(mark)],
};

/** A line of `ip -batch` (ip(8)). */
const IP_LINES: { readonly [A in IpAction]: (step: StepOf<A>, name: string) => string } = {
  'set-mtu': ({ mtu }, name) => `link set dev ${name} mtu ${String(mtu)}`,
  'link-up': (_step, name) => `link set dev ${name} up`,
  'add-address': ({ address }, name) => `address add ${address} dev ${name}`,
  'remove-address': ({ address }, name) => `address delete ${address} dev ${name}`,
  'add-route': ({ route }, name) => `route add ${route.destination} dev ${name} table ${route.table}`,
};

/** What runs by itself. */
const RUNNERS: Readonly<Record<LoneAction, (context: StepContext) => Promise<void>>> = {
  'write-file': async ({ host, name, now }) => {
    if (now.fileText !== null) await writeDurably(host.configPath(name), now.fileText);
  },
  'set-dns': setDns,
  'run-hooks': swapHooks,
  up: upWithPeers,
  down: ({ host, name }) => bringDown(host, name),
  restart: async (context) => {
    await bringDown(context.host, context.name);
    await upWithPeers(context);
  },
};

const isOf = <A extends StepAction>(table: Readonly<Record<A, unknown>>, step: Step): step is Step & { action: A } =>
  Object.hasOwn(table, step.action);

const runAlone = (context: StepContext, step: Step): Promise<void> =>
  isOf(RUNNERS, step) ? RUNNERS[step.action](context) : Promise.resolve();

/** Key, port and mark in one `wg set` that names only what changes, with what makes the far sides follow. */
async function runWgSet({ host, name, wanted, now }: StepContext, steps: readonly Step[]): Promise<void> {
  const own = steps.filter((step) => isOf(WG_ARGUMENTS, step));
  const head = own.flatMap((step) => (WG_ARGUMENTS[step.action] as (own: Step) => readonly string[])(step));
  if (head.length === 0) return;
  const moves = own.some(({ impact }) => impact !== 'None');
  const peers = moves ? triggerHandshake(withSession(now.live?.peers ?? [], host.nowMs() / 1000)) : [];
  const key = own.some(({ action }) => action === 'set-private-key')
    ? (wanted.privateKey?.privateKey?.reveal() ?? '')
    : '';
  await withSecretFile(key, (fd) => wgSet(host, name, { head, peers, fd }));
}

/** Link, addresses and routes in one `ip -batch`: 15 ms for 500 routes, where single calls take seconds. */
async function runIpBatch({ host, name }: StepContext, steps: readonly Step[]): Promise<void> {
  const own = steps.filter((step) => isOf(IP_LINES, step));
  if (own.length === 0) return;
  const lines = own.map((step) => (IP_LINES[step.action] as (own: Step, device: string) => string)(step, name));
  if (steps.some((step) => step.action === 'remove-address' && !isIpv6(step.address))) await keepSecondaries(name);
  await mustRun(host.runner, ['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
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
  await noteRunning(context, { dns: wanted.dns }, wanted.invalid.dns);
}

/** Writes down that the running interface now has these settings, so that an undo knows what to take back. */
async function noteRunning(
  { host, name, now }: StepContext,
  part: Partial<FieldValues>,
  invalidDns?: readonly string[],
): Promise<void> {
  const text = (await host.state.readRunning(name)) ?? activeConfigOf(now.fileText ?? '');
  const document = parseDocument(text);
  const running = interfaceOf(document);
  const { dns, ...others } = running.invalid;
  const texts = 'dns' in part ? invalidDns : dns;
  const invalid = texts === undefined ? others : { ...others, dns: texts };
  await host.state.writeRunning(name, render(document, { ...running, ...part, invalid }));
}

async function upWithPeers({ host, name, wanted, carry, startConfig }: StepContext): Promise<void> {
  await bringUp(host, name, startConfig);
  const live = await readLive(host.runner, name, wanted.table);
  if (live === null) return;
  const peers = carry === null ? [] : peersToRestore(carry, live);
  if (peers.length > 0) {
    // A file, as the addresses of a single peer can be more than one argument of a process takes.
    const addconf: [string, ...string[]] = ['wg', 'addconf', name, '/dev/fd/3'];
    await withSecretFile(peerSections(peers), (fd) => mustRun(host.runner, addconf, { fds: [fd] }));
  }
  const keepsPort = carry !== null && wanted.listenPort === null && live.listenPort !== carry.listenPort;
  const head = keepsPort ? ['listen-port', String(carry.listenPort)] : [];
  // Far sides that have a session with our former life stay silent for 15 s unless we speak first.
  const triggers = triggerHandshake(carry === null ? live.peers : withSession(carry.peers, host.nowMs() / 1000));
  await wgSet(host, name, { head, peers: triggers });
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
  await runDownHooks(host, name, now.running);
  try {
    for (const hook of [...wanted.preUp, ...wanted.postUp]) await runHook(host, name, hook);
  } catch (error) {
    await runDownHooks(host, name, wanted);
    await noteRunning(context, { preUp: [], postUp: [], preDown: [], postDown: [] });
    throw error;
  }
  const { preUp, postUp, preDown, postDown } = wanted;
  await noteRunning(context, { preUp, postUp, preDown, postDown });
}
