import { existsSync, readdirSync } from 'node:fs';
import { type CommandRunner, mustRun } from '../../host/command-runner.ts';
import { interfaceOf } from '../../protocol/wgquick/document.ts';
import type { StopConfig } from '../backend.ts';

/** What a device is known by, under whatever name and in whatever network namespace it is. */
export type KnownDevice = Pick<StopConfig, 'document' | 'index'>;

/** Whether the kernel makes WireGuard devices itself. */
export const moduleIsLoaded = (): boolean => existsSync('/sys/module/wireguard');

/** Where ip-netns(8) keeps those that have a name. */
const NAMESPACES = '/run/netns';

/**
 * Deletes the kernel's device that has this number and the key of the file, where somebody renamed it or moved it to a named network
 * namespace: its port would stay in use in this one. Fine when there is none.
 */
export async function removeMoved(
  runner: CommandRunner,
  { index, document }: KnownDevice,
  namespaces: readonly string[] = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : [],
): Promise<void> {
  const publicKey = interfaceOf(document).privateKey?.publicKey;
  if (index === null || publicKey === undefined) return;
  for (const namespace of [null, ...namespaces]) {
    const ip = namespace === null ? [] : ['-netns', namespace];
    const { stdout } = await runner.run('ip', [...ip, '-json', 'link', 'show', 'type', 'wireguard']);
    const name = nameOf(stdout, index);
    if (name === undefined || (await keyOf(runner, namespace, name)) !== publicKey) continue;
    await mustRun(runner, ['ip', ...ip, 'link', 'delete', 'dev', name]);
    return;
  }
}

/** From `ip -json link show`. */
function nameOf(json: string, index: number): string | undefined {
  const links = json.trim() === '' ? [] : (JSON.parse(json) as { readonly ifindex: number; readonly ifname: string }[]);
  return links.find(({ ifindex }) => ifindex === index)?.ifname;
}

async function keyOf(runner: CommandRunner, namespace: string | null, name: string): Promise<string> {
  const show = ['show', name, 'public-key'];
  const { stdout } = await (namespace === null
    ? runner.run('wg', show)
    : runner.run('ip', ['netns', 'exec', namespace, 'wg', ...show]));
  return stdout.trim();
}
