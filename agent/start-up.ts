import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeTemporaries } from './host/config-files.ts';
import { apply, planFor } from './host/engine.ts';
import type { Host } from './host/host.ts';
import { recover } from './host/recover.ts';
import { readSnapshot } from './host/snapshot.ts';
import type { InterfaceLock } from './http/interface-lock.ts';

/** Before the first request: finishes off what a crash interrupted. One bad interface stops no other, and never the agent. */
export async function recoverAll(host: Host): Promise<void> {
  await endStrays(host);
  await removeTemporaries(host.configFolder);
  for (const name of await host.state.unfinished()) {
    await guarded(host, name, 'rolled back an interrupted change', () => recover(host, name));
  }
}

/** Brings up what is wanted up and is down. Requests are served meanwhile: a peer name that does not resolve may take a minute. */
export async function bringUpWanted(host: Host, lock: InterfaceLock): Promise<void> {
  for (const name of await host.state.wantedUp()) {
    const work = async (): Promise<boolean> => {
      await recover(host, name);
      const before = await readSnapshot(host, name);
      if (before.live !== null || before.file === null) return false;
      await apply(host, name, planFor(before, { config: before.file, state: 'up', remember: true }));
      return true;
    };
    await guarded(host, name, 'brought up an interface that is wanted up', () => lock.run(name, work));
  }
}

async function guarded(host: Host, name: string, what: string, work: () => Promise<boolean>): Promise<void> {
  try {
    if (await work()) host.log.warn(what, { interface: name });
  } catch (error) {
    host.log.error(`could not finish: ${what}`, { interface: name, error: String(error) });
  }
}

/** How long wg-quick calls of a former life may go on before they are killed. */
const STRAY_DEADLINE_MS = 30_000;
const POLL_MS = 50;

/** A killed agent leaves its wg-quick running; two at once would tear at one device. Waits for them, then kills. */
async function endStrays(host: Host): Promise<void> {
  const deadline = host.nowMs() + STRAY_DEADLINE_MS;
  for (let strays = await findStrays(host); strays.length > 0; strays = await findStrays(host)) {
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

/** Our own calls only, known by the running copy that they work from: those of wg-quick@ and of people are not ours to end. */
async function findStrays({ state }: Host): Promise<number[]> {
  const folder = dirname(state.runningPath('any'));
  const ownMounts = await readlink('/proc/self/ns/mnt');
  const pids = (await readdir('/proc')).filter((entry) => /^[0-9]+$/.test(entry)).map(Number);
  const judged = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
      if (!command.includes('wg-quick\0') || !command.includes(`\0${folder}/`)) return false;
      // Processes of another container or test host look alike.
      return (await readlink(`/proc/${String(pid)}/ns/mnt`).catch(() => '')) === ownMounts;
    }),
  );
  return pids.filter((_, index) => judged[index] === true);
}
