import type { ResolverFailed, StopConfig } from '../backend/backend.ts';
import { type Device, type Ledger, newLedger } from '../core/device.ts';
import type { NamedEndpoint } from '../core/start-text.ts';
import { downHooksOf, teardownOf } from '../core/teardown.ts';
import { type Document, documentText, hooksOf, interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { withoutSaveConfig } from '../protocol/wgquick/strip.ts';
import { downHooks, hooksOfOlderLife, runQuietly, upRun } from './hooks.ts';
import { compile } from '../protocol/firewall/compile.ts';
import { writeSidecar } from './sidecar.ts';
import { type ManagedInterface, warn } from './managed-interface.ts';

const EMPTY_FILE = '[Interface]\n';

/** The copy that a teardown shall work from. */
export const activeConfigOf = (fileText: string): string => documentText(withoutSaveConfig(parseDocument(fileText)));

/** What becomes of name servers that resolvconf(8) does not take, or does not let go. */
export const resolverFailure =
  (target: ManagedInterface): ResolverFailed =>
  (error) => {
    if (target.failures === 'end') throw error;
    warn(target, 'resolvconf failed: the name servers of the host may not be those of the interface', error);
  };

/** How an interface came up. */
export interface BroughtUp {
  /** Peers whose endpoint is a name that is yet to be resolved. */
  readonly names: readonly NamedEndpoint[];
  /** Up hooks that failed, where it came up all the same. */
  readonly failed: readonly string[];
  /** False = somebody else was faster: the device is theirs. */
  readonly isOurs: boolean;
}

/**
 * Brings the interface up from `text`, which stays as its running copy. `previous`: what ran before. A failure leaves no device and takes
 * back the hooks that ran.
 */
export async function bringUp(target: ManagedInterface, text: string, previous: Device | null): Promise<BroughtUp> {
  const { state, backend } = target;
  // A second PostUp would double what the first one set up.
  await forgetOlderLife(target);
  const document = parseDocument(text);
  const config = hooksOf(document);
  const { hooks, runs, failed } = upRun(target, config);
  const takeBack = async (): Promise<void> => {
    await runQuietly(target, teardownOf(interfaceOf(document), runs));
    await state.writeRunning(null);
    await state.writeLedger(null);
  };
  try {
    await state.writeLedger(newLedger(null));
    await state.writeRunning(text);
    // A file that came from a backup has none beside it.
    if (config.firewall.length > 0) await writeSidecar(target, compile(config, target.name));
    const started = await backend.up({ document, previous, resolverFailed: resolverFailure(target) }, hooks);
    if (started !== 'taken') return { names: started.names, failed, isOurs: true };
  } catch (error) {
    await takeBack();
    throw error;
  }
  // Somebody else was faster, wg-quick@ at boot for instance: the device is theirs, and the next look takes it as it is.
  await takeBack();
  return { names: [], failed: [], isOurs: false };
}

/** Takes back what is left of a device that went without us: what hooks set up, rules, rows of the firewall, name servers. */
export async function forgetOlderLife(target: ManagedInterface): Promise<void> {
  const { state } = target;
  const [text, ledger] = [await state.readRunning(), await state.readLedger()];
  if (text !== null) {
    const document = parseDocument(text);
    const isWhole = ledger?.index !== null;
    const hooks = isWhole
      ? await hooksOfOlderLife(target, text, ledger?.hooks ?? [])
      : teardownOf(interfaceOf(document), ledger.hooks);
    await runQuietly(target, hooks);
    await target.backend.sweep(stopConfig(target, document, { ledger, seen: null }));
  }
  await state.writeRunning(null);
  await state.writeLedger(null);
}

interface Known {
  readonly ledger: Ledger | null;
  /** The device as it was looked at, if nothing has touched it since. */
  readonly seen: Device | null;
}

const stopConfig = (target: ManagedInterface, document: Document, { ledger, seen }: Known): StopConfig => ({
  document,
  resolverFailed: resolverFailure(target),
  marks: [ledger?.baseline?.fwMark, seen?.fwMark].filter((mark) => typeof mark === 'number'),
  asksMark: seen === null,
  index: ledger?.index ?? null,
});

/**
 * Takes the interface down with the hooks it was brought up with. A hook that fails does not keep it up: the rest of the teardown
 * still runs, because half a tunnel is worse than none. `device`: as it was looked at under this lock.
 */
export async function bringDown(target: ManagedInterface, device: Device | null): Promise<void> {
  const { state, backend } = target;
  target.names.stop(target.name);
  const copy = await state.readRunning();
  const text = copy ?? activeConfigOf((await target.readFile()) ?? EMPTY_FILE);
  if (copy === null) await state.writeRunning(text);
  const document = parseDocument(text);
  const config = hooksOf(document);
  const ledger = await state.readLedger();
  const isUnfinished = ledger !== null && ledger.index === null;
  const hooks = isUnfinished
    ? { preDown: teardownOf(interfaceOf(document), ledger.hooks), postDown: [] }
    : downHooksOf(config, ledger?.hooks ?? []);
  const seen = hooks.preDown.length > 0 ? null : device;
  await backend.down(stopConfig(target, document, { ledger, seen }), downHooks(target, hooks));
  await state.writeRunning(null);
  await state.writeLedger(null);
}
