import { AgentError } from '../core/agent-error.ts';
import type { Device } from '../core/device.ts';
import { startText } from '../core/start-text.ts';
import { type PeerChangePlan, peerDeltas } from '../core/peer-deltas.ts';
import { coverage } from '../protocol/address.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { type PeerEdits, withPeerEdits } from '../protocol/wgquick/peer-edits.ts';
import type { LiveStep } from '../backend/backend.ts';
import type { ManagedInterface } from './managed-interface.ts';
import { planFor } from './plan.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

/**
 * Changes peers in the file and on the running device, together: the device by what differs alone, the file in its place. What is to be
 * done is written down first, and done again after a crash; a failure takes both back. False = nothing was to do. The caller holds the
 * interface's lock. Throws `not_found` where there is neither file nor device.
 */
export async function changePeers(target: ManagedInterface, edits: PeerEdits): Promise<boolean> {
  const before = await readSnapshot(target, { effects: 'none' });
  const { fileText, device } = before;
  if (fileText === null && device === null)
    throw new AgentError('not_found', `There is no interface ${target.name}: neither ${target.path} nor a device`);
  const text = fileText === null ? null : withPeerEdits(fileText, edits);
  const deltas = device === null ? null : peerDeltas(device, edits);
  const isLive = deltas !== null && deltas.forth.set.length + deltas.forth.removed.length > 0;
  if (text === fileText && !isLive) return false;
  await target.state.writePeerEdits(edits);
  try {
    if (isLive) await target.backend.setPeers(deltas.forth);
    if (text !== null && text !== fileText) await target.writeFile(text);
  } catch (error) {
    throw await takenBack(target, before, { deltas: isLive ? deltas : null, error });
  }
  await target.state.writePeerEdits(null);
  if (text === null)
    target.warnings.push(`${target.name} has no file: what was changed of its peers is gone when it goes down`);
  if (device !== null) {
    await addRoutes(target, device, edits);
    await resolveNames(target, device, { text, edits });
  }
  return true;
}

/** Endpoints that are names, by and by: no answer waits for a name server. */
async function resolveNames(
  target: ManagedInterface,
  device: Device,
  { text, edits }: { readonly text: string | null; readonly edits: PeerEdits },
): Promise<void> {
  const wished = new Set(edits.set.filter(({ endpoint }) => endpoint !== undefined).map(({ publicKey }) => publicKey));
  if (text === null || wished.size === 0) return;
  const document = parseDocument(text);
  // Those that are on their way already are asked anew with them.
  const silent = new Set(device.peers.filter((peer) => peer.endpoint === null).map(({ publicKey }) => publicKey));
  const names = startText(document, null).names.filter(
    ({ publicKey }) => wished.has(publicKey) || silent.has(publicKey),
  );
  if (names.length > 0) await target.names.resolve(target, { names, document, index: device.index });
}

interface Failed {
  readonly deltas: PeerChangePlan | null;
  readonly error: unknown;
}

/** File and device as they were, and the error that says whether they are. */
async function takenBack(
  target: ManagedInterface,
  { fileText }: Snapshot,
  { deltas, error }: Failed,
): Promise<AgentError> {
  const reason = error instanceof AgentError ? error.message : 'an unexpected failure of the agent; see its log';
  if (!(error instanceof AgentError))
    target.host.log.error('unexpected failure of a change of peers', { interface: target.name, error: String(error) });
  let rolledBack = true;
  try {
    if (deltas !== null) await target.backend.setPeers(deltas.back);
    if (fileText !== null && (await target.readFile()) !== fileText) await target.writeFile(fileText);
    await target.state.writePeerEdits(null);
  } catch (failure) {
    rolledBack = false;
    target.host.log.error('a change of peers could not be undone', { interface: target.name, error: String(failure) });
  }
  const outcome = rolledBack ? 'the peers are as they were' : 'the peers may be half changed; it is tried again';
  return new AgentError('apply_failed', `The peers cannot be changed: ${reason}; ${outcome}`, {
    cause: error,
    rolledBack,
  });
}

/** What a crash, or a failed undo, left of a change of peers, is done again. */
export async function finishPeerEdits(target: ManagedInterface): Promise<boolean> {
  const edits = await target.state.readPeerEdits();
  if (edits === null) return false;
  target.host.log.warn('finishing an interrupted change of peers', { interface: target.name });
  try {
    await changePeers(target, edits);
  } catch (error) {
    // What cannot be made, as its interface is gone, is not tried for ever.
    target.host.log.error('an interrupted change of peers cannot be made', {
      interface: target.name,
      error: String(error),
    });
  }
  await target.state.writePeerEdits(null);
  return true;
}

/** Routes to what peers got, as wg-quick would make them; as good as always the networks of the interface hold it already. */
async function addRoutes(target: ManagedInterface, device: Device, { set }: PeerEdits): Promise<void> {
  const isCovered = coverage([...device.addresses, ...device.routes.map(({ destination }) => destination)]);
  const wanted = new Set(set.flatMap(({ allowedIps = [] }) => allowedIps).filter((ip) => !isCovered(ip)));
  if (wanted.size === 0) return;
  const now = await readSnapshot(target, { effects: 'none' });
  if (now.fileText === null || now.device === null) return;
  const config = interfaceOf(parseDocument(now.fileText));
  const steps = planFor(now, { config, state: 'up', remember: false }).steps.filter(
    (step): step is LiveStep & { action: 'add-route' } =>
      step.action === 'add-route' && wanted.has(step.route.destination),
  );
  if (steps.length === 0) return;
  await target.backend.configure({ steps, desired: config, peers: [] }).catch((error: unknown) => {
    target.warnings.push('a route to what a peer may use could not be added; it is looked at again with the interface');
    target.host.log.warn('a route of a peer could not be added', { interface: target.name, error: String(error) });
  });
}
