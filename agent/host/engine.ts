import { AgentError } from '../core/agent-error.ts';
import type { Live } from '../core/live.ts';
import { impactOf, isDisruptive, liveSteps, plan, type Step, stepsAbove } from '../core/plan.ts';
import { isLinkLocal } from '../protocol/address.ts';
import { highestImpact, type Impact } from '../protocol/impact.ts';
import { type DesiredInterface } from '../protocol/compare.ts';
import { NO_KEY } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { removeDurably, writeDurably } from './config-files.ts';
import type { Host } from './host.ts';
import { activeConfigOf } from './lifecycle.ts';
import { runSteps } from './run-steps.ts';
import { currentOf, readSnapshot, type Snapshot } from './snapshot.ts';
import type { JournalEntry } from './state-folder.ts';

/** Live steps, read-back, what is still missing, again: the kernel drops routes and secondary addresses behind our back. */
const ROUNDS = 4;

/** What an apply did. */
export interface Applied {
  /** How long the tunnel was down, ms. */
  readonly outageMs: number;
  /** The read-back that proves it. */
  readonly after: Snapshot;
}

/** What an apply shall reach. */
export interface Goal extends DesiredInterface {
  /** Whether up or down is what a caller asked for, and so is kept over a restart of the host; false = as it happens to be. */
  readonly remember: boolean;
}

/** What is to be done, made once: what was judged is what is written into the journal and what runs. */
export interface Plan {
  /** What the plan was made from. */
  readonly before: Snapshot;
  readonly wanted: Goal;
  /** In the order in which they run; empty = nothing to do. */
  readonly steps: readonly Step[];
  readonly impact: Impact;
}

export function planFor(before: Snapshot, wanted: Goal): Plan {
  const steps = plan(currentOf(before), wanted);
  return { before, wanted, steps, impact: impactOf(steps) };
}

/**
 * Carries out a plan. Either all of it holds, proven by read-back, or the previous file and tunnel are back and `apply_failed` is
 * thrown. Nothing to do = no process, no write. The caller holds the interface's lock.
 */
export async function apply(host: Host, name: string, approved: Plan): Promise<Applied> {
  const { before, wanted, steps } = approved;
  const remember = async (): Promise<void> => {
    if (wanted.remember) await host.state.writeWanted(name, wanted.state);
  };
  if (steps.length === 0) {
    await remember();
    return { outageMs: 0, after: before };
  }
  const writesFile = steps.some((step) => step.action === 'write-file');
  if (writesFile && (await host.readFile(name)) !== before.fileText) {
    throw new AgentError('digest_mismatch', `${host.configPath(name)} was changed by somebody else in the meantime`);
  }
  const journal = await openJournal(host, name, approved);
  const started = host.nowMs();
  let after: Snapshot;
  try {
    const first = writesFile ? withFile(before, render(before.document, wanted.config)) : before;
    const convergence = { host, name, carry: before.live, attempted: null, startConfig: null };
    after = await carryOut(convergence, wanted, { now: first, steps, limit: limitOf(approved) });
    if (wanted.state === 'up') after = await keepActiveConfig(host, name, first, after);
    await remember();
    await host.state.writeJournal(name, null);
  } catch (error) {
    if (!(error instanceof AgentError))
      host.log.error('unexpected failure of an apply', { interface: name, error: String(error) });
    const rolledBack = await undo(host, name, before, { journal, attempted: wanted.config });
    throw new AgentError('apply_failed', failureText(error, rolledBack), { cause: error, rolledBack });
  }
  const outage = before.live !== null && steps.some((step) => step.action === 'restart' || step.action === 'down');
  return { outageMs: outage ? Math.round(host.nowMs() - started) : 0, after };
}

/** Repairs may do what was approved; a device that is only being made has no traffic, so new handshakes disturb none. */
const limitOf = ({ before, impact }: Plan): Impact =>
  before.live === null ? highestImpact([impact, 'Rehandshake']) : impact;

/** The snapshot as it is once its file has this text. */
function withFile(snapshot: Snapshot, fileText: string): Snapshot {
  const document = parseDocument(fileText);
  return { ...snapshot, fileText, document, file: interfaceOf(document) };
}

const failureText = (error: unknown, rolledBack: boolean): string => {
  const reason = error instanceof AgentError ? error.message : 'an unexpected failure of the agent; see its log';
  const outcome = rolledBack
    ? 'the former file and tunnel are back'
    : 'the former state could not be restored wholly; see the log of the agent';
  return `Cannot apply the configuration: ${reason}; ${outcome}`;
};

async function openJournal(host: Host, name: string, { before, steps }: Plan): Promise<JournalEntry> {
  const { live, fileText } = before;
  const entry: JournalEntry = {
    fileText,
    runningText: live === null ? null : (before.runningText ?? activeConfigOf(fileText ?? '')),
    formerLive: live,
    formerWanted: await host.state.readWanted(name),
    disrupted: steps.some(isDisruptive),
    steps: steps.map(({ action, path, impact }) => ({ action, path, impact })),
  };
  await host.state.writeJournal(name, entry);
  // Somebody else brought it up, from the file as it was: once that is overwritten, nobody would know what its hooks had set up.
  if (live !== null) await host.state.writeRunning(name, entry.runningText);
  return entry;
}

