import { startText } from '../core/start-text.ts';
import { removeTemporaries } from '../host/config-files.ts';
import type { Host } from '../host/host.ts';
import { findProcesses, leadsGroup } from '../host/quick-processes.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { audited } from './audited.ts';
import { apply } from './engine.ts';
import { isHookProcess } from './hooks.ts';
import type { Interfaces, ManagedInterface } from './managed-interface.ts';
import { planFor } from './plan.ts';
import { recover } from './recover.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

/** Before the first request: finishes off what a crash interrupted. One bad interface stops no other, and never the agent. */
export async function recoverAll(host: Host, interfaces: Interfaces): Promise<void> {
  await endStrays(host);
  await removeTemporaries(host.configFolder);
  for (const name of await host.state.unfinished()) {
    const target = interfaces.open(name);
    await guarded(target, 'rolled back an interrupted change', () => recover(target));
  }
}

/** Brings up what is wanted up and is down. Requests are served meanwhile: a peer name that does not resolve may take a minute. */
export async function bringUpDesired(host: Host, interfaces: Interfaces): Promise<void> {
  for (const name of await host.state.desiredUp()) {
    const target = interfaces.open(name);
    const work = async (): Promise<boolean> => {
      await recover(target);
      const before = await readSnapshot(target);
      await resolveAgain(target, before);
      if (before.device !== null || before.file === null) return false;
      const plan = planFor(before, { config: before.file, state: 'up', remember: true });
      await audited(target, 'start', () => apply(target, plan));
      return true;
    };
    await guarded(target, 'brought up an interface that is wanted up', () => target.locked(work));
  }
}

/** Names that the previous life of the agent had not resolved yet. */
async function resolveAgain(target: ManagedInterface, { device, runningText }: Snapshot): Promise<void> {
  if (device === null || runningText === null) return;
  const document = parseDocument(runningText);
  const silent = new Set(device.peers.filter(({ endpoint }) => endpoint === null).map(({ publicKey }) => publicKey));
  const names = startText(document, device).names.filter(({ publicKey }) => silent.has(publicKey));
  await target.names.resolve(target, { names, document, index: device.index });
}

async function guarded(target: ManagedInterface, what: string, work: () => Promise<boolean>): Promise<void> {
  try {
    if (await work()) target.host.log.warn(what, { interface: target.name });
  } catch (error) {
    target.host.log.error(`could not finish: ${what}`, { interface: target.name, error: String(error) });
  }
}

/** How long hooks of a previous life may go on before they are killed. */
const STRAY_DEADLINE_MS = 30_000;
const POLL_MS = 50;

/** A killed agent leaves the hook that it ran: what it does must not come after what is done now. Waits for it, then kills. */
async function endStrays(host: Host): Promise<void> {
  const deadline = host.nowMs() + STRAY_DEADLINE_MS;
  // A daemon that a hook left behind may look like it.
  const find = (): number[] => [...findProcesses(isHookProcess)].filter(leadsGroup);
  for (let strays = find(); strays.length > 0; strays = find()) {
    if (host.nowMs() > deadline) strays.forEach(kill);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}
