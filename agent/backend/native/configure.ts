import { writeFileSync } from 'node:fs';
import { triggerHandshake } from '../../core/carry-over.ts';
import type { StepOf } from '../../core/plan.ts';
import type { CommandRunner } from '../../host/command-runner.ts';
import { ipOf, isIpv6 } from '../../protocol/address.ts';
import type { ActionOf, StepAction } from '../../protocol/steps.ts';
import type { InterfaceConfig } from '../../protocol/wgquick/config.ts';
import type { LiveChange, LiveStep } from '../backend.ts';
import { resolverOf } from '../../core/quick-values.ts';
import { automaticMtu } from './automatic-mtu.ts';
import { makeRouting } from './default-routing.ts';
import { ipBatch } from './ip-batch.ts';
import { kindOf } from './kind-of.ts';
import { readAddresses, readDump } from './read-device.ts';
import { setResolver } from './resolver.ts';
import type { Tools } from './tools.ts';
import { type WgChange, wgSet } from './wg-set.ts';

// Every live action is in one of the three tables below: one that nobody carries out does not compile.

/** What a step sets by wg. */
const WG_CHANGES: { readonly [A in ActionOf<'wg'>]: (step: StepOf<A>, desired: InterfaceConfig) => WgChange } = {
  'set-private-key': (_step, { privateKey }) => ({ privateKey: privateKey?.privateKey ?? null }),
  'set-listen-port': ({ port }) => ({ listenPort: port }),
  'set-fwmark': ({ mark }) => ({ fwMark: mark ?? 0 }),
};

/** A line of `ip -batch` (ip(8)). */
const IP_LINES: { readonly [A in ActionOf<'ip'>]: (step: StepOf<A>, name: string) => string } = {
  'set-mtu': ({ mtu }, name) => `link set dev ${name} mtu ${String(mtu)}`,
  'link-up': (_step, name) => `link set dev ${name} up`,
  'add-address': ({ address, flag = '' }, name) => `address add ${address} dev ${name} ${flag}`.trimEnd(),
  'remove-address': ({ address }, name) => `address delete ${address} dev ${name}`,
  'add-route': ({ route: { destination, table, attributes = '' } }, name) =>
    ['route add', destination, attributes, 'dev', name, 'table', table].filter((word) => word !== '').join(' '),
};

type Runner<A extends ActionOf<'routing' | 'resolver'>> = (
  tools: Pick<Tools, 'runner' | 'name'>,
  step: StepOf<A>,
  change: LiveChange,
) => Promise<void>;

/** What runs by itself, after the others. */
const LONE_RUNNERS: { readonly [A in ActionOf<'routing' | 'resolver'>]: Runner<A> } = {
  'restore-routing': async ({ runner, name }, { families, mark, places }) => {
    const addresses = await readAddresses(runner, name, true);
    await makeRouting(runner, name, { families, mark, addresses, places });
  },
  'set-dns': ({ runner, name }, _step, { desired, resolverFailed }) =>
    setResolver(runner, name, resolverOf(desired.dns)).catch(resolverFailed),
};

const isOf = <A extends StepAction>(
  table: Readonly<Record<A, unknown>>,
  step: LiveStep,
): step is LiveStep & { action: A } => Object.hasOwn(table, step.action);

/** What goes together in one process goes together. */
export async function configure(tools: Tools, change: LiveChange): Promise<void> {
  const { runner, name } = tools;
  await runWgSet(runner, name, change);
  await runIpBatch(runner, name, await withMtu(tools, change));
  for (const step of change.steps) {
    if (!isOf(LONE_RUNNERS, step)) continue;
    const run = LONE_RUNNERS[step.action] as (tools: object, own: LiveStep, change: LiveChange) => Promise<void>;
    await run({ runner, name }, step, change);
  }
}

/** The change with the MTU that wg-quick would choose, where it leaves that open. */
async function withMtu(tools: Tools, change: LiveChange): Promise<LiveChange> {
  const { runner, name } = tools;
  const isOpen = (step: LiveStep): boolean => step.action === 'set-mtu' && step.mtu === null;
  const kind = kindOf(name);
  if (!change.steps.some(isOpen) || kind === 'absent') return change;
  const { peers, fwMark } = await readDump(runner, name, kind);
  const endpoints = peers.flatMap(({ endpoint }) => endpoint ?? []);
  const mtu = await automaticMtu(tools, { endpoints, mark: fwMark, of: (await tools.dialect()).mtuOf });
  return { ...change, steps: change.steps.map((step) => (step.action === 'set-mtu' ? { ...step, mtu } : step)) };
}

/** Key, port and mark in one go that names only what changes, with what makes the far sides follow. */
async function runWgSet(runner: CommandRunner, name: string, { steps, desired, peers }: LiveChange): Promise<void> {
  const own = steps.filter((step) => isOf(WG_CHANGES, step));
  if (own.length === 0) return;
  const changes = own.map((step) =>
    (WG_CHANGES[step.action] as (own: LiveStep, desired: InterfaceConfig) => WgChange)(step, desired),
  );
  await wgSet(runner, name, Object.assign({ peers: triggerHandshake(peers) }, ...changes) as WgChange);
}

/** Link, addresses and routes in one `ip -batch`: 15 ms for 500 routes, where single calls take seconds. */
async function runIpBatch(runner: CommandRunner, name: string, { steps }: LiveChange): Promise<void> {
  const own = steps.filter((step) => isOf(IP_LINES, step)).filter((step) => !writeMtu(name, step));
  if (own.length === 0) return;
  const lines = replacedFirst(own).map((step) =>
    (IP_LINES[step.action] as (own: LiveStep, device: string) => string)(step, name),
  );
  if (own.some((step) => step.action === 'remove-address' && !isIpv6(step.address))) keepSecondaries(name);
  await ipBatch(runner, lines);
}

/** The kernel has an IPv6 address once, whatever its prefix length: one that comes with another length comes when it is gone. */
function replacedFirst<S extends LiveStep>(steps: readonly S[]): S[] {
  const added = new Set(steps.flatMap((step) => (step.action === 'add-address' ? ipOf(step.address) : [])));
  const isReplaced = (step: S): boolean =>
    step.action === 'remove-address' && isIpv6(step.address) && added.has(ipOf(step.address));
  return [...steps.filter(isReplaced), ...steps.filter((step) => !isReplaced(step))];
}

/** An MTU by the kernel's own file, which needs no process; false where it cannot be written, as in some containers. */
function writeMtu(name: string, step: LiveStep): boolean {
  if (step.action !== 'set-mtu') return false;
  try {
    writeFileSync(`/sys/class/net/${name}/mtu`, String(step.mtu));
    return true;
  } catch {
    // ip(8) says what is wrong.
    return false;
  }
}

/** Without it the kernel removes every other address of a subnet together with its first one. On our own device only. */
const keepSecondaries = (name: string): void => {
  try {
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/promote_secondaries`, '1');
  } catch {
    // read-back repairs what is lost
  }
};
