import { bringDown, forgetOlderLife } from '../apply/lifecycle.ts';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import { readSnapshot } from '../apply/snapshot.ts';
import { takeDownOurs } from './set-state.ts';

/** DELETE: down, then the file and everything that we remember of it. Fine when nothing is there. */
export async function deleteInterface(target: ManagedInterface): Promise<{ status: 'success'; message: string }> {
  const { state, name } = target;
  const before = await readSnapshot(target);
  if (before.device !== null)
    await (before.file === null ? takeDownOurs(target, before) : bringDown(target, before.device));
  else await forgetOlderLife(target);
  await target.removeFile();
  await state.writePeers([]);
  await state.writePeerEdits(null);
  await state.writeDesired(null);
  await state.writeOwner(null);
  await state.writeJournal(null);
  return { status: 'success', message: `Interface ${name} deleted successfully` };
}
