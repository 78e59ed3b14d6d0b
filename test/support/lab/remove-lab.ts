import { readdirSync, rmSync } from 'node:fs';
import { until } from '../until.ts';
import { LAB_VARIABLE, labNames } from './lab-names.ts';
import { readLocks, releaseNumber, withLabsLocked } from './lab-lock.ts';
import { processesWithVariable } from './process-identity.ts';
import { mustRun, run } from './run.ts';

/** Removes whatever there is of a lab, and its lock last. Safe to call again. Returns what it removed. */
export async function removeLab(number: number): Promise<string[]> {
  const removed = await removeRemains(number);
  releaseNumber(number);
  return removed;
}

/** Removes the processes, namespaces, links and the folder of a lab; the number stays taken. */
export async function removeRemains(number: number): Promise<string[]> {
  const names = labNames(number);
  const namespaces = (await listNamespaces()).filter((name) => name.startsWith(names.namespace('')));
  const killed = new Set<number>();
  await until(
    `the processes of lab ${String(number)} to end`,
    async () => {
      const pids = await processesOf(number, namespaces);
      for (const pid of pids) {
        killed.add(pid);
        kill(pid);
      }
      return pids.length === 0;
    },
    { intervalMs: 20 },
  );
  const links = (await listLinks()).filter((link) => link === names.bridge || link.startsWith(`${names.bridge}-`));
  const batch = [...links.map((link) => `link del ${link}`), ...namespaces.map((name) => `netns del ${name}`)];
  // -force: a veth may go on its own together with its namespace.
  if (batch.length > 0) await run(['ip', '-force', '-batch', '-'], { stdin: `${batch.join('\n')}\n` });
  const folders = readdirSync('/tmp').filter((entry) => `/tmp/${entry}` === names.folder);
  rmSync(names.folder, { recursive: true, force: true });
  return [
    ...(killed.size > 0 ? [`${String(killed.size)} processes`] : []),
    ...namespaces.map((name) => `namespace ${name}`),
    ...links.map((link) => `link ${link}`),
    ...folders.map((folder) => `/tmp/${folder}`),
  ];
}

/** Removes the labs whose owner is dead. Returns one line for each. */
export function cleanStaleLabs(): Promise<string[]> {
  return withLabsLocked(removeStaleLabs);
}

/** As `cleanStaleLabs`, for a caller that holds the lock. */
export async function removeStaleLabs(): Promise<string[]> {
  return removeEach(readLocks().filter((lock) => lock.isStale));
}

/** Removes every lab of this machine, also those in use. */
export function removeAllLabs(): Promise<string[]> {
  return withLabsLocked(() => removeEach(readLocks()));
}

async function removeEach(locks: readonly { readonly number: number }[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { number } of locks) {
    const removed = await removeLab(number);
    lines.push(`lab ${String(number)}: ${removed.length === 0 ? 'nothing but its lock' : removed.join(', ')}`);
  }
  return lines;
}

/** By environment, and by namespace for those that were started with a clean environment, as wireguard-go is. */
async function processesOf(number: number, namespaces: readonly string[]): Promise<number[]> {
  const inside = await Promise.all(
    namespaces.map(async (name) => (await run(['ip', 'netns', 'pids', name])).stdout.split('\n')),
  );
  const pids = inside
    .flat()
    .filter((line) => line !== '')
    .map(Number);
  return [...new Set([...processesWithVariable(LAB_VARIABLE, String(number)), ...pids])].filter(
    (pid) => pid !== process.pid,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone by itself
  }
}

async function listNamespaces(): Promise<string[]> {
  return parseNames(await mustRun(['ip', '-json', 'netns', 'list']), 'name');
}

async function listLinks(): Promise<string[]> {
  return parseNames(await mustRun(['ip', '-json', 'link', 'show']), 'ifname');
}

function parseNames(json: string, key: string): string[] {
  const rows = (json.trim() === '' ? [] : JSON.parse(json)) as Readonly<Record<string, unknown>>[];
  return rows.map((row) => String(row[key]));
}
