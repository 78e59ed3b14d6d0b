import { AgentError } from '../core/agent-error.ts';
import type { Device, Peer, Route } from '../core/device.ts';
import { unusedRoutes } from '../core/unused-routes.ts';
import { wholeEdits } from '../core/whole-edits.ts';
import { type PeerChangePlan, peerDeltas } from '../core/peer-deltas.ts';
import { startText } from '../core/start-text.ts';
import type { Cidr } from '../protocol/address.ts';
import type { InterfaceKey } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { pathOf } from '../protocol/wgquick/fields.ts';
import { peerKeysIn } from '../protocol/wgquick/sections.ts';
import { type PeerEdits, withPeerEdits } from '../protocol/wgquick/peer-edits.ts';
import type { LiveStep } from '../backend/backend.ts';
import { audited } from './audited.ts';
import { type DeviceNotes, notesAfter, writeNotes } from './device-notes.ts';
import { resolverFailure } from './lifecycle.ts';
import { type ManagedInterface, warn } from './managed-interface.ts';
import { newNetworks, removeRoutes, routesToAdd } from './peer-routes.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

/**
 * Changes peers in the file and on the running device, together: the device by what differs alone, the file in its place. What is to be
 * done is written down first, and done again after a crash; a failure takes both back. False = nothing was to do. The caller holds the
 * interface's lock. Throws `not_found` where there is neither file nor device, `route_conflict` before anything is touched.
 */
export async function changePeers(target: ManagedInterface, edits: PeerEdits): Promise<boolean> {
  const snapshot = await readSnapshot(target, { effects: 'none', routes: 'none' });
  const { fileText, device, running } = snapshot;
  if (fileText === null && device === null)
    throw new AgentError('not_found', `There is no interface ${target.name}: neither ${target.path} nor a device`);
  refuseOwnKey(snapshot, edits);
  const change = await changeFor(target, snapshot, edits);
  if (isNothing(change)) {
    // File and kernel had it so already; a peer that came to both by hand is known from now on.
    if (change.notes.runningText !== null) await writeNotes(target.state, change.notes, change.notesAfter);
    return false;
  }
  await target.state.writePeerEdits(edits);
  await carryOut(target, change);
  if (fileText === null)
    target.warnings.push(`${target.name} has no file: what was changed of its peers is gone when it goes down`);
  if (device !== null) await afterwards(target, { device, change, running });
  return true;
}

async function changeFor(target: ManagedInterface, snapshot: Snapshot, edits: PeerEdits): Promise<Change> {
  const { fileText, device, document, running, runningText, ledger } = snapshot;
  // Of an interface that is down, the peers that only the kernel had are kept by us.
  const kept = device === null ? await target.state.readPeers() : [];
  const whole = wholeEdits(edits, { document, inFile: peerKeysIn(fileText ?? ''), peers: device?.peers ?? kept });
  const text = fileText === null ? null : withPeerEdits(fileText, whole.file);
  const networks = device === null ? [] : newNetworks(device, whole.kernel);
  const missing = await routesToAdd(target, networks, running.table);
  // Where the file cannot say into which table, none is made rather than one in the wrong table.
  const toAdd = fileText === null || snapshot.file?.invalid.table !== undefined ? [] : missing;
  const routes = toAdd.map((destination) => ({ destination, table: running.table ?? 'main' }));
  const routed = { name: target.name, baseline: ledger?.baseline ?? null, running };
  const unused = device === null ? [] : unusedRoutes({ ...routed, device }, whole.kernel);
  const notes = { runningText, ledger };
  return {
    ...{ edits: whole.kernel, fileText, text, networks, routes, unused },
    deltas: device === null ? null : changing(peerDeltas(device, whole.kernel)),
    kept: device === null ? keptAfter(kept, whole.file) : kept,
    before: kept,
    notes,
    notesAfter:
      device === null || fileText === null || text === null
        ? notes
        : notesAfter(notes, { device, edits: whole.kernel, fileText, text, routes, unused }),
  };
}

const isNothing = ({ text, fileText, deltas, kept, before }: Change): boolean =>
  text === fileText && deltas === null && kept === before;

