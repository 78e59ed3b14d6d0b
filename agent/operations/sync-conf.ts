import { apply } from '../apply/engine.ts';
import { changePeers, refuseOwnKey } from '../apply/change-peers.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { planFor } from '../apply/plan.ts';
import { preflight } from '../apply/preflight.ts';
import { readSnapshot, type Snapshot } from '../apply/snapshot.ts';
import { AgentError } from '../core/agent-error.ts';
import type { SyncConfBody } from '../protocol/peer-messages.ts';
import { changedFields, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { type Document, interfaceOf, isLineOf, parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import { peerWishes } from '../protocol/wgquick/peer-wishes.ts';

/** Fields of wg(8), which a text for `wg syncconf` may speak of. */
const FIELDS = ['privateKey', 'listenPort', 'fwMark'] as const;

/**
 * POST syncconf: the peers of the text, those of the file that it does not name go. What the text does not speak of stays: key, port,
 * mark, and peers that only the kernel has. Judged wholly before anything is touched.
 */
export async function syncConf(
  target: ManagedInterface,
  { config: encoded }: SyncConfBody,
): Promise<{ readonly status: 'success'; readonly message: string; readonly changed: boolean }> {
  const document = parseDocument(decoded(encoded));
  const { wishes, problem } = peerWishes(document);
  if (problem !== null) throw new AgentError('invalid_file', `Failed to synchronize configuration: ${problem}`);
  const wanted = interfaceOf(document);
  const [wrong] = Object.keys(wanted.invalid);
  if (wrong !== undefined)
    throw new AgentError('invalid_file', `Failed to synchronize configuration: the value of ${wrong} is none`);
  const before = await readSnapshot(target);
  if (wishes.length === 0 && peerKeys(before.document).length > 0) {
    const text =
      'Failed to synchronize configuration: config names no peer, which would take every one away; DELETE peers/{key} does that';
    throw new AgentError('invalid_file', text);
  }
  refuseOwnKey(before, { set: wishes }, wanted.privateKey);
  const base = before.file ?? before.running;
  const spoken = FIELDS.filter((name) => wanted[name] !== null || isNone(document, name));
  const config: InterfaceConfig = spoken.reduce((sum, name) => ({ ...sum, [name]: wanted[name] }), base);
  const takesMark = config.fwMark === null && spoken.includes('fwMark') && isMarked(target, before);
  const isMoved = takesMark || changedFields(base, config).length > 0;
  const named = new Set(wishes.map(({ publicKey }) => publicKey));
  const removed = peerKeys(before.document).filter((key) => !named.has(key));
  const withPeers = (): Promise<boolean> => changePeers(target, { set: wishes, removed });
  const message = 'Configuration synchronized successfully';
  if (!isMoved) return { status: 'success', message, changed: await withPeers() };
  await changeInterface(target, takesMark ? withOwnMark(before) : before, { config, withPeers });
  return { status: 'success', message, changed: true };
}

/** `FwMark = off` and `ListenPort = 0` speak of a field, too: there shall be none, or none in particular. */
const isNone = (document: Document, name: (typeof FIELDS)[number]): boolean =>
  name !== 'privateKey' && document.some((line) => isLineOf(line, name));

/** Whether the device has a mark that can go. That of a default route stays: without it the tunnel would be sent into itself. */
function isMarked(target: ManagedInterface, { device, file }: Snapshot): boolean {
  if (typeof device?.fwMark !== 'number') return false;
  if (device.routing.length === 0) return true;
  // One of the file goes by a restart, which makes the route anew.
  if (file?.fwMark === null) target.warnings.push('the mark stays: the default route of the tunnel goes by it');
  return false;
}

/** As if the mark that runs were of the file: else one that somebody set on the device is left alone. */
const withOwnMark = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  running: { ...snapshot.running, fwMark: snapshot.device?.fwMark ?? null },
});

interface WholeChange {
  readonly config: InterfaceConfig;
  readonly withPeers: () => Promise<unknown>;
}

/** One change with the peers: where they cannot be set, all is as it was. */
async function changeInterface(
  target: ManagedInterface,
  before: Snapshot,
  { config, withPeers }: WholeChange,
): Promise<void> {
  if (before.file === null) {
    const text = `Failed to synchronize configuration: ${target.name} has no file to write its key, port or mark into`;
    throw new AgentError('not_found', text);
  }
  const state = before.device === null ? 'down' : 'up';
  const plan = planFor(before, { config, state, remember: false });
  await preflight(target, plan);
  await apply(target, plan, withPeers);
}

/** Strictly: text that is no base64 would be an empty file, and that would take every peer away. */
function decoded(encoded: string): string {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded.replace(/[\r\n]/g, '')))
    throw new AgentError('bad_request', 'Failed to synchronize configuration: config must be base64');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  if (text.trim() === '')
    throw new AgentError(
      'invalid_file',
      'Failed to synchronize configuration: config is empty, which would take every peer away',
    );
  return text;
}
