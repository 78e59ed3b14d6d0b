import type { Device, Peer } from '../core/device.ts';
import { AgentError } from '../core/agent-error.ts';
import { editsToSave } from '../core/saved-peers.ts';
import { parseDocument, peerKeys, savesConfig } from '../protocol/wgquick/document.ts';
import { type PeerEdits, withPeerEdits } from '../protocol/wgquick/peer-edits.ts';
import { type ManagedInterface, warn } from './managed-interface.ts';
import { carryOf, type Snapshot } from './snapshot.ts';

/** Peers that only the kernel has are kept for the next `up`, where the file does not ask for more. */
export async function savePeers(target: ManagedInterface, snapshot: Snapshot): Promise<void> {
  const { document, fileText } = snapshot;
  const device = carryOf(snapshot);
  if (device === null || fileText === null) return;
  await savePeersInFile(target, snapshot);
  const known = new Set(peerKeys(document));
  const kept = savesConfig(document) ? [] : device.peers.filter(({ publicKey }) => !known.has(publicKey));
  await target.state.writePeers(kept);
}

/** With `SaveConfig = true` a `wg-quick down` writes what runs over the file. So do we with the peers, and keep the rest of it as it is. */
export async function savePeersInFile(
  target: ManagedInterface,
  { device, document, ...texts }: Snapshot,
): Promise<PeerEdits> {
  const { fileText, runningText } = texts;
  if (device === null || fileText === null || !savesConfig(document)) return NO_EDITS;
  const running = runningText === null ? null : parseDocument(runningText);
  const edits = editsToSave(device.peers, { file: document, running });
  const text = withPeerEdits(fileText, edits);
  if (text === fileText) return edits;
  if ((await target.readFile()) !== fileText)
    throw new AgentError('digest_mismatch', `${target.path} was changed by somebody else in the meantime`);
  await target.writeFile(text);
  return edits;
}

const NO_EDITS: PeerEdits = { set: [], removed: [] };

/** Peers that were kept when the interface went down, and that the device lacks. They were of that life: one of somebody else ends it. */
export async function keptFor(target: ManagedInterface, device: Device): Promise<readonly Peer[]> {
  const present = new Set(device.peers.map(({ publicKey }) => publicKey));
  const peers = (await target.state.readPeers()).filter(({ publicKey }) => !present.has(publicKey));
  if (peers.length === 0 || !target.lives.hadOthers(target.name)) return peers;
  const keys = peers.map(({ publicKey }) => publicKey).join(', ');
  warn(target, 'peers that only the kernel had are not brought back: somebody else had the interface up since', keys);
  return [];
}
