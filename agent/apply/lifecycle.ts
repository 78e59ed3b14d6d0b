import { AgentError } from '../core/agent-error.ts';
import { documentText, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { render } from '../protocol/wgquick/render.ts';
import { withoutSaveConfig } from '../protocol/wgquick/strip.ts';
import { runDownHooks, undoOlderLife } from './hooks.ts';
import type { ManagedInterface } from './managed-interface.ts';

const EMPTY_FILE = '[Interface]\n';

/** The copy that a teardown shall work from. */
export const activeConfigOf = (fileText: string): string => documentText(withoutSaveConfig(parseDocument(fileText)));

/**
 * Brings the interface up from `text`, which stays as its running copy. A failure leaves no device and takes the hooks' effects
 * back.
 */
export async function bringUp(target: ManagedInterface, text: string): Promise<void> {
  const { state, backend } = target;
  const stale = await state.readRunning();
  // A second PostUp would double what the first one set up.
  if (stale !== null) await undoOlderLife(target, stale);
  await state.writeLedger(null);
  await state.writeRunning(text);
  try {
    const outcome = await backend.up({ path: state.runningPath, text });
    // Somebody else was faster, wg-quick@ at boot for instance: the device is theirs, and the next look takes it as it is.
    if (outcome === 'taken') await state.writeRunning(null);
  } catch (error) {
    // A program that is not there has run no hook.
    const hasRun = !(error instanceof AgentError && error.code === 'command_missing');
    if (hasRun) await runDownHooks(target, interfaceOf(parseDocument(text)));
    await state.writeRunning(null);
    throw error;
  }
}

/**
 * Takes the interface down with the hooks it was brought up with. A hook that fails does not keep it up: the rest of the teardown
 * still runs, because half a tunnel is worse than none.
 */
export async function bringDown(target: ManagedInterface): Promise<void> {
  const { state, backend, host, name } = target;
  const text = (await state.readRunning()) ?? activeConfigOf((await target.readFile()) ?? EMPTY_FILE);
  await state.writeRunning(text);
  const file = { path: state.runningPath, text };
  if ((await backend.down(file)) === 'stuck') {
    host.log.warn('a PreDown hook failed; the interface is taken down without it', { interface: name });
    const document = parseDocument(text);
    const config = interfaceOf(document);
    await runDownHooks(target, { preDown: config.preDown, postDown: [] });
    const rest = render(document, { ...config, preDown: [] });
    await state.writeRunning(rest);
    await backend.down({ ...file, text: rest });
    await backend.remove();
  }
  await state.writeRunning(null);
  await state.writeLedger(null);
}
