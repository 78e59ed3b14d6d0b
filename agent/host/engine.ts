import { AgentError } from '../core/agent-error.ts';
import type { Live } from '../core/live.ts';
import { isDisruptive, liveSteps, plan, type Step, type WantedLive } from '../core/plan.ts';
import { publicKeyOf } from '../protocol/key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { FIELDS, HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { render } from '../protocol/wgquick/render.ts';
import { removeDurably, writeDurably } from './config-files.ts';
import type { Host } from './host.ts';
import { bringDown, compensate, runningCopyOf } from './lifecycle.ts';
import { runSteps } from './run-steps.ts';
import { currentOf, readSnapshot, type Snapshot } from './snapshot.ts';
import type { JournalEntry } from './state-folder.ts';

/** Live steps, read-back, what is still missing, again: the kernel drops routes and secondary addresses behind our back. */
const ROUNDS = 4;

export interface Applied {
  readonly steps: readonly Step[];
  /** How long the tunnel was down, ms. */
  readonly outageMs: number;
}

export const wantedLive = (config: InterfaceConfig, state: 'up' | 'down'): WantedLive => ({
  config,
  publicKey: config.privateKey === null ? null : publicKeyOf(config.privateKey),
  state,
});

export const planFor = (before: Snapshot, wanted: WantedLive): Step[] => plan(currentOf(before), wanted);

/**
 * Brings file and kernel from `before` to `wanted`. Either all of it holds, proven by read-back, or the former file and the former
 * tunnel are back and `apply_failed` is thrown. Nothing to do = no process, no write. The caller holds the interface's lock.
 */
export async function apply(host: Host, name: string, before: Snapshot, wanted: WantedLive): Promise<Applied> {
  const steps = planFor(before, wanted);
  if (steps.length === 0) {
    await host.state.writeWanted(name, wanted.state);
    return { steps, outageMs: 0 };
  }
  const journal = await openJournal(host, name, before, steps.some(isDisruptive));
  const started = host.nowMs();
  try {
    if (steps.some((step) => step.action === 'write-file')) await writeConfig(host, name, before, wanted.config);
    await converge({ host, name, carry: before.live, attempted: null, upText: null }, wanted);
    if (wanted.state === 'up') await keepRunningCopy(host, name);
    await host.state.writeWanted(name, wanted.state);
    await host.state.writeJournal(name, null);
  } catch (error) {
    const rolledBack = await undo(host, name, before, { journal, attempted: wanted.config });
    throw new AgentError('apply_failed', failureText(error, rolledBack), { cause: error, rolledBack });
  }
  const outage = before.live !== null && steps.some((step) => step.action === 'restart' || step.action === 'down');
  return { steps, outageMs: outage ? Math.round(host.nowMs() - started) : 0 };
}

const failureText = (error: unknown, rolledBack: boolean): string => {
  const reason = error instanceof AgentError ? error.message : 'an unexpected failure of the agent; see its log';
  const outcome = rolledBack
    ? 'the former file and tunnel are back'
    : 'the former state could not be restored wholly; see the log of the agent';
  return `Cannot apply the configuration: ${reason}; ${outcome}`;
};

async function openJournal(host: Host, name: string, before: Snapshot, disrupted: boolean): Promise<JournalEntry> {
  const entry: JournalEntry = {
    fileText: before.fileText,
    runningText: before.live === null ? null : (before.runningText ?? runningCopyOf(before.fileText ?? '')),
    wasUp: before.live !== null,
    formerWanted: await host.state.readWanted(name),
    disrupted,
  };
  await host.state.writeJournal(name, entry);
  return entry;
}

const writeConfig = async (host: Host, name: string, before: Snapshot, config: InterfaceConfig): Promise<void> => {
  const fresh = await host.readFile(name);
  if (fresh !== before.fileText) {
    throw new AgentError('digest_moved', `${host.configPath(name)} was changed by somebody else in the meantime`);
  }
  await writeDurably(host.configPath(name), render(before.document, config));
};