/** wg and the kernel take such a peer, and drop it without a word. `wanted`: the key that the interface is about to get. */
export function refuseOwnKey(
  { name, file, fileText, device }: Snapshot,
  { set }: Pick<PeerEdits, 'set'>,
  wanted: InterfaceKey | null = null,
): void {
  const own = [wanted?.publicKey, file?.privateKey?.publicKey, device?.key?.publicKey];
  // What stands in the file already is not judged: whole meshes are made from one list of peers.
  const found = set.find(({ publicKey }) => own.includes(publicKey) && !peerKeysIn(fileText ?? '').has(publicKey));
  if (found === undefined) return;
  throw new AgentError(
    'key_is_peer',
    `${found.publicKey} is the public key of ${name} itself: it cannot be its own peer`,
  );
}

interface Change {
  /** Whole: of a peer that comes to the kernel from the file, its networks and its endpoint, too. */
  readonly edits: PeerEdits;
  readonly fileText: string | null;
  /** The file as it shall be; null = there is none. */
  readonly text: string | null;
  /** Null = nothing is to do on a device. */
  readonly deltas: PeerChangePlan | null;
  /** Peers that we keep for the next time that the interface comes up, as they shall be and as they are. */
  readonly kept: readonly Peer[];
  readonly before: readonly Peer[];
  /** That nothing of the device held before. */
  readonly networks: readonly Cidr[];
  /** To those of them that have none. */
  readonly routes: readonly Route[];
  /** That no peer needs any more. */
  readonly unused: readonly Route[];
  /** What is remembered of the device, as it is and as it shall be. */
  readonly notes: DeviceNotes;
  readonly notesAfter: DeviceNotes;
}

const changing = (plan: PeerChangePlan): PeerChangePlan | null =>
  plan.forth.set.length + plan.forth.removed.length > 0 ? plan : null;

/** The file has them from now on, or they are gone; and an address that another peer gets is no longer theirs. */
function keptAfter(kept: readonly Peer[], { set, removed }: PeerEdits): readonly Peer[] {
  const gone = new Set([...removed, ...set.map(({ publicKey }) => publicKey)]);
  const taken = new Set(set.flatMap(({ allowedIps = [] }) => allowedIps));
  const left = kept
    .filter(({ publicKey }) => !gone.has(publicKey))
    .map((peer) =>
      peer.allowedIps.some((ip) => taken.has(ip))
        ? { ...peer, allowedIps: peer.allowedIps.filter((ip) => !taken.has(ip)) }
        : peer,
    );
  return left.length === kept.length && left.every((peer, at) => peer === kept[at]) ? kept : left;
}

/** The kernel first, then the file. Throws `apply_failed`, with everything as it was, or `digest_mismatch`. */
async function carryOut(target: ManagedInterface, change: Change): Promise<void> {
  const { fileText, text, deltas, kept, before } = change;
  const { state } = target;
  try {
    // First: what a crash cuts off is done again, and a route that is still to be made then lacks visibly.
    await writeNotes(state, change.notes, change.notesAfter);
    if (deltas !== null) await target.backend.setPeers(deltas.forth);
    if (text !== null && text !== fileText) {
      if ((await target.readFile()) !== fileText)
        throw new AgentError('digest_mismatch', `${target.path} was changed by somebody else in the meantime`);
      await target.writeFile(text);
    }
    if (kept !== before) await state.writePeers(kept);
    await state.writePeerEdits(null);
  } catch (error) {
    throw await takenBack(target, change, error);
  }
}

/** File and device as they were, and the error that says whether they are. */
async function takenBack(target: ManagedInterface, change: Change, error: unknown): Promise<AgentError> {
  const { fileText, text, deltas, kept, before } = change;
  const { log } = target.host;
  if (!(error instanceof AgentError))
    log.error('unexpected failure of a change of peers', { interface: target.name, error: String(error) });
  const undo = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (failure) {
      log.error('a change of peers could not be undone', { interface: target.name, what, error: String(failure) });
      return false;
    }
  };
  // Each by itself: one that fails is no reason to leave the others.
  const undone = [
    await undo('kernel', async () => (deltas === null ? undefined : target.backend.setPeers(deltas.back))),
    await undo('file', async () => {
      // What somebody else wrote meanwhile is not ours to take away.
      if (fileText !== null && text !== fileText && (await target.readFile()) === text)
        await target.writeFile(fileText);
    }),
    await undo('notes', () => writeNotes(target.state, change.notesAfter, change.notes)),
    await undo('kept peers', async () => (kept === before ? undefined : target.state.writePeers(before))),
    // The caller is told that it failed: nothing makes the change later.
    await undo('record', () => target.state.writePeerEdits(null)),
  ];
  const rolledBack = !undone.includes(false);
  if (error instanceof AgentError && error.code === 'digest_mismatch' && rolledBack) return error;
  const reason = error instanceof AgentError ? error.message : 'an unexpected failure of the agent; see its log';
  const outcome = rolledBack ? 'the peers are as they were' : 'the peers may be half changed; see the log of the agent';
  const message = `The peers cannot be changed: ${reason}; ${outcome}`;
  return new AgentError('apply_failed', message, { cause: error, rolledBack });
}

