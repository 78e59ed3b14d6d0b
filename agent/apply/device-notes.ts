import { type Device, type Ledger, newLedger, type Route } from '../core/device.ts';
import { wholeEdits } from '../core/whole-edits.ts';
import type { InterfaceState } from '../host/state-folder.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { type PeerEdits, withPeerEdits } from '../protocol/wgquick/peer-edits.ts';
import { peerKeysIn } from '../protocol/wgquick/sections.ts';
import { activeConfigOf } from './lifecycle.ts';

/** What is remembered of a device that runs. */
export interface DeviceNotes {
  /** The text that it came up from, with its peers as we changed them since; null = not known. */
  readonly runningText: string | null;
  readonly ledger: Ledger | null;
}

/** A change of peers, as far as notes follow it. */
export interface NotedChange {
  readonly device: Device;
  /** What the kernel gets. */
  readonly edits: PeerEdits;
  readonly fileText: string;
  /** The file as it shall be. */
  readonly text: string;
  /** What the device gets beside it, and what of it goes. */
  readonly routes: readonly Route[];
  readonly unused: readonly Route[];
}

/**
 * The notes once peers were changed in file and kernel: one that came with the change and goes from the file later was taken out on
 * purpose, and is no peer of the kernel alone. Routes that came are right from now on. Of a device that somebody else brought up, the
 * file is what it runs with.
 */
export function notesAfter(
  { runningText, ledger }: DeviceNotes,
  { device, edits, fileText, text, routes, unused }: NotedChange,
): DeviceNotes {
  if (runningText === null) return { runningText: activeConfigOf(text), ledger: newLedger(device.index) };
  // As good as always the device runs by its file, and the work is done once.
  const after = runningText === fileText ? text : withPeerEdits(runningText, editsFor(runningText, { device, edits }));
  return { runningText: after, ledger: withRoutes(ledger ?? newLedger(device.index), routes, unused) };
}

/** A peer that the text lacks comes into it as the kernel has it. */
function editsFor(runningText: string, { device: { peers }, edits }: Pick<NotedChange, 'device' | 'edits'>): PeerEdits {
  const document = parseDocument(runningText);
  return wholeEdits(edits, { document, inFile: peerKeysIn(runningText), peers }).file;
}

function withRoutes(ledger: Ledger, routes: readonly Route[], unused: readonly Route[]): Ledger {
  const { baseline } = ledger;
  if (baseline === null || routes.length + unused.length === 0) return ledger;
  const known = new Set(baseline.routes.map(idOf));
  const fresh = routes.filter((route) => !known.has(idOf(route)));
  const gone = new Set(unused.map(idOf));
  const kept = baseline.routes.filter((route) => !gone.has(idOf(route)));
  if (fresh.length === 0 && kept.length === baseline.routes.length) return ledger;
  return { ...ledger, baseline: { ...baseline, routes: [...kept, ...fresh] } };
}

const idOf = ({ destination, table }: Route): string => `${destination} ${table}`;

/** Writes what is not as it was. */
export async function writeNotes(state: InterfaceState, before: DeviceNotes, notes: DeviceNotes): Promise<void> {
  if (notes.runningText !== before.runningText) await state.writeRunning(notes.runningText);
  if (notes.ledger !== before.ledger) await state.writeLedger(notes.ledger);
}