const keepRunningCopy = async (host: Host, name: string): Promise<void> => {
  const text = await host.readFile(name);
  if (text !== null) await host.state.writeRunning(name, runningCopyOf(text));
};

interface Convergence {
  readonly host: Host;
  readonly name: string;
  /** Whose peers and endpoints a restart brings back. */
  readonly carry: Live | null;
  /** What an apply that is being undone may have put on the device. */
  readonly attempted: InterfaceConfig | null;
  /** What `up` starts from; null = the file as it is. */
  readonly upText: string | null;
}

/** Runs live steps until the kernel reads back as wanted. */
async function converge({ host, name, carry, attempted, upText }: Convergence, wanted: WantedLive): Promise<void> {
  let steps: Step[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = await readSnapshot(host, name);
    steps = liveSteps(currentOf(now, attempted), wanted);
    if (steps.length === 0) return;
    await runSteps(
      { host, name, wanted: wanted.config, now, carry, upText: upText ?? runningCopyOf(now.fileText ?? '') },
      steps,
    );
  }
  const left = steps.map((step) => `${step.action} (${step.path})`).join(', ');
  throw new AgentError('command_failed', `the kernel does not keep what was set: ${left}`);
}

interface Undo {
  readonly journal: JournalEntry;
  readonly attempted: InterfaceConfig;
}

/** Brings back the former file and the former tunnel, numbers that the file left open included. True = read back as it was. */
async function undo(host: Host, name: string, before: Snapshot, { journal, attempted }: Undo): Promise<boolean> {
  try {
    await restoreFile(host, name, journal.fileText, attempted);
    await converge({ host, name, carry: before.live, attempted, upText: journal.runningText }, formerLive(before));
    await closeJournal(host, name, journal);
    return true;
  } catch (error) {
    const fields = { interface: name, error: String(error) };
    host.log.error('the former state could not be restored; the next start of the agent tries again', fields);
    return false;
  }
}

function formerLive({ live, running }: Snapshot): WantedLive {
  if (live === null) return { config: running, publicKey: null, state: 'down' };
  const { privateKey, listenPort, mtu, fwMark, addresses, publicKey } = live;
  return { config: { ...running, privateKey, listenPort, mtu, fwMark, addresses }, publicKey, state: 'up' };
}

async function closeJournal(host: Host, name: string, journal: JournalEntry): Promise<void> {
  await host.state.writeRunning(name, journal.runningText);
  await host.state.writeWanted(name, journal.formerWanted);
  await host.state.writeJournal(name, null);
}

/** The former text; or, if somebody else wrote meanwhile, the former interface part into what is there, so that new peers stay. */
async function restoreFile(
  host: Host,
  name: string,
  formerText: string | null,
  attempted: InterfaceConfig | null,
): Promise<void> {
  const present = await host.readFile(name);
  if (formerText === null) {
    if (present !== null) await removeDurably(host.configPath(name));
    return;
  }
  const former = parseDocument(formerText);
  const isOurs = present === null || (attempted !== null && present === render(former, attempted));
  const restored = isOurs ? formerText : render(parseDocument(present), interfaceOf(former));
  if (restored !== present) await writeDurably(host.configPath(name), restored);
}

/** Rolls back what a crash interrupted. Called once a start, before the first request is served. */
export async function recover(host: Host, name: string, journal: JournalEntry): Promise<void> {
  const now = await readSnapshot(host, name);
  // Nobody knows which hooks ran: a known state is reached only through a whole teardown, of the new ones too.
  if (journal.disrupted && now.live !== null) {
    const attempted = now.file ?? now.running;
    if (HOOK_NAMES.some((hook) => !FIELDS[hook].equal(attempted[hook], now.running[hook])))
      await compensate(host, name, attempted);
    await bringDown(host, name);
  }
  await restoreFile(host, name, journal.fileText, now.file);
  const former = interfaceOf(parseDocument(journal.runningText ?? ''));
  const wanted = wantedLive(former, journal.wasUp ? 'up' : 'down');
  await converge({ host, name, carry: now.live, attempted: now.file, upText: journal.runningText }, wanted);
  await closeJournal(host, name, journal);
}
