import { undoOlderLife } from '../apply/hooks.ts';
import { bringDown } from '../apply/lifecycle.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { readSnapshot } from '../apply/snapshot.ts';
import { takeDownOurs } from './set-state.ts';

/** DELETE: down, then the file and everything that we remember of it. Fine when nothing is there. */
export async function deleteInterface(target: ManagedInterface): Promise<{ status: 'success'; message: string }> {
  const { state, name } = target;
  const before = await readSnapshot(target);
  const stale = before.device === null ? await state.readRunning() : null;
  if (before.device !== null) await (before.file === null ? takeDownOurs(target, before) : bringDown(target));
  else if (stale !== null) await undoOlderLife(target, stale);
  await target.removeFile();
  await state.writeRunning(null);
  await state.writeLedger(null);
  await state.writeDesired(null);
  await state.writeJournal(null);
  return { status: 'success', message: `Interface ${name} deleted successfully` };
}
