import { isSameAgent, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { refusedWrite } from '../cluster/kube-client.ts';
import { conflictingNodes, load } from '../cluster/load.ts';
import { hasFinalizer, wantsFinalizer } from '../policy/deletion.ts';
import { heldMsOf, wishOf } from '../policy/hold.ts';
import { refusal } from '../policy/refusal.ts';
import { WHILE_REFUSED } from '../policy/retry.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import type { Dependencies } from './dependencies.ts';
import { finalize } from './finalize.ts';
import { isPruned, type LocalState } from './local-state.ts';
import { loadOptionsOf } from './load-options.ts';
import { report } from './report.ts';
import { syncInterface } from './sync-interface.ts';

/** Soon, for what is on its way anyway: the watch brings the object, this is the backstop. */
const SOON_MS = 250;

/** The whole controller in one page: load, sync, report. Level-triggered: the key is all that it is given. */
export const createReconciler =
  (dependencies: Dependencies) =>
  async (key: string): Promise<Action> => {
    try {
      return await reconcile(dependencies, key);
    } finally {
      // Whatever came of it: the next one has its turn on the host.
      dependencies.hosts.turns.leave(key);
    }
  };

async function reconcile(dependencies: Dependencies, key: string): Promise<Action> {
  const { nodes, localStates, writer, signal } = dependencies;
  const node = nodes.get(key);
  if (node === undefined) {
    localStates.forget(key);
    return awaitChange;
  }
  if (node.metadata.deletionTimestamp !== undefined) return finalize(dependencies, node);
  if (hasFinalizer(node) === wantsFinalizer(node)) return reconcileNode(dependencies, node);
  let written: WireGuardNode | undefined;
  try {
    written = await writer.writeFinalizer(node, wantsFinalizer(node), signal);
  } catch (error) {
    const why = refusedWrite(error);
    if (why === undefined) throw error;
    return withoutFinalizer(dependencies, node, why);
  }
  if (written === undefined) return requeueAfter(SOON_MS);
  dependencies.takeWritten(written);
  return reconcileNode(dependencies, written);
}

/** Without it a deletion would leave the tunnel running: nothing is sent. Who sends nothing anyway, or wants none, needs none. */
async function withoutFinalizer(dependencies: Dependencies, node: WireGuardNode, why: string): Promise<Action> {
  const { localStates, log } = dependencies;
  if (!wantsFinalizer(node) || node.spec.suspend || node.spec.management.mode === 'Observe') {
    log.warn('the finalizer cannot be written', { node: keyOf(node), error: why });
    return reconcileNode(dependencies, node);
  }
  const local = { ...localStates.get(keyOf(node), node.metadata.uid), seen: undefined };
  const refused = refusal('FinalizerRefused', why);
  return report(dependencies, node, { outcome: { kind: 'refused', refusal: refused, retry: WHILE_REFUSED }, local });
}

async function reconcileNode(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  const { nodes, localStates, log } = dependencies;
  const key = keyOf(node);
  const known = localStates.get(key, node.metadata.uid);
  const options = loadOptionsOf(dependencies);
  const input = await load(node, options);
  const wish = wishOf(input);
  const heldMs = heldMsOf(known.hold, wish, dependencies.clock.now());
  if (heldMs > 0) return heldFor(heldMs, dependencies, { node, local: known });
  const local: LocalState = { ...known, hold: { wish, untilMs: 0 } };
  const conflicting = input.conflicting.accepted.map(({ metadata }) => metadata.uid).join();
  const isCurrent = (): boolean =>
    dependencies.mayChange() &&
    isSame(nodes.get(key), node) &&
    conflictingNodes(node, options)
      .map(({ metadata }) => metadata.uid)
      .join() === conflicting;
  const isWanted = (): boolean => isWorked(nodes.get(key), node);
  const steps = syncInterface(input, local, { ...dependencies, isCurrent, isWanted });
  let interim: Promise<unknown> = Promise.resolve();
  for (;;) {
    const step = await steps.next();
    if (step.done === true) {
      await interim;
      return report(dependencies, node, step.value);
    }
    // Written beside the change: the host is not held up by the API server, and that a change lasts is no news worth failing it for.
    interim = report(dependencies, node, { outcome: step.value, local }).catch((error: unknown) => {
      log.warn('cannot write that a change is under way', { node: key, error: String(error) });
    });
  }
}

/** The host is not asked; what others made of the status is put right. */
async function heldFor(
  heldMs: number,
  { writer, takeWritten, signal }: Dependencies,
  { node, local }: { readonly node: WireGuardNode; readonly local: LocalState },
): Promise<Action> {
  const { written } = local;
  const isThere = written === undefined || isPruned(local, node, written);
  const now = isThere ? node : await writer.writeStatus(node, written, signal);
  if (now !== undefined && now !== node) takeWritten(now);
  return requeueAfter(heldMs);
}

/** Whether the object is still worked on the host that it named: an edit of anything else waits for the change that is under way. */
const isWorked = (now: WireGuardNode | undefined, { metadata, spec }: WireGuardNode): boolean =>
  now?.metadata.uid === metadata.uid &&
  now.metadata.deletionTimestamp === undefined &&
  !now.spec.suspend &&
  isSameAgent(now.spec.agent.url, spec.agent.url);

/** Whether a decision about `judged` still holds for the object as it is known now. */
const isSame = (now: WireGuardNode | undefined, judged: WireGuardNode): boolean =>
  now?.metadata.uid === judged.metadata.uid &&
  now.metadata.generation === judged.metadata.generation &&
  now.metadata.deletionTimestamp === undefined;
