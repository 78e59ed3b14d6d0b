import { isDisruptive } from '../core/plan.ts';
import { isLinkLocal } from '../protocol/address.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import { NO_KEY } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import type { JournalEntry } from '../host/state-folder.ts';
import { fileTextOf } from './file-text.ts';
import { activeConfigOf } from './lifecycle.ts';
import type { ManagedInterface } from './managed-interface.ts';
import type { Plan } from './plan.ts';
import type { Snapshot } from './snapshot.ts';

/** Writes down what the plan replaces, before its first effect. */
export async function openJournal(target: ManagedInterface, { before, steps }: Plan): Promise<JournalEntry> {
  const { device, fileText } = before;
  const entry: JournalEntry = {
    fileText,
    runningText: device === null ? null : (before.runningText ?? activeConfigOf(fileText ?? '')),
    previousDevice: device,
    previousDesired: await target.state.readDesired(),
    disrupted: steps.some(isDisruptive),
    steps: steps.map(({ action, path, impact }) => ({ action, path, impact })),
  };
  await target.state.writeJournal(entry);
  // Somebody else brought it up, from the file as it was: once that is overwritten, nobody would know what its hooks had set up.
  if (device !== null) {
    await target.state.writeRunning(entry.runningText);
    await target.state.writeLedger(before.ledger ?? { index: device.index, baseline: null });
  }
  return entry;
}

/** What ran, as a wish: numbers that its file left open included. */
export function previousState({ device, running }: Pick<Snapshot, 'device' | 'running'>): DesiredInterface {
  if (device === null) return { config: running, state: 'down' };
  const { listenPort, mtu, fwMark } = device;
  const privateKey = device.key ?? NO_KEY;
  // A new device makes link-local addresses of its own.
  const addresses = device.addresses.filter((address) => !isLinkLocal(address) || running.addresses.includes(address));
  return { config: { ...running, privateKey, listenPort, mtu, fwMark, addresses }, state: 'up' };
}

/** Everything is as it was: so is what we remember of it. */
export async function closeJournal(target: ManagedInterface, journal: JournalEntry): Promise<void> {
  await target.state.writeRunning(journal.runningText);
  await target.state.writeDesired(journal.previousDesired);
  await target.state.writeJournal(null);
}

/**
 * The previous text; or, if somebody else wrote meanwhile, the previous interface part into what is there, so that new peers stay. A
 * file that we made where there was none goes, unless somebody else has written to it.
 */
export async function restoreFile(
  target: ManagedInterface,
  { fileText: previousText, previousDevice }: Pick<JournalEntry, 'fileText' | 'previousDevice'>,
  attempted: InterfaceConfig | null,
): Promise<void> {
  const present = await target.readFile();
  const previous = parseDocument(previousText ?? '');
  const isOurs =
    present === null || (attempted !== null && present === fileTextOf(previousText, previousDevice, attempted));
  if (previousText === null) {
    if (present !== null && isOurs) await target.removeFile();
    return;
  }
  const restored = isOurs ? previousText : render(parseDocument(present), interfaceOf(previous));
  if (restored !== present) await target.writeFile(restored);
}