/** What a crash left of a change of peers is done again, and how that ended is in the audit log; false = there was none. */
export async function finishPeerEdits(target: ManagedInterface): Promise<boolean> {
  const edits = await target.state.readPeerEdits();
  if (edits === null) return false;
  target.host.log.warn('finishing an interrupted change of peers', { interface: target.name });
  try {
    await audited(target, 'recover', async () => ({ changed: await changePeers(target, edits) }));
    await target.state.writePeerEdits(null);
  } catch (error) {
    target.host.log.error('an interrupted change of peers cannot be made', {
      interface: target.name,
      error: String(error),
    });
    // What can never be made, as its interface is gone, is not tried for ever; a full disk is tried again.
    const isForGood =
      error instanceof AgentError && ['key_is_peer', 'not_found', 'route_conflict'].includes(error.code);
    await target.state.writePeerEdits(isForGood ? null : edits);
  }
  return true;
}

interface Afterwards {
  readonly device: Device;
  readonly change: Change;
  /** What the device was brought up with. */
  readonly running: InterfaceConfig;
}

/** Routes and names: the change stands whatever comes of these, and who asked is told. */
async function afterwards(target: ManagedInterface, { device, change, running }: Afterwards): Promise<void> {
  const { edits, text } = change;
  const tried = async (failure: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      warn(target, failure, error);
    }
  };
  const later = 'could not be set up; it is looked at again with the interface';
  await tried(`a route to what a peer may use ${later}`, () => addRoutes(target, running, change));
  await tried(
    'a route that no peer needs any more stays until the interface goes down: it could not be taken away',
    () => removeRoutes(target, change.unused),
  );
  await tried(`the address of a peer ${later}`, () => resolveNames(target, device, { text, edits }));
}

/** Endpoints that are names, by and by: no answer waits for a name server. What was asked before is asked anew, as it may be another one. */
async function resolveNames(
  target: ManagedInterface,
  device: Device,
  { text, edits }: { readonly text: string | null; readonly edits: PeerEdits },
): Promise<void> {
  if (text === null) return;
  const document = parseDocument(text);
  const touched = new Set(edits.set.filter(({ endpoint }) => endpoint !== undefined).map(({ publicKey }) => publicKey));
  const silent = new Set(device.peers.filter((peer) => peer.endpoint === null).map(({ publicKey }) => publicKey));
  const isMoved = touched.size > 0 || edits.removed.length > 0;
  if (!isMoved) return;
  const names = startText(document, null).names.filter(
    ({ publicKey }) => touched.has(publicKey) || silent.has(publicKey),
  );
  await target.names.resolve(target, { names, document, index: device.index });
}

/** Routes to what peers got, as wg-quick would make them. */
async function addRoutes(
  target: ManagedInterface,
  config: InterfaceConfig,
  { networks, routes }: Change,
): Promise<void> {
  const made = new Set(routes.map(({ destination }) => destination));
  if (networks.some((ip) => ip.endsWith('/0') && !made.has(ip)))
    target.warnings.push(
      'a peer may be sent everything: that becomes the default route when the interface comes up next',
    );
  if (routes.length === 0) return;
  const steps = routes.map((route): LiveStep & { action: 'add-route' } => ({
    ...{ action: 'add-route', route, path: pathOf('table'), impact: 'None' },
  }));
  await target.backend.configure({ steps, desired: config, peers: [], resolverFailed: resolverFailure(target) });
}
