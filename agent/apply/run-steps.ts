import { peersToRestore, withSession } from '../core/carry-over.ts';
import { AgentError, takenAway } from '../core/agent-error.ts';
import type { LiveStep } from '../backend/backend.ts';
import type { Baseline, Device, Peer } from '../core/device.ts';
import { bareNetworks, hookedBaseline } from '../core/baseline.ts';
import { type Hook, mayAddFirst } from '../core/hook-change.ts';
import type { Step, StepOf } from '../core/plan.ts';
import { withEffect } from '../core/teardown.ts';
import { keyOf } from '../protocol/hooks/effects/effect.ts';
import { effectsOf } from '../protocol/hooks/effects/effects-of.ts';
import { type ActionOf, STEPS } from '../protocol/steps.ts';
import { type InterfaceConfig, withFieldsOf } from '../protocol/wgquick/config.ts';
import { interfaceOf, parseDocument } from '../protocol/wgquick/document.ts';
import { type FieldName, HOOK_NAMES } from '../protocol/wgquick/fields.ts';
import { withPeerEdits } from '../protocol/wgquick/peer-edits.ts';
import { render } from '../protocol/wgquick/render.ts';
import { runEach, runHook, runQuietly, setUpAgain } from './hooks.ts';
import { activeConfigOf, bringDown, bringUp, forgetOlderLife, resolverFailure } from './lifecycle.ts';
import { linesOf, LOAD_LINE, UNLOAD_LINE } from '../protocol/firewall/hook-lines.ts';
import { runIntentLine } from './intent-lines.ts';
import { keptFor, savePeers, savePeersInFile } from './peers-over-a-down.ts';
import { writeSidecar } from './sidecar.ts';
import { lookAtHooks } from './look-at-hooks.ts';
import type { ManagedInterface } from './managed-interface.ts';
import type { Snapshot } from './snapshot.ts';

/** What the runners of steps work with. */
export interface StepContext {
  readonly target: ManagedInterface;
  /** What the running interface shall be like. */
  readonly desired: InterfaceConfig;
  /** What there is now, but for the file: that is as the plan has it, and a `write-file` writes it. */
  readonly now: Snapshot;
  /** Whose peers and endpoints a restart must bring back; null = nothing ran before. */
  readonly carry: Device | null;
  /** The file text that an `up` starts from. */
  readonly startConfig: string;
}

type LoneAction = ActionOf<'file' | 'lifecycle' | 'hooks' | 'firewall'>;

/** A device as a step has read it, which nothing has touched since that wg(8) would show; null = it has to be read. */
type Seen = Device | null;

/** What runs by itself; an action that neither this table nor the backend carries out does not compile. */
const RUNNERS: { readonly [A in LoneAction]: (context: StepContext, step: StepOf<A>) => Promise<Seen> } = {
  'write-file': async ({ target, now }) => {
    if (now.fileText !== null) await target.writeFile(now.fileText);
    return now.device;
  },
  'set-firewall': setFirewall,
  'restore-hooks': restoreHooks,
  'run-hooks': swapHooks,
  up: upWithPeers,
  down: async ({ target, now }) => {
    await savePeers(target, now);
    await bringDown(target, now.device);
    if (now.device !== null) target.lives.ended(target.name, now.device.index);
    return null;
  },
  restart: async (context) => {
    const { target, now, startConfig } = context;
    const edits = await savePeersInFile(target, now);
    await bringDown(target, now.device);
    return upWithPeers({ ...context, startConfig: withPeerEdits(startConfig, edits) });
  },
};

type LoneStep = Extract<Step, { readonly action: LoneAction }>;
const isLone = (step: Step): step is LoneStep => Object.hasOwn(RUNNERS, step.action);

/** Runs the steps of one plan: the file, then the device as it stands, then what takes it down or runs hooks. Stops at the first failure. */
export async function runSteps(context: StepContext, steps: readonly Step[]): Promise<Seen> {
  try {
    return await runInOrder(context, steps);
  } finally {
    context.target.looks.forget();
  }
}

