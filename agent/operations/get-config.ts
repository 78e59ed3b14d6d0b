import type { ManagedInterface } from '../apply/managed-interface.ts';
import { currentOf, readSnapshot, type Snapshot } from '../apply/snapshot.ts';
import { createHmac } from 'node:crypto';
import { AgentError } from '../core/agent-error.ts';
import { driftOf, invalidDrift } from '../core/drift.ts';
import { type Current, settledFields } from '../core/plan.ts';
import type { SeenEffect } from '../core/seen-effects.ts';
import type { Device, Peer } from '../core/device.ts';
import { memoized } from '../protocol/memoized.ts';
import { markKeys, redactFile, redactKeys } from '../protocol/redact.ts';
import { encodeText } from '../host/text-bytes.ts';
import { isLinkLocal } from '../protocol/address.ts';
import type {
  ConfigResponse,
  InterfaceState,
  ReadBack,
  WireDrift,
  WireHook,
  WireLive,
  WireUnresolved,
} from '../protocol/messages.ts';
import { EMPTY_CONFIG, type InterfaceConfig, mapHooks } from '../protocol/wgquick/config.ts';
import { type FieldName, FIELDS, pathOf } from '../protocol/wgquick/fields.ts';
import { savesConfig, unmanagedLines } from '../protocol/wgquick/document.ts';
import { joinedHooks } from '../protocol/wgquick/field-kinds.ts';
import { invalidLines } from '../protocol/wgquick/invalid-lines.ts';
import { specFromConfig } from '../protocol/wgquick/wire.ts';
import type { ReadContext } from './context.ts';

/** More would tell nobody more, and an answer has its limits at the other end. */
const MAX_INVALID_LINES = 1_000;

/** The answer to GET config. 404 only when there is neither a file nor a device. */
export async function getConfig(context: ReadContext, target: ManagedInterface): Promise<ConfigResponse> {
  const snapshot = await readSnapshot(target);
  if (snapshot.fileText === null && snapshot.device === null) {
    throw new AgentError('not_found', `Configuration file not found: ${target.path}`);
  }
  return configResponse(context, target.name, snapshot);
}

/** The response to GET config for what a snapshot shows. */
export function configResponse(context: ReadContext, name: string, snapshot: Snapshot): ConfigResponse {
  const view = viewOf(context, name, snapshot);
  const { readBackKeys } = context.settings;
  const text = snapshot.fileText ?? '';
  const config = { ...view.config, raw_config: readBackKeys ? text : redactFile(text) };
  return { ...view, config, digest: digestOfView(context, snapshot, view) };
}

/** The response for what a change left behind, but for the view of the old agent. */
export function readBackOf(context: ReadContext, name: string, snapshot: Snapshot): ReadBack {
  const view = viewOf(context, name, snapshot);
  const { config: _, ...rest } = view;
  return { ...rest, digest: digestOfView(context, snapshot, view) };
}

/** The digest of that response, without the work of making it. */
export const digestOf = (context: ReadContext, name: string, snapshot: Snapshot): string =>
  digestOfView(context, snapshot, viewOf(context, name, snapshot));

/** The response but for the file's text. */
type View = Omit<ConfigResponse, 'config' | 'digest'> & {
  readonly config: Omit<ConfigResponse['config'], 'raw_config'>;
};

function viewOf(context: ReadContext, name: string, snapshot: Snapshot): View {
  const own = snapshot.file ?? EMPTY_CONFIG;
  const file = context.settings.readBackKeys ? own : mapHooks(own, (hook) => markKeys(hook));
  const current = currentOf(snapshot);
  return {
    interface: name,
    config: oldView(context, file),
    spec: specFromConfig(file, savesConfig(snapshot.document)),
    live: snapshot.device === null ? null : deviceView(snapshot.device, file),
    state: stateOf(snapshot),
    public_key: file.privateKey?.publicKey ?? null,
    live_public_key: snapshot.device?.key?.publicKey ?? null,
    unmanaged: unmanagedLines(snapshot.document).map(redactKeys),
    invalid: invalidLines(snapshot.document).slice(0, MAX_INVALID_LINES),
    drift: driftBetween(current),
    settled: settledFields(current).map(pathOf),
    unresolved: unresolvedView(context, name),
    hooks: snapshot.effects.slice(0, MAX_HOOKS).map(hookView),
    owner: snapshot.owner,
  };
}

