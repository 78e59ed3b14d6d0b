import type { Device, Ledger } from '../core/device.ts';
import { peersToKeep } from '../core/kept-peers.ts';
import type { Current } from '../core/plan.ts';
import type { SeenTable } from '../core/firewall-table.ts';
import { lostEffects, type SeenEffect } from '../core/seen-effects.ts';
import type { Owner } from '../protocol/owner.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { allowedIpsOf, type Document, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { lookAtHooks, lookAtTable } from './look-at-hooks.ts';
import { type Looks, NOTHING_SEEN } from './look-memory.ts';
import type { ManagedInterface } from './managed-interface.ts';

/** File, running copy and kernel of one interface, read at one moment. */
export interface Snapshot {
  /** Of the interface. */
  readonly name: string;
  readonly fileText: string | null;
  readonly document: Document;
  readonly file: InterfaceConfig | null;
  readonly runningText: string | null;
  /** What it was brought up with; the file, if somebody else brought it up. */
  readonly running: InterfaceConfig;
  /** Null = nothing is known of the device, or there is none. */
  readonly ledger: Ledger | null;
  readonly device: Device | null;
  /** What the hooks that it was brought up with left on the host; empty while it is down. */
  readonly effects: readonly SeenEffect[];
  /** Null = it was brought up without firewall intents. */
  readonly table: SeenTable | null;
  /** The object that it was last changed for; null = none. */
  readonly owner: Owner | null;
}

/** How a snapshot is read. */
export interface SnapshotOptions {
  /** As `Backend.read` takes it. */
  readonly untouched?: Device | null;
  /** Effects of hooks: looked at now, as far as nobody knows of a change since the last look (default), or not at all. */
  readonly effects?: 'now' | 'known' | 'none';
  /** Routes of the device: read (default), or left empty. */
  readonly routes?: 'none';
}

/** Makes no process for wireguard-go, but where a table of its own has to be listed, the link is down, or for effects of hooks. */
export async function readSnapshot(
  target: ManagedInterface,
  { untouched = null, effects = 'known', routes }: SnapshotOptions = {},
): Promise<Snapshot> {
  const { state } = target;
  const [fileText, copy, known, owner] = await Promise.all([
    target.readFile(),
    state.readRunning(),
    state.readLedger(),
    state.readOwner(),
  ]);
  const document = parseDocument(fileText ?? '');
  const file = fileText === null ? null : interfaceOf(document);
  const presumed = copy === null ? (file ?? EMPTY_CONFIG) : interfaceOf(parseDocument(copy));
  const device = await target.backend.read(routes === 'none' ? undefined : presumed.table, untouched);
  // A copy without a device, or of another device of that name, is that of a life that ended without us: a reboot, `ip link delete`,
  // or `wg-quick down` and `up` by somebody else.
  const isOther = device === null || (known !== null && known.index !== device.index);
  const runningText = isOther ? null : copy;
  const running = runningText === null ? (file ?? EMPTY_CONFIG) : presumed;
  const looks = device === null ? NOTHING_SEEN : await looksAt(target, running, effects);
  return {
    name: target.name,
    fileText,
    document,
    file,
    runningText,
    running,
    ledger: isOther ? null : known,
    device,
    owner,
    ...looks,
  };
}

function looksAt(target: ManagedInterface, running: InterfaceConfig, how: SnapshotOptions['effects']): Promise<Looks> {
  if (how === 'none') return Promise.resolve(NOTHING_SEEN);
  const look = async (): Promise<Looks> => ({
    effects: await lookAtHooks(target, running),
    table: await lookAtTable(target, running),
  });
  return how === 'now' ? look() : target.looks.get(target.name, running, look);
}

/** The device with its peers as they shall outlive it. */
export function carryOf({ device, document, fileText, runningText }: Snapshot): Device | null {
  if (device === null || fileText === null || runningText === null) return device;
  return { ...device, peers: peersToKeep(device.peers, { file: document, running: parseDocument(runningText) }) };
}

/** The part of a snapshot that a plan is made from. `attempted`: what an apply that is being undone may have put on the device. */
export function currentOf(snapshot: Snapshot, attempted: InterfaceConfig | null = null): Current {
  const { name, file, running, device, document, runningText, ledger, effects, table } = snapshot;
  const baseline = ledger?.baseline ?? null;
  const known = {
    name,
    table,
    file,
    running,
    attempted,
    device,
    baseline,
    effects,
    lost: lostEffects(effects, ledger),
    peerIps: allowedIpsOf(document),
  };
  if (baseline === null) return { ...known, fileIps: known.peerIps, goneIps: [] };
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