async function runInOrder(context: StepContext, steps: readonly Step[]): Promise<Seen> {
  const lone = steps.filter(isLone);
  const live = steps.filter((step): step is LiveStep => !isLone(step));
  let seen = context.now.device;
  for (const step of lone) if (STEPS[step.action].group === 'file') seen = await runAlone(context, step);
  await configure(context, live);
  if (!live.every(isBesideWg)) seen = null;
  for (const step of lone) if (STEPS[step.action].group !== 'file') seen = await runAlone(context, step);
  return seen;
}

/** Whether wg(8) shows nothing of what the step does: reading thousands of peers back would prove nothing of it. A link that comes up may take a port. */
const isBesideWg = ({ action }: LiveStep): boolean =>
  STEPS[action].group === 'resolver' || (STEPS[action].group === 'ip' && action !== 'link-up');

const runAlone = (context: StepContext, step: LoneStep): Promise<Seen> =>
  (RUNNERS[step.action] as (context: StepContext, step: LoneStep) => Promise<Seen>)(context, step);

async function configure(context: StepContext, steps: readonly LiveStep[]): Promise<void> {
  const { target, desired, now } = context;
  if (steps.length === 0) return;
  const moves = steps.some(({ impact }) => impact !== 'None');
  const peers = moves ? withSession(now.device?.peers ?? [], target.host.nowMs() / 1000) : [];
  await target.backend.configure({ steps, desired, peers, resolverFailed: resolverFailure(target) });
  if (steps.some(({ action }) => action === 'set-dns')) await noteRunning(context, desired, ['dns']);
  // One that was chosen may be the very one that is no longer asked for.
  if (desired.mtu === null && steps.some(({ action }) => action === 'set-mtu'))
    await noteRunning(context, desired, ['mtu']);
}

/** Writes down that the running interface now has these fields of `config`, so that an undo knows what to take back. */
async function noteRunning(
  { target, now }: StepContext,
  config: InterfaceConfig,
  names: readonly FieldName[],
): Promise<void> {
  const document = parseDocument((await target.state.readRunning()) ?? activeConfigOf(now.fileText ?? ''));
  await target.state.writeRunning(render(document, withFieldsOf(interfaceOf(document), config, names)));
}

async function upWithPeers({ target, desired, carry, startConfig }: StepContext): Promise<Seen> {
  const { state, backend, host } = target;
  const { names, failed, isOurs } = await bringUp(target, startConfig, carry).catch((error: unknown) => {
    // The number of a device that did not come up is not known: whatever is told of it proves nothing.
    target.lives.forget(target.name);
    throw error;
  });
  const device = await readHooked(target, desired, interfaceOf(parseDocument(startConfig)));
  if (device === null) {
    await forgetOlderLife(target);
    throw new AgentError('command_failed', `The interface ${target.name} went right after it came up`);
  }
  if (isOurs) target.lives.own(target.name, device.index);
  const restored = carry === null ? await keptFor(target, device) : peersToRestore(carry, device);
  const hooks = (await state.readLedger())?.hooks ?? [];
  const baseline = baselineOf(device, { desired, carry, restored });
  // What a hook that failed did not set up is missing, and drift; it is not what never shows.
  const unseen = await unseenEffects(target, withoutHooks(interfaceOf(parseDocument(startConfig)), failed));
  await state.writeLedger({ index: device.index, baseline, hooks, unseen });
  // Far sides that have a session with our previous life stay silent for 15 s unless we speak first.
  const triggered = carry === null ? device.peers : withSession(carry.peers, host.nowMs() / 1000);
  const keepsPort = carry !== null && desired.listenPort === null && device.listenPort !== carry.listenPort;
  await backend.restore({
    peers: restored,
    listenPort: keepsPort ? carry.listenPort : null,
    triggered: carry === null ? [] : triggered,
  });
  if (carry === null) greet(target, triggered);
  await target.names.resolve(target, { names, document: parseDocument(startConfig), index: device.index });
  // Nothing has been restored, greeted or named.
  return carry === null && restored.length === 0 && names.length === 0 ? device : null;
}

/** The device after hooks of `config` ran: their routes may say more than a network. */
async function readHooked(
  { backend }: ManagedInterface,
  { table }: InterfaceConfig,
  { preUp, postUp }: InterfaceConfig,
): Promise<Device | null> {
  const device = await backend.read(table);
  if (device === null || preUp.length + postUp.length === 0) return device;
  return { ...device, routes: await backend.describeRoutes(device.routes, table) };
}

