import { accessSync, constants } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AgentError } from '../core/agent-error.ts';
import type { Proposal } from '../core/change-checks.ts';
import type { Step } from '../core/plan.ts';
import { unaskedSteps } from '../core/unasked.ts';
import type { Host } from '../host/host.ts';
import { isOpenresolv } from '../host/openresolv.ts';
import { readForeignRoutes, readOtherDevices } from '../host/ip-json.ts';
import { withSecretFile } from '../host/secret-file.ts';
import { type Cidr, ipOf, isLinkLocal, networkOf } from '../protocol/address.ts';
import { isSame } from '../protocol/wgquick/config.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { compile } from '../protocol/firewall/compile.ts';
import { trustedProgram } from '../host/trusted-file.ts';
import type { StepAction } from '../protocol/steps.ts';
import { HOOK_NAMES, pathOf } from '../protocol/wgquick/fields.ts';
import { render } from '../protocol/wgquick/render.ts';
import { textForParseCheck } from '../protocol/wgquick/strip.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** Why a change cannot be made on this host: looks at it and leaves no trace. Throws AgentError. */
export type HostCheck = (target: ManagedInterface, proposal: Proposal, steps: readonly Step[]) => Promise<void>;

/** Each new hook is a whole bash command; those that stand in the file already are the host's own word. */
const hooksParse: HostCheck = async ({ host }, { current, desired: { config }, hooks }) => {
  if (hooks.mode !== 'shell') return;
  for (const name of HOOK_NAMES) {
    for (const [index, hook] of config[name].entries()) {
      if (current.file?.[name].includes(hook) === true) continue;
      const { exitCode } = await host.runner.run('bash', ['-n', '-c', hook]);
      if (exitCode === 0) continue;
      const path = `${pathOf(name)}[${String(index)}]`;
      throw new AgentError('invalid_hook', `${path}: must be a complete bash command; \`bash -n\` refuses it`, {
        details: [path],
      });
    }
  }
};

/** What wg has taken of the file of each interface, but for what a change replaces, as a hash: it need not judge the same lines again. */
const accepted = new WeakMap<Host, Map<string, string>>();

/** wg parses a whole file before it looks for the device: with a name that does not exist nothing is changed. */
const fileParses: HostCheck = async ({ host, name }, { document, desired: { config } }) => {
  const known = accepted.get(host) ?? new Map<string, string>();
  const others = createHash('sha256').update(textForParseCheck(document)).digest('base64');
  if (known.get(name) === others) return;
  const text = textForParseCheck(parseDocument(render(document, config)));
  const nobody = `wgnode-${randomBytes(4).toString('hex')}`;
  const { stderr } = await withSecretFile(text, (fd) =>
    host.runner.run('wg', ['setconf', nobody, '/dev/fd/3'], { fds: [fd] }),
  );
  if (/Unable to modify interface|No such device/.test(stderr)) {
    accepted.set(host, known.set(name, others));
    return;
  }
  throw new AgentError(
    'invalid_file',
    `wg does not accept ${name}.conf with these values; a line outside the interface part may be wrong`,
  );
};

/** Steps that call resolvconf(8) where a file has DNS; the others leave it alone, and are not refused for it. */
const RESOLVER_STEPS: ReadonlySet<StepAction> = new Set(['set-dns', 'up', 'down', 'restart']);

const resolverIsThere: HostCheck = async ({ host }, { desired: { config } }, steps) => {
  if (config.dns.length === 0 || !steps.some(({ action }) => RESOLVER_STEPS.has(action))) return;
  try {
    await host.runner.run('resolvconf', ['--version']);
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'command_missing')) throw error;
    const text = 'spec.interface.dns: needs a resolvconf program on the host; install openresolv or remove the field';
    throw new AgentError('invalid_value', text, { cause: error, details: ['spec.interface.dns'] });
  }
  if (!lacksFolderOfResolv()) return;
  const text =
    'spec.interface.dns: resolvconf is openresolv, which needs to write in /etc, and the unit of the agent may not; install its drop-in: see /usr/share/doc/wgnode-agent/examples/openresolv.conf';
  throw new AgentError('invalid_value', text, { details: ['spec.interface.dns'] });
};

