import { AgentError } from '../core/agent-error.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from '../protocol/wgquick/config.ts';
import { documentText, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { withoutSaveConfig } from '../protocol/wgquick/strip.ts';
import type { Host } from './host.ts';

const EMPTY_FILE = '[Interface]\n';

/** The copy that `wg-quick down` shall work from. */
export const activeConfigOf = (fileText: string): string => documentText(withoutSaveConfig(parseDocument(fileText)));

const exists = async (host: Host, name: string): Promise<boolean> =>
  (await host.runner.run('ip', ['link', 'show', 'dev', name])).exitCode === 0;

const removeDevice = async (host: Host, name: string): Promise<void> => {
  if (await exists(host, name)) await host.runner.run('ip', ['link', 'delete', 'dev', name]);
};

/** Runs one hook as wg-quick does: bash with errexit and pipefail, `%i` replaced. */
export async function runHook(host: Host, name: string, hook: string): Promise<void> {
  const script = hook.replaceAll('%i', name);
  const result = await host.runner.run('bash', ['-e', '-o', 'pipefail', '-c', script], {
    timeoutMs: host.limits.hookTimeoutMs,
  });
  if (result.exitCode === 0) return;
  const how = result.exitCode === null ? 'did not end in time' : `failed with exit code ${String(result.exitCode)}`;
  throw new AgentError('command_failed', `The hook \`${hook}\` ${how}`);
}

/** Takes back what hooks of a failed set-up may have done: every down hook, whatever the others say. wg-quick does not. */
export async function runDownHooks(host: Host, name: string, config: InterfaceConfig): Promise<void> {
  for (const hook of [...config.preDown, ...config.postDown]) {
    await runHook(host, name, hook).catch((error: unknown) => {
      host.log.debug('a down hook failed while a failed set-up was taken back', {
        interface: name,
        error: String(error),
      });
    });
  }
}

/**
 * Brings the interface up with wg-quick from `text`, which stays as its running copy. A failure leaves no device and takes the
 * hooks' effects back.
 */
export async function bringUp(host: Host, name: string, text: string): Promise<void> {
  const stale = await host.state.readRunning(name);
  // The device went without us, and what its hooks had set up may still be there: a second PostUp would double it.
  if (stale !== null) await runDownHooks(host, name, interfaceOf(parseDocument(stale)));
  await host.state.writeRunning(name, text);
  const argv = ['up', host.state.runningPath(name)];
  const result = await host.runner.run('wg-quick', argv, { timeoutMs: host.limits.quickTimeoutMs });
  if (result.exitCode === 0) return;
  const isTaken = result.stderr.split('\n').includes(`wg-quick: \`${name}' already exists`);
  if (isTaken && (await exists(host, name))) {
    // Somebody else was faster, wg-quick@ at boot for instance: the device is theirs, and the next look takes it as it is.
    await host.state.writeRunning(name, null);
    return;
  }
  await removeDevice(host, name);
  await runDownHooks(host, name, interfaceOf(parseDocument(text)));
  await host.state.writeRunning(name, null);
  throw new AgentError('command_failed', `wg-quick up ${failure(result.exitCode, result.stderr)}`);
}

/**
 * Takes the interface down with the hooks it was brought up with. A hook that fails does not keep it up: the rest of the teardown
 * still runs, because half a tunnel is worse than none.
 */
export async function bringDown(host: Host, name: string): Promise<void> {
  const text = (await host.state.readRunning(name)) ?? activeConfigOf((await host.readFile(name)) ?? EMPTY_FILE);
  await host.state.writeRunning(name, text);
  if (!(await quickDown(host, name)) && (await exists(host, name))) {
    host.log.warn('a PreDown hook failed; the interface is taken down without it', { interface: name });
    const document = parseDocument(text);
    const config = interfaceOf(document);
    await runDownHooks(host, name, { ...EMPTY_CONFIG, preDown: config.preDown });
    await host.state.writeRunning(name, render(document, { ...config, preDown: [] }));
    await quickDown(host, name);
    await removeDevice(host, name);
  }
  await host.state.writeRunning(name, null);
}

const quickDown = async (host: Host, name: string): Promise<boolean> => {
  const argv = ['down', host.state.runningPath(name)];
  return (await host.runner.run('wg-quick', argv, { timeoutMs: host.limits.quickTimeoutMs })).exitCode === 0;
};

/** Our own words for what wg-quick says; its output may hold keys. */
function failure(exitCode: number | null, stderr: string): string {
  if (exitCode === null) return 'did not end in time (a hook that hangs, or a peer name that does not resolve)';
  const known: readonly (readonly [RegExp, string])[] = [
    [/resolvconf: command not found/, 'failed: `dns` needs a resolvconf program on the host'],
    [/Address already in use/, 'failed: the listen port is in use'],
    [/File exists/, 'failed: a route or address is held by another interface'],
    [
      /Name or service not known|Temporary failure in name resolution/,
      "failed: a peer's endpoint name does not resolve",
    ],
    [/Line unrecognized|Configuration parsing error/, 'failed: the file has a line that wg does not know'],
  ];
  const match = known.find(([pattern]) => pattern.test(stderr));
  return match?.[1] ?? `failed with exit code ${String(exitCode)} (most often a PreUp or PostUp hook)`;
}