const stateOf = (snapshot: Snapshot): InterfaceState => {
  if (snapshot.device !== null) return 'up';
  return snapshot.fileText === null ? 'absent' : 'down';
};

/** What the file says and is no value differs from anything that could run: it is told of an interface that is down, too. */
function driftBetween(current: Current): WireDrift[] {
  const { file, device } = current;
  // A device without a file has nothing to differ from.
  if (file === null) return [];
  return device === null ? invalidDrift(file) : driftOf({ ...current, file });
}

function deviceView(device: Device, file: InterfaceConfig): WireLive {
  return {
    listen_port: device.listenPort,
    fw_mark: device.fwMark,
    // The kernel makes link-local addresses by itself: shown only where somebody asked for them.
    address: device.addresses.filter((address) => !isLinkLocal(address) || file.addresses.includes(address)),
    mtu: device.mtu,
    link_up: device.linkUp,
    peer_count: device.peers.length,
  };
}

const MAX_HOOKS = 256;

const hookView = ({ list, line, command, isThere }: SeenEffect): WireHook => ({
  list: FIELDS[list].wire.name,
  line,
  command: redactKeys(command),
  present: isThere,
});

const MAX_UNRESOLVED = 100;

const unresolvedView = ({ interfaces }: ReadContext, name: string): WireUnresolved[] =>
  interfaces
    .open(name)
    .names.unresolved(name)
    .slice(0, MAX_UNRESOLVED)
    .map(({ publicKey, host, port }) => ({ public_key: publicKey, endpoint: `${host}:${port}` }));

const joined = (lines: readonly string[], separator: string): string | null =>
  lines.length === 0 ? null : lines.join(separator);

/** The old agent's fields, with all rules of a list joined as its documentation joins them. */
function oldView({ settings }: ReadContext, file: InterfaceConfig): View['config'] {
  const invalid = (name: FieldName): string[] =>
    (file.invalid[name] ?? []).map((own) => (settings.readBackKeys ? own : redactKeys(own)));
  return {
    private_key: settings.readBackKeys ? (file.privateKey?.privateKey?.reveal() ?? null) : null,
    listen_port: file.listenPort,
    address: joined([...file.addresses, ...invalid('addresses')], ', '),
    post_up: joinedHooks(file.postUp) || null,
    pre_down: joinedHooks(file.preDown) || null,
    mtu: file.mtu,
    dns: joined([...file.dns, ...invalid('dns')], ', '),
    table: file.table ?? invalid('table').at(-1) ?? null,
  };
}

/** What was set of a peer, as one text; no part of it has a space. */
const settingsOf = memoized(
  ({ publicKey, presharedKey, allowedIps, keepalive }: Peer) =>
    `${publicKey} ${presharedKey?.reveal() ?? ''} ${[...allowedIps].sort().join()} ${String(keepalive)}`,
);

/**
 * Keyed, so that it is no hash of a private key to anybody else. Counters, handshakes and endpoints do not move it, nor does the
 * order of peers: wireguard-go tells them in another one each time.
 */
function digestOfView({ host }: ReadContext, { fileText, device }: Snapshot, view: View): string {
  const peers = (device?.peers ?? []).map(settingsOf);
  return createHmac('sha256', host.state.digestKey.reveal())
    .update(encodeText(fileText ?? ''))
    .update(`\0${JSON.stringify(view)}\0${peers.sort().join('\n')}`)
    .digest('base64url');
}
