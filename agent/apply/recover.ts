import { peerSections } from '../core/carry-over.ts';
import type { Device } from '../core/device.ts';
import { type PeerSources, peersToKeep } from '../core/kept-peers.ts';
import { audited } from './audited.ts';
import type { JournalEntry } from '../host/state-folder.ts';
import { interfaceOf, parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import { isSame } from '../protocol/wgquick/config.ts';
import { HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { withIntentLines } from '../protocol/firewall/hook-lines.ts';
import { finishPeerEdits } from './change-peers.ts';
import { converge } from './converge.ts';
import { runQuietly } from './hooks.ts';
import { closeJournal, previousState, restoreFile } from './journal.ts';
import { bringDown, forgetOlderLife } from './lifecycle.ts';
import { forgiving, type ManagedInterface } from './managed-interface.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

/**
 * Rolls back a change that a crash, or a failed undo, left unfinished; false = there was none. Called at start and before every
 * change, so that no half state is ever taken as the previous one. Where the previous tunnel does not come up any more, its file and
 * peers are kept and the interface stays down: a known state, from which a better configuration can go on.
 */
export async function recover(target: ManagedInterface): Promise<boolean> {
  const journal = await target.state.readJournal();
  if (journal === null) return finishPeerEdits(target);
  await audited(target, 'recover', () => rollBack(forgiving(target), journal));
  // Of a syncconf that was cut off there may be both.
  await finishPeerEdits(target);
  return true;
}

async function rollBack(target: ManagedInterface, journal: JournalEntry): Promise<object> {
  const now = await readSnapshot(target);
  const presentText = await target.state.readRunning();
  target.looks.forget();
  const steps = journal.steps.map(({ action, path }) => `${action} (${path})`);
  target.host.log.warn('rolling back an unfinished change', { interface: target.name, steps });
  if (journal.disrupted) await tearDown(target, now);
  await restoreFile(target, journal);
  const running = interfaceOf(parseDocument(journal.runningText ?? ''));
  const desired = previousState({ device: journal.previousDevice, running });
  const carry = await carryFrom(target, journal, { device: now.device, presentText });
  const convergence = { target, carry, attempted: now.file, startConfig: journal.runningText };
  try {
    await converge(convergence, desired);
    await closeJournal(target, journal);
  } catch (error) {
    const fields = { interface: target.name, error: String(error) };
    target.host.log.error(
      'the previous tunnel does not come up again; it stays down, its file and peers are kept',
      fields,
    );
    await keepPeers(target, carry);
    const isDown = (await readSnapshot(target)).device === null;
    await closeJournal(target, isDown ? { ...journal, runningText: null } : journal);
  }
  return {};
}

/** The device that a crash left, and the text that it came up from. */
interface Present {
  readonly device: Device | null;
  readonly presentText: string | null;
}

/** What ran before, with its peers as they shall outlive it, and those that somebody gave the device since. */
async function carryFrom(
  target: ManagedInterface,
  { previousDevice, runningText }: JournalEntry,
  { device, presentText }: Present,
): Promise<Device | null> {
  const text = await target.readFile();
  if (previousDevice === null || text === null) return previousDevice;
  const file = parseDocument(text);
  const sourcesOf = (copy: string | null): PeerSources => ({
    file,
    running: copy === null ? null : parseDocument(copy),
  });
  const known = new Set(previousDevice.peers.map(({ publicKey }) => publicKey));
  const since = (device?.peers ?? []).filter(({ publicKey }) => !known.has(publicKey));
  const peers = [
    ...peersToKeep(previousDevice.peers, sourcesOf(runningText)),
    ...peersToKeep(since, sourcesOf(presentText)),
  ];
  return { ...previousDevice, peers };
}

/** Nobody knows which hooks ran: a known state is reached only through a whole teardown, of the new ones too. */
async function tearDown(target: ManagedInterface, now: Snapshot): Promise<void> {
  if (now.device === null) {
    await forgetOlderLife(target);
    return;
  }
  const attempted = now.file ?? now.running;
  const isOther = [...HOOK_NAMES, 'firewall' as const].some((name) => !isSame(name, attempted, now.running));
  const { preDown, postDown } = withIntentLines(attempted);
  if (isOther) await runQuietly(target, [...preDown, ...postDown]);
  await bringDown(target, isOther ? null : now.device);
}

/** Peers that only the kernel had go into the file, now that there is no kernel to keep them. */
async function keepPeers(target: ManagedInterface, carry: Device | null): Promise<void> {
  const text = await target.readFile();
  if (carry === null || text === null) return;
  const known = new Set(peerKeys(parseDocument(text)));
  const missing = carry.peers.filter(({ publicKey }) => !known.has(publicKey));
  if (missing.length === 0) return;
  await target.writeFile(`${text.trimEnd()}\n\n${peerSections(missing)}`);
}
