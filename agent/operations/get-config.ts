import type { ManagedInterface } from '../apply/managed-interface.ts';
import { readSnapshot, type Snapshot } from '../apply/snapshot.ts';
import { createHmac } from 'node:crypto';
import { AgentError } from '../core/agent-error.ts';
import { driftOf, invalidDrift } from '../core/drift.ts';
import type { Live } from '../core/live.ts';
import { redactFile, redactKeys } from '../protocol/redact.ts';
import { isLinkLocal } from '../protocol/address.ts';
import type { ConfigAnswer, InterfaceState, WireDrift, WireLive } from '../protocol/messages.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import type { FieldName } from '../protocol/wgquick/fields.ts';
import { savesConfig, unmanagedLines } from '../protocol/wgquick/document.ts';
import { invalidLines } from '../protocol/wgquick/invalid-lines.ts';
import { specFromConfig } from '../protocol/wgquick/wire.ts';
import type { AgentContext } from './context.ts';

/** More would tell nobody more, and an answer has its limits at the other end. */
const MAX_INVALID_LINES = 1_000;

/** The answer to GET config. 404 only when there is neither a file nor a device. */
export async function getConfig(context: AgentContext, target: ManagedInterface): Promise<ConfigAnswer> {
  const snapshot = await readSnapshot(target);
  if (snapshot.fileText === null && snapshot.live === null) {
    throw new AgentError('not_found', `Configuration file not found: ${target.path}`);
  }
  return configAnswer(context, target.name, snapshot);
}

export function configAnswer(context: AgentContext, name: string, snapshot: Snapshot): ConfigAnswer {
  const file = snapshot.file ?? EMPTY_CONFIG;
  const body = {
    interface: name,
    config: oldView(context, snapshot, file),
    spec: specFromConfig(file, savesConfig(snapshot.document)),
    live: snapshot.live === null ? null : liveView(snapshot.live, file),
    state: stateOf(snapshot),
    public_key: file.privateKey?.publicKey ?? null,
    live_public_key: snapshot.live?.key?.publicKey ?? null,
    unmanaged: unmanagedLines(snapshot.document).map(redactKeys),
    invalid: invalidLines(snapshot.document).slice(0, MAX_INVALID_LINES),
    drift: driftBetween(snapshot, file),
  };
  return { ...body, digest: digestOf(context, snapshot, JSON.stringify(body)) };
}

const stateOf = (snapshot: Snapshot): InterfaceState => {
  if (snapshot.live !== null) return 'up';
  return snapshot.fileText === null ? 'absent' : 'down';
};

/** What the file says and is no value differs from anything that could run: it is told of an interface that is down, too. */
function driftBetween({ live, running }: Snapshot, file: InterfaceConfig): WireDrift[] {
  return live === null ? invalidDrift(file) : driftOf({ file, running, live });
}

function liveView(live: Live, file: InterfaceConfig): WireLive {
  return {
    listen_port: live.listenPort,
    fw_mark: live.fwMark,
    // The kernel makes link-local addresses by itself: shown only where somebody asked for them.
    address: live.addresses.filter((address) => !isLinkLocal(address) || file.addresses.includes(address)),
    mtu: live.mtu,
    link_up: live.linkUp,
    peer_count: live.peers.length,
  };
}

const joined = (lines: readonly string[], separator: string): string | null =>
  lines.length === 0 ? null : lines.join(separator);

/** The old agent's fields, with all rules of a list joined as its documentation joins them. */
function oldView({ settings }: AgentContext, snapshot: Snapshot, file: InterfaceConfig): ConfigAnswer['config'] {
  const text = snapshot.fileText ?? '';
  const invalid = (name: FieldName): string[] =>
    (file.invalid[name] ?? []).map((own) => (settings.readBackKeys ? own : redactKeys(own)));
  return {
    private_key: settings.readBackKeys ? (file.privateKey?.privateKey?.reveal() ?? null) : null,
    listen_port: file.listenPort,
    address: joined([...file.addresses, ...invalid('addresses')], ', '),
    post_up: joined(file.postUp, '; '),
    pre_down: joined(file.preDown, '; '),
    mtu: file.mtu,
    dns: joined([...file.dns, ...invalid('dns')], ', '),
    table: file.table ?? invalid('table').at(-1) ?? null,
    raw_config: settings.readBackKeys ? text : redactFile(text),
  };
}

/**
 * Keyed, so that it is no hash of a private key to anybody else. Counters, handshakes and endpoints do not move it, nor does the
 * order of peers: wireguard-go tells them in another one each time.
 */
function digestOf({ host }: AgentContext, { fileText, live }: Snapshot, answer: string): string {
  const peers = (live?.peers ?? []).map(({ publicKey, presharedKey, allowedIps, keepalive }) =>
    JSON.stringify([publicKey, presharedKey?.reveal(), [...allowedIps].sort(), keepalive]),
  );
  return createHmac('sha256', host.state.digestKey.reveal())
    .update(fileText ?? '')
    .update(`\0${answer}\0${peers.sort().join()}`)
    .digest('base64url');
}