/** Of a fresh device nobody misses a packet yet: what proves and tells that it is up goes first. */
const GREETING_MS = 100;

/** Sends something to every peer of a fresh device, a little later: nothing waits for it, and nothing depends on it. */
function greet({ backend, host, name }: ManagedInterface, triggered: readonly Peer[]): void {
  const send = async (): Promise<void> => {
    await backend.restore({ peers: [], listenPort: null, triggered }).catch((error: unknown) => {
      host.log.debug('peers could not be greeted', { interface: name, error: String(error) });
    });
  };
  setTimeout(() => void send(), GREETING_MS).unref();
}

/** The configuration without these up hooks. */
const withoutHooks = (config: InterfaceConfig, lines: readonly string[]): InterfaceConfig =>
  lines.length === 0
    ? config
    : {
        ...config,
        preUp: config.preUp.filter((line) => !lines.includes(line)),
        postUp: config.postUp.filter((line) => !lines.includes(line)),
        firewall: config.firewall.filter((intent) => !linesOf(intent).some(({ up }) => lines.includes(up))),
      };

interface Restored {
  readonly desired: InterfaceConfig;
  readonly carry: Device | null;
  /** Peers that are brought back. */
  readonly restored: readonly Peer[];
}

/** What came up, and the routes to peers that are brought back: only the kernel knew both. */
function baselineOf({ peers: _, index: __, ...device }: Device, { desired, carry, restored }: Restored): Baseline {
  if (desired.table === 'off') return { ...device, bare: bareNetworks(device) };
  const table = desired.table ?? 'main';
  const networks = new Set(restored.flatMap(({ allowedIps }) => allowedIps));
  const present = new Set(device.routes.map(({ destination }) => destination));
  const back = (carry?.routes ?? [])
    .map(({ destination }) => destination)
    .filter((destination) => networks.has(destination) && !present.has(destination));
  const routes = [...device.routes, ...back.map((destination) => ({ destination, table }))];
  return { ...device, routes, bare: bareNetworks(device) };
}

/**
 * Takes back the commands that go, runs those that come; what stays is not touched, nor is the device. Rules of the firewall come before
 * others go, so that no packet falls between. A failing line takes back what was run and sets up again what was taken back.
 */
async function swapHooks(context: StepContext, { hooks }: StepOf<'run-hooks'>): Promise<Seen> {
  const { removed, added, newTeardown } = hooks;
  const { target, desired } = context;
  const before = await target.backend.read(desired.table);
  const copy = await target.state.readRunning();
  const ran: Hook[] = [];
  const addsFirst = mayAddFirst(hooks);
  const takeBack = async (): Promise<void> => {
    const failed = await runEach(target, inversesOf(removed), 'pairOfRemoved');
    if (failed.length > 0) await mustBeGone(context, removed);
  };
  const setRemovedUp = (): Promise<unknown> => setUpAgain(target, linesIn(removed));
  let isTakenBack = !addsFirst;
  if (isTakenBack) {
    try {
      await takeBack();
    } catch (error) {
      await setRemovedUp();
      throw error;
    }
    // What took a line back took the device, too: everything is set up anew.
    if (before !== null && (await target.backend.read(desired.table)) === null) return upWithPeers(context);
  }
  try {
    await runAdded(target, added, ran);
    if (!isTakenBack) {
      isTakenBack = true;
      await takeBack();
    }
    await noteRunning(context, desired, [...HOOK_NAMES, 'firewall']);
    const after = await readHooked(target, desired, desired);
    if (before !== null && after === null) throw takenAway(target.name);
    await noteBaseline(target, { before, after, ran, unseen: await unseenEffects(target, desired, ran) });
    return after;
  } catch (error) {
    const known = inversesOf(ran);
    await runQuietly(target, [...known, ...newTeardown.filter((command) => !known.includes(command))]);
    if (isTakenBack) await setRemovedUp();
    await target.state.writeRunning(copy);
    throw error;
  }
}

const linesIn = (hooks: readonly Hook[]): string[] => hooks.map(({ command }) => command);

