import { existsSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../core/agent-error.ts';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { kindOf } from './kind-of.ts';
import { type KnownDevice, moduleIsLoaded, removeMoved } from './moved-link.ts';
import { quickProcesses } from '../../host/quick-processes.ts';
import { findUserspace, isUserspace, setUapi } from './uapi.ts';

/** Since the module is not there a device of it cannot be made: the next up need not try. */
let hasNoModule = false;

/** Makes the device, by the kernel's module or else by wireguard-go, as wg-quick does; `taken` = it is there already. */
export async function makeLink(runner: CommandRunner, name: string): Promise<'made' | 'taken'> {
  if (!hasNoModule || moduleIsLoaded()) {
    const { exitCode, stderr } = await runner.run('ip', ['link', 'add', name, 'type', 'wireguard']);
    if (exitCode === 0) return 'made';
    if (stderr.includes('File exists')) return 'taken';
    if (kindOf(name) !== 'absent') return makerOf(name);
    if (moduleIsLoaded()) throw new AgentError('command_failed', `The kernel does not make the interface ${name}`);
    hasNoModule = true;
  }
  // A wireguard-go whose device somebody has just deleted removes the socket of that name as it ends: it would be that of ours.
  if (isUserspace(name) && findUserspace(name) !== undefined) await isGone(name);
  try {
    await mustRun(runner, ['wireguard-go', name], { output: 'none' });
    return 'made';
  } catch (error) {
    if (kindOf(name) !== 'absent') return makerOf(name);
    const missing = error instanceof AgentError && error.code === 'command_missing';
    const text = missing
      ? 'The kernel has no WireGuard module, and wireguard-go is not installed'
      : `wireguard-go cannot make the interface ${name}`;
    throw new AgentError(missing ? 'command_missing' : 'command_failed', text, { cause: error });
  }
}

/** A device that came although our program failed: of somebody else's wg-quick, or ours all the same. */
const makerOf = (name: string): 'made' | 'taken' => (quickProcesses(name).length > 0 ? 'taken' : 'made');

/** How long a wireguard-go may take to end before its device is deleted. */
const END_LIMIT_MS = 2_000;
const BRIEF_MS = 4;

/**
 * Deletes the device; fine when there is none. Once it returns, one of the same name can be made, on the same port. A wireguard-go that
 * is told to end takes its device with it in a tenth of the time that the kernel takes to delete it, wherever somebody moved that to;
 * one of the kernel that was moved or renamed is looked for in all named network namespaces, as it keeps its port in this one.
 */
export async function removeLink(runner: CommandRunner, name: string, known: KnownDevice): Promise<void> {
  const kind = kindOf(name);
  if (kind === 'absent' && !isUserspace(name)) {
    if (moduleIsLoaded()) await removeMoved(runner, known);
    return;
  }
  // Only those are found whose socket is of this network namespace: one that somebody else runs in another is not ours.
  const pid = kind === 'absent' ? findUserspace(name) : kind === 'userspace' ? await releaseAndFind(name) : undefined;
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    if (await isGone(name)) return;
  }
  if (kind === 'absent') return;
  const { exitCode } = await runner.run('ip', ['link', 'delete', 'dev', name]);
  // A wireguard-go that ends removes the socket of that name: that of its successor, if that one were faster.
  if (exitCode === 0 && (await isGone(name))) return;
  if (kindOf(name) !== 'absent') throw new AgentError('command_failed', `The interface ${name} cannot be deleted`);
}

/** The process of wireguard-go, found while it lets go of its port: it outlives the device a little, and the next one needs that at once. */
async function releaseAndFind(name: string): Promise<number | undefined> {
  const released = setUapi(name, ['listen_port=0']).catch(() => undefined);
  // The question is on its way before the search, which blocks.
  await setImmediate();
  const pid = findUserspace(name);
  await released;
  return pid;
}

/** Waits for device and socket to go; false when they do not. */
async function isGone(name: string): Promise<boolean> {
  const started = performance.now();
  while (isUserspace(name) || existsSync(`/sys/class/net/${name}`)) {
    const waitedMs = performance.now() - started;
    if (waitedMs > END_LIMIT_MS) return false;
    // It takes some two ms: a timer's tick is half of that.
    await (waitedMs < BRIEF_MS ? setImmediate() : sleep(1));
  }
  return true;
}
