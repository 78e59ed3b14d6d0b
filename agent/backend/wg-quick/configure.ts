import { writeFile } from 'node:fs/promises';
import { triggerHandshake } from '../../core/carry-over.ts';
import type { StepOf } from '../../core/plan.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { withSecretFile } from '../../host/secret-file.ts';
import { isIpv6 } from '../../protocol/address.ts';
import type { ActionOf, StepAction } from '../../protocol/steps.ts';
import type { InterfaceConfig } from '../../protocol/wgquick/config.ts';
import type { LiveChange, LiveStep } from '../backend.ts';
import { wgSet } from './wg-set.ts';

// Every live action is in one of the three tables below: one that nobody carries out does not compile.

/** Arguments of `wg set NAME` (wg(8)); a private key is read from descriptor 3. */
const WG_ARGUMENTS: { readonly [A in ActionOf<'wg'>]: (step: StepOf<A>) => readonly string[] } = {
  'set-private-key': () => ['private-key', '/dev/fd/3'],
  'set-listen-port': ({ port }) => ['listen-port', String(port)],
  'set-fwmark': ({ mark }) => ['fwmark', mark === null ? 'off' : String(mark)],
};

/** A line of `ip -batch` (ip(8)). */
const IP_LINES: { readonly [A in ActionOf<'ip'>]: (step: StepOf<A>, name: string) => string } = {
  'set-mtu': ({ mtu }, name) => `link set dev ${name} mtu ${String(mtu)}`,
  'link-up': (_step, name) => `link set dev ${name} up`,
  'add-address': ({ address }, name) => `address add ${address} dev ${name}`,
  'remove-address': ({ address }, name) => `address delete ${address} dev ${name}`,
  'add-route': ({ route }, name) => `route add ${route.destination} dev ${name} table ${route.table}`,
};

const RESOLVERS: Readonly<
  Record<ActionOf<'resolver'>, (runner: CommandRunner, name: string, desired: InterfaceConfig) => Promise<void>>
> = {
  'set-dns': setDns,
};

const isOf = <A extends StepAction>(
  table: Readonly<Record<A, unknown>>,
  step: LiveStep,
): step is LiveStep & { action: A } => Object.hasOwn(table, step.action);

/** What goes together in one process goes together. */
export async function configure(runner: CommandRunner, name: string, change: LiveChange): Promise<void> {
  await runWgSet(runner, name, change);
  await runIpBatch(runner, name, change);
  for (const step of change.steps)
    if (isOf(RESOLVERS, step)) await RESOLVERS[step.action](runner, name, change.desired);
}

/** Key, port and mark in one `wg set` that names only what changes, with what makes the far sides follow. */
async function runWgSet(runner: CommandRunner, name: string, { steps, desired, peers }: LiveChange): Promise<void> {
  const own = steps.filter((step) => isOf(WG_ARGUMENTS, step));
  const head = own.flatMap((step) => (WG_ARGUMENTS[step.action] as (own: LiveStep) => readonly string[])(step));
  if (head.length === 0) return;
  const key = own.some(({ action }) => action === 'set-private-key')
    ? (desired.privateKey?.privateKey?.reveal() ?? '')
    : '';
  await withSecretFile(key, (fd) => wgSet(runner, name, { head, peers: triggerHandshake(peers), fd }));
}

/** Link, addresses and routes in one `ip -batch`: 15 ms for 500 routes, where single calls take seconds. */
async function runIpBatch(runner: CommandRunner, name: string, { steps }: LiveChange): Promise<void> {
  const own = steps.filter((step) => isOf(IP_LINES, step));
  if (own.length === 0) return;
  const lines = own.map((step) => (IP_LINES[step.action] as (own: LiveStep, device: string) => string)(step, name));
  if (own.some((step) => step.action === 'remove-address' && !isIpv6(step.address))) await keepSecondaries(name);
  await mustRun(runner, ['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

/** Without it the kernel removes every other address of a subnet together with its first one. On our own device only. */
const keepSecondaries = async (name: string): Promise<void> => {
  await writeFile(`/proc/sys/net/ipv4/conf/${name}/promote_secondaries`, '1').catch(() => undefined); // read-back repairs what is lost
};

async function setDns(runner: CommandRunner, name: string, { dns }: InterfaceConfig): Promise<void> {
  if (dns.length === 0) {
    await mustRun(runner, ['resolvconf', '-d', name, '-f']);
    return;
  }
  const isServer = (entry: string): boolean => /^[0-9.]+$/.test(entry) || entry.includes(':');
  const servers = dns.filter(isServer).map((server) => `nameserver ${server}`);
  const domains = dns.filter((entry) => !isServer(entry));
  const lines = domains.length === 0 ? servers : [...servers, `search ${domains.join(' ')}`];
  await mustRun(runner, ['resolvconf', '-a', name, '-m', '0', '-x'], { stdin: `${lines.join('\n')}\n` });
}
