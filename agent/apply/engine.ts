import { movedBaseline } from '../core/baseline.ts';
import { routingFor } from '../core/default-routing.ts';
import { newLedger } from '../core/device.ts';
import { withRunningPeers } from '../core/kept-peers.ts';
import { AgentError } from '../core/agent-error.ts';
import { isDisruptive } from '../core/plan.ts';
import type { Reserve } from '../host/config-files.ts';
import type { JournalEntry } from '../host/state-folder.ts';
import { highestImpact, type Impact } from '../protocol/impact.ts';
import { changedFields, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { fileTextOf } from './file-text.ts';
import { carryOutPlan, converge } from './converge.ts';
import { closeJournal, openJournal, previousState, restoreFile } from './journal.ts';
import { activeConfigOf } from './lifecycle.ts';
import { forgiving, type ManagedInterface } from './managed-interface.ts';
import type { Plan } from './plan.ts';
import { carryOf, currentOf, type Snapshot } from './snapshot.ts';

/** What an apply did. */
export interface Applied {
  /** How long the tunnel was down, ms. */
  readonly outageMs: number;
  /** The read-back that proves it. */
  readonly after: Snapshot;
}

/**
 * Carries out a plan. Either all of it holds, proven by read-back, or the previous file and tunnel are back and `apply_failed` is
 * thrown. Nothing to do = no process, no write. The caller holds the interface's lock. `rest`: what belongs to the same change and undoes
 * itself where it fails; the plan is then undone, too, and its error is that of the whole.
 */
export async function apply(target: ManagedInterface, approved: Plan, rest?: () => Promise<unknown>): Promise<Applied> {
  const { before, desired, steps } = approved;
  const remember = async (): Promise<void> => {
    if (desired.remember) await target.state.writeDesired(desired.state);
  };
  if (steps.length === 0) {
    await rest?.();
    await remember();
    return { outageMs: 0, after: before };
  }
  const writesFile = steps.some((step) => step.action === 'write-file');
  if (writesFile && (await target.readFile()) !== before.fileText) {
    throw new AgentError('digest_mismatch', `${target.path} was changed by somebody else in the meantime`);
  }
  const newText = writesFile ? fileTextOf(before.fileText, before.device, desired.config) : null;
  const journal = await openJournal(target, approved, newText);
  const started = target.host.nowMs();
  let after: Snapshot;
  let reserve: Reserve | null = null;
  let isPlanDone = false;
  try {
    // A full disk must not keep the previous tunnel from coming back: an undo writes as much as there is now.
    if (steps.some(isDisruptive)) reserve = target.host.state.reserve(undoBytes(journal));
    after = await carryOutWhole(target, approved, newText);
    isPlanDone = true;
    await rest?.();
    await remember();
    await target.state.writeJournal(null);
  } catch (error) {
    if (!(error instanceof AgentError))
      target.host.log.error('unexpected failure of an apply', { interface: target.name, error: String(error) });
    reserve?.release();
    const failure = await undone(target, before, { journal, attempted: desired.config, error });
    throw isPlanDone && failure.rolledBack === true && error instanceof AgentError ? error : failure;
  } finally {
    reserve?.release();
  }
  // Peers that were kept over a down are back; until here a crash would have needed them.
  if (desired.state === 'up')
    await target.state.writePeers([]).catch((error: unknown) => {
      target.host.log.warn('kept peers could not be forgotten', { interface: target.name, error: String(error) });
    });
  // Whoever replaced it: a step, or a hook that deleted it.
  const outage = before.device !== null && after.device?.index !== before.device.index;
  return { outageMs: outage ? Math.round(target.host.nowMs() - started) : 0, after };
}

/** The plan, and what we remember of it; the read-back that proves it. */
async function carryOutWhole(target: ManagedInterface, approved: Plan, newText: string | null): Promise<Snapshot> {
  const { before, desired, steps } = approved;
  const first = newText === null ? before : withFile(before, newText);
  const convergence = { target, carry: carryOf(before), attempted: null, startConfig: null };
  const round = { now: first, steps, limit: limitOf(approved), fileBefore: before.file };
  const after = await carryOutPlan(convergence, desired, round);
  return desired.state === 'up' ? keepActiveConfig(target, first, after) : after;
}

/** What an undo writes at most, one after the other: the file, the running copy, ledger and peers, and folders that grow. */
function undoBytes({ fileText, runningText, previousDevice }: JournalEntry): number {
  const texts = [fileText, runningText].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  const { peers = [], routes = [] } = previousDevice ?? {};
  const networks = peers.reduce((sum, { allowedIps }) => sum + allowedIps.length, routes.length);
  // A peer has some 250 bytes in the state folder, a network or a route some 60.
  return 64 * 1024 + texts + 512 * peers.length + 96 * networks;
}

/** Repairs may do what was approved; a device that is only being made has no traffic, so new handshakes disturb none. */
const limitOf = ({ before, impact }: Plan): Impact =>
  before.device === null ? highestImpact([impact, 'Rehandshake']) : impact;

/** The snapshot as it is once its file has this text. */
function withFile(snapshot: Snapshot, fileText: string): Snapshot {
  const document = parseDocument(fileText);
  return { ...snapshot, fileText, document, file: interfaceOf(document) };
}

/** `warnings`: what the way back could not do. */
const failureText = (error: unknown, rolledBack: boolean, warnings: readonly string[]): string => {
  const reason = error instanceof AgentError ? error.message : 'an unexpected failure of the agent; see its log';
  const outcome = rolledBack
    ? 'the previous file and tunnel are back'
    : 'the previous state could not be restored wholly; see the log of the agent';
  return [`Cannot apply the configuration: ${reason}`, outcome, ...warnings].join('; ');
};

/** What the interface now runs with is what was applied, whatever somebody else has made of the file since. */
async function keepActiveConfig(
  { state }: ManagedInterface,
  { fileText, document, file, running }: Snapshot,
  after: Snapshot,
): Promise<Snapshot> {
  const { device, ledger } = after;
  if (fileText === null || file === null || device === null) return after;
  const runningText = withRunningPeers(activeConfigOf(fileText), after.runningText, device.peers);
  const { fileIps, goneIps, peerIps } = currentOf({ ...after, fileText, document, file });
  const changed = changedFields(running, file);
  const baseline = movedBaseline(ledger?.baseline ?? null, device, {
    changed,
    // Another network of the interface may have given any peer a route.
    networks: { come: changed.includes('addresses') ? peerIps : fileIps, gone: goneIps },
    routing: file.table === null ? routingFor(fileIps) : [],
  });
  const kept = { ...(ledger ?? newLedger(device.index)), index: device.index, baseline };
  // One after the other: an undo must find nothing still under way.
  await state.writeRunning(runningText);
  await state.writeLedger(kept);
  return { ...after, runningText, running: file, ledger: kept };
}

interface Undo {
  readonly journal: JournalEntry;
  readonly attempted: InterfaceConfig;
}

/** What the caller is told once everything is back, or as much as can be. */
async function undone(
  target: ManagedInterface,
  before: Snapshot,
  { error, ...how }: Undo & { readonly error: unknown },
): Promise<AgentError> {
  const known = target.warnings.length;
  const rolledBack = await undo(forgiving(target), before, how);
  const details = target.warnings.slice(known);
  return new AgentError('apply_failed', failureText(error, rolledBack, details), { cause: error, rolledBack, details });
}

/** Brings back the previous file and tunnel, numbers that the file left open included. True = read back as it was. */
async function undo(target: ManagedInterface, before: Snapshot, { journal, attempted }: Undo): Promise<boolean> {
  try {
    await restoreFile(target, journal);
    await converge(
      { target, carry: carryOf(before), attempted, startConfig: journal.runningText },
      previousState(before),
    );
    await closeJournal(target, journal);
    return true;
  } catch (error) {
    const fields = { interface: target.name, error: String(error) };
    target.host.log.error(
      'the previous state could not be restored; the next change or start of the agent tries again',
      fields,
    );
    return false;
  }
}
