import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELDS, HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { closeJournal, converge, restoreFile, wantedLive } from './engine.ts';
import type { Host } from './host.ts';
import { bringDown, compensate } from './lifecycle.ts';
import { readSnapshot } from './snapshot.ts';

/**
 * Rolls back a change that a crash, or a failed undo, left unfinished; false = there was none. Called at start and before every
 * change, so that no half state is ever taken as the former one.
 */
export async function recover(host: Host, name: string): Promise<boolean> {
  const journal = await host.state.readJournal(name);
  if (journal === null) return false;
  const now = await readSnapshot(host, name);
  // Nobody knows which hooks ran: a known state is reached only through a whole teardown, of the new ones too.
  if (journal.disrupted && now.live !== null) {
    const attempted = now.file ?? now.running;
    const isOther = HOOK_NAMES.some((hook) => !FIELDS[hook].equal(attempted[hook], now.running[hook]));
    if (isOther) await compensate(host, name, attempted);
    await bringDown(host, name);
  }
  await restoreFile(host, name, journal.fileText, now.file);
  const former = interfaceOf(parseDocument(journal.runningText ?? ''));
  const wanted = wantedLive(former, journal.formerLive === null ? 'down' : 'up');
  await converge({ host, name, carry: journal.formerLive, attempted: now.file, upText: journal.runningText }, wanted);
  await closeJournal(host, name, journal);
  return true;
}
