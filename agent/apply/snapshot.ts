import type { Device, Ledger } from '../core/device.ts';
import type { Current } from '../core/plan.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { allowedIpsOf, type Document, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** File, running copy and kernel of one interface, read at one moment. */
export interface Snapshot {
  readonly fileText: string | null;
  readonly document: Document;
  readonly file: InterfaceConfig | null;
  readonly runningText: string | null;
  /** What it was brought up with; the file, if somebody else brought it up. */
  readonly running: InterfaceConfig;
  /** Null = nothing is known of the device, or there is none. */
  readonly ledger: Ledger | null;
  readonly device: Device | null;
}

/** `untouched`: as `Backend.read` takes it. Makes no process for wireguard-go, but where a table of its own has to be listed or the link is down. */
export async function readSnapshot(target: ManagedInterface, untouched: Device | null = null): Promise<Snapshot> {
  const { state } = target;
  const [fileText, copy, known] = await Promise.all([target.readFile(), state.readRunning(), state.readLedger()]);
  const document = parseDocument(fileText ?? '');
  const file = fileText === null ? null : interfaceOf(document);
  const presumed = copy === null ? (file ?? EMPTY_CONFIG) : interfaceOf(parseDocument(copy));
  const device = await target.backend.read(presumed.table, untouched);
  // A copy without a device, or of another device of that name, is that of a life that ended without us: a reboot, `ip link delete`,
  // or `wg-quick down` and `up` by somebody else.
  const isOther = device === null || (known !== null && known.index !== device.index);
  const runningText = isOther ? null : copy;
  return {
    fileText,
    document,
    file,
    runningText,
    running: runningText === null ? (file ?? EMPTY_CONFIG) : presumed,
    ledger: isOther ? null : known,
    device,
  };
}

/** The part of a snapshot that a plan is made from. `attempted`: what an apply that is being undone may have put on the device. */
export function currentOf(snapshot: Snapshot, attempted: InterfaceConfig | null = null): Current {
  const { file, running, device, document, runningText, ledger } = snapshot;
  const baseline = ledger?.baseline ?? null;
  const known = { file, running, attempted, device, baseline };
  if (baseline === null) return { ...known, fileIps: allowedIpsOf(document), goneIps: [] };
  // Whose running copy is not known is known by no baseline, either.
  const runningDocument = runningText === null ? document : parseDocument(runningText);
  const [fileIps, runningIps] = [allowedIpsOf(document), allowedIpsOf(runningDocument)];
  if (fileIps === runningIps) return { ...known, fileIps: [], goneIps: [] };
  return { ...known, fileIps: without(fileIps, runningIps), goneIps: without(runningIps, fileIps) };
}

function without<T>(values: readonly T[], others: readonly T[]): readonly T[] {
  const known = new Set(others);
  return values.filter((value) => !known.has(value));
}
