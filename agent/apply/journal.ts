import { newLedger } from '../core/device.ts';
import { isDisruptive } from '../core/plan.ts';
import { isLinkLocal } from '../protocol/address.ts';
import type { DesiredInterface } from '../protocol/compare.ts';
import { NO_KEY } from '../protocol/interface-key.ts';
import { isSame, withFieldsOf } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELD_NAMES } from '../protocol/wgquick/fields.ts';
import { render } from '../protocol/wgquick/render.ts';
import type { JournalEntry } from '../host/state-folder.ts';
import { settleSidecar } from './sidecar.ts';
import { activeConfigOf } from './lifecycle.ts';
import type { ManagedInterface } from './managed-interface.ts';
import type { Plan } from './plan.ts';
import type { Snapshot } from './snapshot.ts';

/** Writes down what the plan replaces, before its first effect. */
export async function openJournal(
  target: ManagedInterface,
  { before, steps }: Plan,
  attemptedText: string | null,
): Promise<JournalEntry> {
  const { device, fileText } = before;
  const entry: JournalEntry = {
    fileText,
    attemptedText,
    runningText: device === null ? null : (before.runningText ?? activeConfigOf(fileText ?? '')),
    previousDevice: device,
    previousLedger: before.ledger,
    previousDesired: await target.state.readDesired(),
    disrupted: steps.some(isDisruptive),
    steps: steps.map(({ action, path, impact }) => ({ action, path, impact })),
  };
  try {
    await target.state.writeJournal(entry);
  } catch (error) {
    // It may be there all the same: nothing was done that it could take back.
    await target.state.writeJournal(null);
    throw error;
  }
  // Somebody else brought it up, from the file as it was: once that is overwritten, nobody would know what its hooks had set up.
  if (device !== null) {
    await target.state.writeRunning(entry.runningText);
    await target.state.writeLedger(before.ledger ?? newLedger(device.index));
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
  const { state } = target;
  const { previousDevice, previousLedger } = journal;
  const present = await state.readLedger();
  await state.writeRunning(journal.runningText);
  if (journal.runningText === null) await state.writeLedger(null);
  // A device that was made anew has a ledger of its own; which hooks ran is known better by now.
  else if (present?.index === previousLedger?.index)
    await state.writeLedger(previousLedger === null ? null : { ...previousLedger, hooks: present?.hooks ?? [] });
  // What runs has its peers.
  if (previousDevice !== null) await state.writePeers([]);
  await target.state.writeDesired(journal.previousDesired);
  await target.state.writeJournal(null);
}

/**
 * The previous text; or, if somebody else wrote meanwhile, what is there with the fields that we changed as they were before: what
 * somebody else changed stays as it is, new peers too. A file that we made where there was none goes, unless it was written to.
 */
export async function restoreFile(
  target: ManagedInterface,
  { fileText: previousText, attemptedText }: Pick<JournalEntry, 'fileText' | 'attemptedText'>,
): Promise<void> {
  const present = await target.readFile();
  if (attemptedText === null) return;
  if (present === previousText) {
    // The file beside it is written first.
    await settleSidecar(target, present);
    return;
  }
  const isOurs = present === null || present === attemptedText;
  if (previousText === null) {
    if (present !== null && isOurs) await target.removeFile();
    return;
  }
  const restored = isOurs ? previousText : mergedText({ previousText, attemptedText, present });
  if (restored !== present) await target.writeFile(restored);
}

interface ThreeTexts {
  readonly previousText: string;
  readonly attemptedText: string;
  readonly present: string;
}

/** The present text, with the previous value of each field that is as we attempted it. */
function mergedText({ previousText, attemptedText, present }: ThreeTexts): string {
  const document = parseDocument(present);
  const [before, ours, now] = [previousText, attemptedText, present].map((text) => interfaceOf(parseDocument(text)));
  if (before === undefined || ours === undefined || now === undefined) return present;
  const names = FIELD_NAMES.filter((name) => isSame(name, now, ours));
  return render(document, withFieldsOf(now, before, names));
}