/** Notes in `ran` those that may have acted. Throws at the first that fails, but on the way back of an undo. */
async function runAdded(target: ManagedInterface, added: readonly Hook[], ran: Hook[]): Promise<void> {
  if (target.failures === 'warn') {
    const failed = await setUpAgain(target, linesIn(added));
    ran.push(...added.filter((_, at) => !failed.includes(at)));
    return;
  }
  for (const hook of added) {
    ran.push(hook);
    await runHook(target, hook.command);
  }
}

/** Hooks are the words of people, and a teardown that fails stops nothing; intents are ours: what they left goes, or all is as before. */
async function mustBeGone({ target, now }: StepContext, removed: readonly Hook[]): Promise<void> {
  const lines = new Set(now.running.firewall.flatMap(linesOf).map(({ up }) => up));
  const postUp = removed.map(({ command }) => command).filter((command) => lines.has(command));
  if (postUp.length === 0) return;
  const seen = await lookAtHooks(target, { ...now.running, preUp: [], firewall: [], postUp });
  const left = seen.find(({ isThere }) => isThere === true);
  if (left === undefined) return;
  throw new AgentError('command_failed', `\`${left.command}\` of an intent that goes cannot be taken back`);
}

/** Loads the table of firewall intents, which replaces the one that is there in one transaction, or takes it away. */
async function setFirewall(context: StepContext, { firewall }: StepOf<'set-firewall'>): Promise<Seen> {
  const { target, desired, now } = context;
  // First, so that an undo looks at the table whatever happens next.
  if (firewall.table !== null) await noteRunning(context, desired, ['firewall']);
  await writeSidecar(target, firewall.table);
  await runIntentLine(target, firewall.table === null ? UNLOAD_LINE : LOAD_LINE);
  if (firewall.table === null) await noteRunning(context, desired, ['firewall']);
  return now.device;
}

/** Runs hooks again whose effect is gone. One that fails changes nothing: it stays drift, and who asked is told. */
async function restoreHooks({ target, now }: StepContext, { healing }: StepOf<'restore-hooks'>): Promise<Seen> {
  await runQuietly(target, inversesOf(healing.removed));
  const failed = await runEach(target, linesIn(healing.added), 'commands of hooks whose effect was lost');
  const ledger = await target.state.readLedger();
  // What ran, and is not to be seen all the same, cannot be seen.
  const ran = healing.added.filter((_, at) => !failed.includes(at));
  const unseen = ran.length === 0 ? [] : await unseenEffects(target, now.running, ran);
  const hooks = withEffect(ledger?.hooks ?? [], linesIn(ran));
  if (ledger !== null && ran.length > 0)
    await target.state.writeLedger({ ...ledger, hooks, unseen: [...new Set([...ledger.unseen, ...unseen])] });
  return now.device;
}

/** What takes hooks back, the last one first. */
const inversesOf = (hooks: readonly Hook[]): string[] => hooks.toReversed().flatMap(({ inverse }) => inverse);

/** Effects of these hooks that are not there, now that they have run; `of`: of these alone. */
async function unseenEffects(
  target: ManagedInterface,
  config: InterfaceConfig,
  of?: readonly Hook[],
): Promise<string[]> {
  const lines = of?.map(({ command }) => command);
  const commands =
    lines && effectsOf({ preUp: [], postUp: lines, firewall: [] }, target.name).map(({ command }) => command);
  const seen = await lookAtHooks(target, config);
  return seen
    .filter(({ isThere, command }) => isThere === false && commands?.includes(command) !== false)
    .map(({ effect }) => keyOf(effect));
}

interface Hooked {
  readonly before: Device | null;
  readonly after: Device | null;
  readonly ran: readonly Hook[];
  /** Of the hooks that ran. */
  readonly unseen: readonly string[];
}

/** What hooks made of the device is right from now on. */
async function noteBaseline({ state }: ManagedInterface, { before, after, ran, unseen }: Hooked): Promise<void> {
  const ledger = await state.readLedger();
  if (before === null || after === null || ledger?.index !== after.index || ledger.baseline === null) return;
  const baseline = hookedBaseline(ledger.baseline, before, after);
  const hooks = withEffect(ledger.hooks, linesIn(ran));
  await state.writeLedger({ ...ledger, baseline, hooks, unseen: [...ledger.unseen, ...unseen] });
}
