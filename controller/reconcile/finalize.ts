import { agentOrigin, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { conflictingNodes, load } from '../cluster/load.ts';
import type { CallOptions, Done, Driver } from '../drivers/driver.ts';
import { checkAgent } from '../policy/checks.ts';
import { deletionPlan, deletionTimedOut, hasFinalizer } from '../policy/deletion.ts';
import { refusal } from '../policy/refusal.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import type { Dependencies } from './dependencies.ts';

/** Soon, for what the watch will bring anyway: this is the backstop. */
const SOON_MS = 1_000;
const RETRY_MS = 5_000;

type Verb = 'disable' | 'remove';

/** How an attempt on the host ended; `pending`: it could not be made this time, and why. */
type Attempt = { readonly kind: 'acted' | 'retained' | 'gone' } | { readonly kind: 'pending'; readonly why: string };

/** Ends an object that carries our finalizer by its deletionPolicy; without it there is nothing to do. */
export async function finalize(dependencies: Dependencies, node: WireGuardNode): Promise<Action> {
  if (!hasFinalizer(node)) return awaitChange;
  const planned = deletionPlan(node, conflictingNodes(node, dependencies.nodes));
  if (planned.kind === 'release') await dependencies.events.record(node, planned.event);
  else {
    const attempt = await act(dependencies, node, planned.verb);
    if (attempt.kind === 'gone') return awaitChange;
    if (attempt.kind === 'pending') {
      // Only a failed attempt past the deadline ends the waiting: the controller itself may have been away.
      const timedOut = deletionTimedOut(node, dependencies.clock.now(), attempt.why);
      await dependencies.events.record(node, timedOut.event);
      if (!timedOut.isOver) return requeueAfter(RETRY_MS);
      dependencies.metrics.deletionTimedOut();
    }
  }
  const written = await dependencies.writer.writeFinalizer(node, false, dependencies.signal);
  if (written === undefined) return requeueAfter(SOON_MS);
  dependencies.takeWritten(written);
  return awaitChange;
}

/** Takes the interface down or away in this object's turn on the host, and tells how that went. */
async function act(dependencies: Dependencies, node: WireGuardNode, verb: Verb): Promise<Attempt> {
  const attempt = await dependencies.hostLocks.run(agentOrigin(node), () => attemptOn(dependencies, node, verb));
  const { name } = node.spec.interface;
  if (attempt.kind === 'acted') {
    const note =
      verb === 'remove' ? `${name} was taken down and its file removed` : `${name} was taken down; its file stays`;
    await dependencies.events.record(node, { type: 'Normal', reason: 'Deleted', action: 'Delete', note });
  }
  return attempt;
}

/** Does it if the object is still the one that we know and nobody else owns the interface by now. */
async function attemptOn(dependencies: Dependencies, node: WireGuardNode, verb: Verb): Promise<Attempt> {
  const stored = await dependencies.writer.read(keyOf(node), dependencies.signal);
  if (stored?.metadata.uid !== node.metadata.uid || !hasFinalizer(stored)) return { kind: 'gone' };
  const again = deletionPlan(stored, conflictingNodes(node, dependencies.nodes));
  if (again.kind === 'release') {
    await dependencies.events.record(node, again.event);
    return { kind: 'retained' };
  }
  const found = await driverFor(dependencies, node);
  if (found.kind === 'pending') return found;
  const options = { timeoutMs: node.spec.agent.timeoutSeconds * 1000, signal: dependencies.signal };
  const done = await carryOut(found.driver, verb, options);
  switch (done.kind) {
    case 'done':
      return { kind: 'acted' };
    case 'unreachable':
    case 'refused': {
      const why = done.kind === 'refused' ? done.refusal.message : done.message;
      dependencies.log.warn('cannot carry out the deletion policy yet', { node: keyOf(node), verb, message: why });
      return { kind: 'pending', why };
    }
  }
}

async function carryOut(driver: Driver, verb: Verb, options: CallOptions): Promise<Done> {
  if (verb === 'disable') return driver.setState('down', options);
  if (driver.capabilities.has('remove')) return driver.remove(options);
  const message = 'Its agent cannot remove an interface: set deletionPolicy to Disable or Retain';
  return { kind: 'refused', refusal: refusal('Unsupported', message) };
}

type Found = { readonly kind: 'found'; readonly driver: Driver } | Extract<Attempt, { readonly kind: 'pending' }>;

/** With a namespace the Secret often goes before the object: then the driver of the last look serves. */
async function driverFor(dependencies: Dependencies, node: WireGuardNode): Promise<Found> {
  const input = await load(node, dependencies);
  if (input.agentSecret.kind === 'found') {
    const refused = checkAgent(input);
    if (refused !== undefined) return { kind: 'pending', why: refused.message };
    return { kind: 'found', driver: dependencies.drivers.open(node, input.agentSecret.data) };
  }
  const { driver } = dependencies.localStates.get(keyOf(node), node.metadata.uid);
  if (driver !== undefined) return { kind: 'found', driver };
  return { kind: 'pending', why: 'the Secret of the agent is gone, and with it the key to talk to it' };
}
