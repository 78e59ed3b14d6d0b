import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AgentError } from '../core/agent-error.ts';
import { type Problem, validate } from '../protocol/validate.ts';
import { type Cidr, ipOf, isLinkLocal, networkOf } from '../protocol/address.ts';
import { changedFields, EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import { type FieldName, fieldOf, FIELDS, HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { render } from '../protocol/wgquick/render.ts';
import { textForParseCheck } from '../protocol/wgquick/strip.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import { readForeignRoutes, readOtherDevices } from './ip-json.ts';
import type { Host } from './host.ts';
import { withSecretFile } from './secret-file.ts';
import type { Snapshot } from './snapshot.ts';

export interface HookPolicy {
  /** `off` refuses hook lines that are not in the file already; `shell` takes any bash line. */
  readonly hooks: 'off' | 'shell';
}

/** Throws when `wanted` cannot or must not be applied. Called before anything is touched; leaves no trace. */
export async function preflight(
  host: Host,
  name: string,
  before: Snapshot,
  wanted: DesiredInterface & HookPolicy,
): Promise<void> {
  const { config } = wanted;
  refuseProblems(problemsOfChange(before, config));
  refuseHooks(before, config, wanted.hooks);
  refuseOwnPeer(before, wanted);
  await checkHooks(host, config);
  await checkParse(host, name, render(before.document, config));
  await checkResolver(host, config);
  if (wanted.state === 'up') await checkHostConflicts(host, name, before, config);
}

/** What is in the file already and stays is not judged anew: a PUT of something else must not fail on it. */
function problemsOfChange(before: Snapshot, config: InterfaceConfig): Problem[] {
  const changed = changedFields(before.file ?? EMPTY_CONFIG, config);
  const isJudged = (name: FieldName): boolean =>
    changed.some((other) => other === name || fieldOf(name).judgedWith?.includes(other) === true);
  return validate(config).filter(({ field }) => isJudged(field));
}

function refuseProblems(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const details = problems.map(({ path, message }) => `${path}: ${message}`);
  throw new AgentError(first.code, `Cannot take the configuration: ${details.join('; ')}`, { details });
}

function refuseHooks(before: Snapshot, config: InterfaceConfig, policy: 'off' | 'shell'): void {
  const fresh = HOOK_NAMES.filter(
    (name) => config[name].length > 0 && !FIELDS[name].equal(before.file?.[name] ?? [], config[name]),
  );
  if (policy === 'shell' || fresh.length === 0) return;
  const text = `The agent's own policy (hooks: off) does not take new hooks: ${fresh.join(', ')}; set hooks: shell in its configuration to allow them`;
  throw new AgentError('hooks_off', text, { details: fresh.map((name) => `spec.interface.${name}`) });
}

/** The kernel silently drops a peer that has the interface's own key. */
function refuseOwnPeer(before: Snapshot, { config }: DesiredInterface): void {
  const publicKey = config.privateKey?.publicKey;
  const peers = [...peerKeys(before.document), ...(before.live?.peers ?? []).map((peer) => peer.publicKey)];
  if (publicKey === undefined || !peers.includes(publicKey)) return;
  throw new AgentError(
    'key_is_peer',
    `The public key ${publicKey} of the new private key is that of a peer of this interface; the peer would be lost`,
  );
}

async function checkHooks(host: Host, config: InterfaceConfig): Promise<void> {
  for (const name of HOOK_NAMES) {
    for (const [index, hook] of config[name].entries()) {
      const { exitCode } = await host.runner.run('bash', ['-n', '-c', hook]);
      if (exitCode === 0) continue;
      const path = `spec.interface.${name}[${String(index)}]`;
      throw new AgentError('invalid_hook', `${path}: must be a complete bash command; \`bash -n\` refuses it`, {
        details: [path],
      });
    }
  }
}

/** wg parses a whole file before it looks for the device: with a name that does not exist nothing is changed. */
async function checkParse(host: Host, name: string, fileText: string): Promise<void> {
  const text = textForParseCheck(parseDocument(fileText));
  const nobody = `wgnode-${randomBytes(4).toString('hex')}`;
  const { stderr } = await withSecretFile(text, (fd) =>
    host.runner.run('wg', ['setconf', nobody, '/dev/fd/3'], { fds: [fd] }),
  );
  if (/Unable to modify interface|No such device/.test(stderr)) return;
  throw new AgentError(
    'invalid_file',
    `wg does not accept ${name}.conf with these values; a line outside the interface part may be wrong`,
  );
}

async function checkResolver(host: Host, config: InterfaceConfig): Promise<void> {
  if (config.dns.length === 0) return;
  try {
    await host.runner.run('resolvconf', ['--version']);
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'command_missing')) throw error;
    const text = 'spec.interface.dns: needs a resolvconf program on the host; install openresolv or remove the field';
    throw new AgentError('invalid_value', text, { cause: error, details: ['spec.interface.dns'] });
  }
}

async function checkHostConflicts(host: Host, name: string, before: Snapshot, config: InterfaceConfig): Promise<void> {
  const [devices, routes] = await Promise.all([
    readOtherDevices(host.runner, name),
    readForeignRoutes(host.runner, name),
  ]);
  const isLive = (address: Cidr): boolean => before.live?.addresses.includes(address) === true;
  // What the interface has already is no new conflict; link-local addresses are by nature the same on every device.
  const added = config.addresses.filter((address) => !isLive(address) && !isLinkLocal(address));
  const taken = new Map(
    devices.flatMap((device) => device.addresses.map((address) => [ipOf(address), device.name] as const)),
  );
  for (const address of added) {
    const device = taken.get(ipOf(address));
    if (device === undefined) continue;
    const text = `spec.interface.addresses: ${address} is an address of ${device} already`;
    throw new AgentError('address_conflict', text, { details: ['spec.interface.addresses'] });
  }
  const held = new Map(routes.map((route) => [route.destination, route.device]));
  const own = new Set(before.live?.routes.map((route) => route.destination));
  const allowed = config.table === null ? (before.live?.peers ?? []).flatMap((peer) => peer.allowedIps) : [];
  for (const destination of [...added.map(networkOf), ...allowed.filter((ip) => !own.has(ip) && !ip.endsWith('/0'))]) {
    const device = held.get(destination);
    if (device === undefined) continue;
    throw new AgentError('route_conflict', `The route to ${destination} is held by ${device}; it is left alone`);
  }
  await checkPort(before, config);
}

async function checkPort(before: Snapshot, { listenPort }: InterfaceConfig): Promise<void> {
  if (listenPort === null || listenPort === before.live?.listenPort) return;
  const tables = await Promise.all(
    ['udp', 'udp6'].map((table) => readFile(`/proc/self/net/${table}`, 'utf8').catch(() => '')),
  );
  const hex = listenPort.toString(16).toUpperCase().padStart(4, '0');
  // Lines of proc(5) net/udp: `  sl  local_address ...`, the local address as HEX:PORT.
  const used = tables.some((table) => table.split('\n').some((row) => row.trim().split(/\s+/)[1]?.endsWith(`:${hex}`)));
  if (used)
    throw new AgentError(
      'port_in_use',
      `spec.interface.listenPort: UDP port ${String(listenPort)} is in use on this host`,
    );
}
