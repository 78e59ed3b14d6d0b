import { readdir, readFile, readlink } from 'node:fs/promises';
import { removeTemporaries } from './host/config-files.ts';
import { apply, recover, wantedLive } from './host/engine.ts';
import type { Host } from './host/host.ts';
import { readSnapshot } from './host/snapshot.ts';

/** Before the first request: finish off what a crash interrupted, then bring up what is wanted up. One bad interface stops no other. */
export async function startUp(host: Host): Promise<void> {
  await endStrays(host);
  await removeTemporaries(host.configFolder);
  for (const [name, entry] of await host.state.readJournal()) {
    await guarded(host, name, 'rolled back an interrupted change', () => recover(host, name, entry));
  }
  for (const name of await host.state.wantedUp()) {
    const before = await readSnapshot(host, name);
    const { file } = before;
    if (before.live !== null || file === null) continue;
    await guarded(host, name, 'brought up an interface that is wanted up', async () => {
      await apply(host, name, before, wantedLive(file, 'up'));
    });
  }
}

async function guarded(host: Host, name: string, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    host.log.warn(what, { interface: name });
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
  for (;;) {
    const strays = await findStrays();
    if (strays.length === 0) return;
    if (host.nowMs() > deadline) for (const pid of strays) process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function findStrays(): Promise<number[]> {
  const ownMounts = await readlink('/proc/self/ns/mnt');
  const pids = (await readdir('/proc')).filter((entry) => /^[0-9]+$/.test(entry)).map(Number);
  const judged = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
      if (!/(^|\0)([^\0]*\/)?wg-quick\0(up|down)\0/.test(command)) return false;
      // Processes of another container or test host are not ours to touch.
      return (await readlink(`/proc/${String(pid)}/ns/mnt`).catch(() => '')) === ownMounts;
    }),
  );
  return pids.filter((_, index) => judged[index] === true);
}
