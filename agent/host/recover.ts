import { peerSections } from '../core/carry-over.ts';
import { interfaceOf, parseDocument, peerKeys } from '../protocol/wgquick/document.ts';
import { FIELDS, HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { writeDurably } from './config-files.ts';
import { closeJournal, converge, formerState, restoreFile } from './engine.ts';
import type { Host } from './host.ts';
import { bringDown, runDownHooks } from './lifecycle.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';
import type { JournalEntry } from './state-folder.ts';

/**
 * Rolls back a change that a crash, or a failed undo, left unfinished; false = there was none. Called at start and before every
 * change, so that no half state is ever taken as the former one. Where the former tunnel does not come up any more, its file and
 * peers are kept and the interface stays down: a known state, from which a better configuration can go on.
 */
export async function recover(host: Host, name: string): Promise<boolean> {
  const journal = await host.state.readJournal(name);
  if (journal === null) return false;
  const now = await readSnapshot(host, name);
  const steps = journal.steps.map(({ action, path }) => `${action} (${path})`);
  host.log.warn('rolling back an unfinished change', { interface: name, steps });
  if (journal.disrupted) await tearDown(host, name, now);
  await restoreFile(host, name, journal.fileText, now.file);
  const running = interfaceOf(parseDocument(journal.runningText ?? ''));
  const wanted = formerState({ live: journal.formerLive, running });
  const convergence = { host, name, carry: journal.formerLive, attempted: now.file, startConfig: journal.runningText };
  try {
    await converge(convergence, wanted);
    await closeJournal(host, name, journal);
  } catch (error) {
    const fields = { interface: name, error: String(error) };
    host.log.error('the former tunnel does not come up again; it stays down, its file and peers are kept', fields);
    await keepPeers(host, name, journal);
    const isDown = (await readSnapshot(host, name)).live === null;
    await closeJournal(host, name, isDown ? { ...journal, runningText: null } : journal);
  }
  return true;
}

/** Nobody knows which hooks ran: a known state is reached only through a whole teardown, of the new ones too. */
async function tearDown(host: Host, name: string, now: Snapshot): Promise<void> {
  if (now.live === null) {
    const copy = await host.state.readRunning(name);
    if (copy !== null) await runDownHooks(host, name, interfaceOf(parseDocument(copy)));
    await host.state.writeRunning(name, null);
    return;
  }
  const attempted = now.file ?? now.running;
  const isOther = HOOK_NAMES.some((hook) => !FIELDS[hook].equal(attempted[hook], now.running[hook]));
  if (isOther) await runDownHooks(host, name, attempted);
  await bringDown(host, name);
}

/** Peers that only the kernel had go into the file, now that there is no kernel to keep them. */
async function keepPeers(host: Host, name: string, { formerLive }: JournalEntry): Promise<void> {
  const text = await host.readFile(name);
  if (formerLive === null || text === null) return;
  const known = new Set(peerKeys(parseDocument(text)));
  const missing = formerLive.peers.filter(({ publicKey }) => !known.has(publicKey));
  if (missing.length === 0) return;
  await writeDurably(host.configPath(name), `${text.trimEnd()}\n\n${peerSections(missing)}`);
}