/** What the interface now runs with is what was applied, whatever somebody else has made of the file since. */
async function keepActiveConfig(
  host: Host,
  name: string,
  { fileText, file }: Snapshot,
  after: Snapshot,
): Promise<Snapshot> {
  if (fileText === null || file === null) return after;
  const runningText = activeConfigOf(fileText);
  await host.state.writeRunning(name, runningText);
  return { ...after, runningText, running: file };
}

export interface Convergence {
  readonly host: Host;
  readonly name: string;
  /** Whose peers and endpoints a restart brings back. */
  readonly carry: Live | null;
  /** What an apply that is being undone may have put on the device. */
  readonly attempted: InterfaceConfig | null;
  /** The interface part that an `up` starts from, with the peers of the file; null = the file as it is. */
  readonly startConfig: string | null;
}

/** Runs live steps until the kernel reads back as wanted, whatever they do to traffic: the way back of an undo. */
export async function converge(convergence: Convergence, wanted: DesiredInterface): Promise<void> {
  const now = await readSnapshot(convergence.host, convergence.name);
  const steps = liveSteps(currentOf(now, convergence.attempted), wanted);
  await carryOut(convergence, wanted, { now, steps, limit: 'Restart' });
}

interface Round {
  readonly now: Snapshot;
  readonly steps: readonly Step[];
  /** What was approved: a repair may do no more to running traffic than that. */
  readonly limit: Impact;
}

/** Runs the steps, reads back, repairs what is still missing, and so on; the last read-back, which is as wanted. */
async function carryOut(convergence: Convergence, wanted: DesiredInterface, first: Round): Promise<Snapshot> {
  const { host, name, carry, attempted } = convergence;
  let { now, steps } = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    if (steps.length === 0) return now;
    const startConfig = startConfigOf(now, convergence.startConfig);
    await runSteps({ host, name, wanted: wanted.config, now, carry, startConfig }, steps);
    now = await readSnapshot(host, name);
    steps = liveSteps(currentOf(now, attempted), wanted);
    const tooMuch = stepsAbove(steps, first.limit);
    if (tooMuch.length > 0) {
      const text = `what is still missing needs more than the impact ${first.limit} that was approved: ${textOf(tooMuch)}`;
      throw new AgentError('command_failed', text);
    }
  }
  if (steps.length === 0) return now;
  throw new AgentError('command_failed', `the kernel does not keep what was set: ${textOf(steps)}`);
}

const textOf = (steps: readonly Step[]): string => steps.map(({ action, path }) => `${action} (${path})`).join(', ');

/** Peers come and go in the file while an interface runs; those of an old copy must not come back with it. */
function startConfigOf({ fileText, document }: Snapshot, formerText: string | null): string {
  if (formerText === null) return activeConfigOf(fileText ?? '');
  return fileText === null ? formerText : activeConfigOf(render(document, interfaceOf(parseDocument(formerText))));
}

interface Undo {
  readonly journal: JournalEntry;
  readonly attempted: InterfaceConfig;
}

/** Brings back the former file and the former tunnel, numbers that the file left open included. True = read back as it was. */
async function undo(host: Host, name: string, before: Snapshot, { journal, attempted }: Undo): Promise<boolean> {
  try {
    await restoreFile(host, name, journal.fileText, attempted);
    await converge(
      { host, name, carry: before.live, attempted, startConfig: journal.runningText },
      formerState(before),
    );
    await closeJournal(host, name, journal);
    return true;
  } catch (error) {
    const fields = { interface: name, error: String(error) };
    host.log.error('the former state could not be restored; the next change or start of the agent tries again', fields);
    return false;
  }
}

/** What ran, as a wish: numbers that its file left open included. */
export function formerState({ live, running }: Pick<Snapshot, 'live' | 'running'>): DesiredInterface {
  if (live === null) return { config: running, state: 'down' };
  const { listenPort, mtu, fwMark } = live;
  const privateKey = live.key ?? NO_KEY;
  // A new device makes link-local addresses of its own.
  const addresses = live.addresses.filter((address) => !isLinkLocal(address) || running.addresses.includes(address));
  return { config: { ...running, privateKey, listenPort, mtu, fwMark, addresses }, state: 'up' };
}

export async function closeJournal(host: Host, name: string, journal: JournalEntry): Promise<void> {
  await host.state.writeRunning(name, journal.runningText);
  await host.state.writeWanted(name, journal.formerWanted);
  await host.state.writeJournal(name, null);
}

/**
 * The former text; or, if somebody else wrote meanwhile, the former interface part into what is there, so that new peers stay. A
 * file that we made where there was none goes, unless somebody else has written to it.
 */
export async function restoreFile(
  host: Host,
  name: string,
  formerText: string | null,
  attempted: InterfaceConfig | null,
): Promise<void> {
  const present = await host.readFile(name);
  const former = parseDocument(formerText ?? '');
  const isOurs = present === null || (attempted !== null && present === render(former, attempted));
  if (formerText === null) {
    if (present !== null && isOurs) await removeDurably(host.configPath(name));
    return;
  }
  const restored = isOurs ? formerText : render(parseDocument(present), interfaceOf(former));
  if (restored !== present) await writeDurably(host.configPath(name), restored);
}