/** openresolv says that all went well where it could write nothing, and loses the servers of the host: it must not begin. */
function lacksFolderOfResolv(): boolean {
  try {
    if (isOpenresolv()) accessSync('/etc', constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

const firewallHasNft: HostCheck = ({ name }, { current, desired: { config } }) => {
  const path = pathOf('firewall');
  const isNew = current.file === null || !isSame('firewall', current.file, config);
  if (!isNew || compile(config, name) === null) return Promise.resolve();
  try {
    trustedProgram('nft');
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const text = `${path}: needs nft(8) on the host: ${error.message}; install nftables, or write hooks of iptables in its place`;
    throw new AgentError('invalid_value', text, { cause: error, details: [path] });
  }
  return Promise.resolve();
};

/**
 * Addresses that the request brings: those of the file were judged when they came, and wg-quick takes them, whatever other devices have.
 * Link-local ones are by nature the same on every device.
 */
function addedAddresses({ current: { device, file }, desired: { config } }: Proposal): Cidr[] {
  const known = new Set([...(device?.addresses ?? []), ...(file?.addresses ?? [])]);
  return config.addresses.filter((address) => !known.has(address) && !isLinkLocal(address));
}

const addressesAreFree: HostCheck = async ({ host, name }, proposal) => {
  const added = addedAddresses(proposal);
  if (proposal.desired.state === 'down' || added.length === 0) return;
  const devices = await readOtherDevices(host.runner, name);
  const taken = new Map(
    devices.flatMap((device) => device.addresses.map((address) => [ipOf(address), device.name] as const)),
  );
  for (const address of added) {
    const device = taken.get(ipOf(address));
    if (device === undefined) continue;
    const text = `spec.interface.addresses: ${address} is an address of ${device} already`;
    throw new AgentError('address_conflict', text, { details: ['spec.interface.addresses'] });
  }
};

const routesAreFree: HostCheck = async ({ host, name }, proposal) => {
  const { current, desired } = proposal;
  if (desired.state === 'down') return;
  const own = new Set(current.device?.routes.map((route) => route.destination));
  // A tunnel that stays up keeps its routes as they are: those of peers are judged only where they are made anew.
  const isRemade = current.file === null || !isSame('table', current.file, desired.config);
  const allowed =
    isRemade && desired.config.table === null ? (current.device?.peers ?? []).flatMap((peer) => peer.allowedIps) : [];
  const destinations = [
    ...addedAddresses(proposal).map(networkOf),
    ...allowed.filter((ip) => !own.has(ip) && !ip.endsWith('/0')),
  ];
  if (destinations.length === 0) return;
  const routes = await readForeignRoutes(host.runner, name);
  const held = new Map(routes.map((route) => [route.destination, route.device]));
  for (const destination of destinations) {
    const device = held.get(destination);
    if (device === undefined) continue;
    throw new AgentError('route_conflict', `The route to ${destination} is held by ${device}; it is left alone`);
  }
};

const portIsFree: HostCheck = async (_target, { current, desired: { config, state } }, steps) => {
  const { listenPort } = config;
  if (state === 'down' || listenPort === null || listenPort === current.device?.listenPort) return;
  // A port that a running tunnel has lost to somebody else is drift, and no reason to refuse another field.
  if (unaskedSteps(steps, current.file, config).some(({ action }) => action === 'set-listen-port')) return;
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
};

/** In this order; the first that fails is what the caller is told. */
export const HOST_CHECKS: readonly HostCheck[] = [
  hooksParse,
  fileParses,
  resolverIsThere,
  firewallHasNft,
  addressesAreFree,
  routesAreFree,
  portIsFree,
];
