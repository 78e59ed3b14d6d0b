import type { AgentClient } from './agents/agent-client.ts';
import { AgentRefused, AgentUnreachable } from './agents/agent-error.ts';
import { agentOrigin, keyOf } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import { load, conflictingNodes } from './cluster/load.ts';
import { checkAgent } from './reconcile/checks.ts';
import { deletionPlan, deletionTimedOut, hasFinalizer } from './reconcile/deletion.ts';
import type { ReconcilerParts } from './reconciler-parts.ts';
import { type Action, awaitChange, requeueAfter } from './runtime/action.ts';

/** Soon, for what the watch will bring anyway: this is the backstop. */
const SOON_MS = 1_000;
const RETRY_MS = 5_000;

interface Pending {
  /** Why the host could not be changed this time. */
  readonly pending: string;
}

type Done = 'acted' | 'retained' | 'gone' | Pending;

/** Ends an object that carries our finalizer by its deletionPolicy; without it there is nothing to do. */
export async function finalize(parts: ReconcilerParts, node: WireGuardNode): Promise<Action> {
  if (!hasFinalizer(node)) return awaitChange;
  const planned = deletionPlan(node, conflictingNodes(node, parts.nodes));
  if (planned.kind === 'release') await parts.events.record(node, planned.event);
  else {
    const done = await act(parts, node, planned.verb);
    if (done === 'gone') return awaitChange;
    if (typeof done === 'object') {
      // Only a failed attempt past the deadline ends the waiting: the controller itself may have been away.
      const timedOut = deletionTimedOut(node, parts.clock.now(), done.pending);
      await parts.events.record(node, timedOut.event);
      if (!timedOut.isOver) return requeueAfter(RETRY_MS);
      parts.metrics.deletionTimedOut();
    }
  }
  const written = await parts.writer.writeFinalizer(node, false, parts.signal);
  if (written === undefined) return requeueAfter(SOON_MS);
  parts.takeWritten(written);
  return awaitChange;
}

/** Takes the interface down or away, if the object is still the one that we know and nobody else owns the interface by now. */
async function act(parts: ReconcilerParts, node: WireGuardNode, verb: 'disable' | 'remove'): Promise<Done> {
  const key = keyOf(node);
  const { name } = node.spec.interface;
  const options = { timeoutMs: node.spec.agent.timeoutSeconds * 1000, signal: parts.signal };
  const work = async (): Promise<Done> => {
    const stored = await parts.writer.read(key, parts.signal);
    if (stored?.metadata.uid !== node.metadata.uid || !hasFinalizer(stored)) return 'gone';
    const again = deletionPlan(stored, conflictingNodes(node, parts.nodes));
    if (again.kind === 'release') {
      await parts.events.record(node, again.event);
      return 'retained';
    }
    const client = await clientFor(parts, node);
    if ('pending' in client) return client;
    await (verb === 'remove' ? client.remove(name, options) : client.setState(name, 'disable', options));
    return 'acted';
  };
  try {
    const done = await parts.hosts.run(agentOrigin(node), work);
    if (done === 'acted') {
      const note =
        verb === 'remove' ? `${name} was taken down and its file removed` : `${name} was taken down; its file stays`;
      await parts.events.record(node, { type: 'Normal', reason: 'Deleted', action: 'Delete', note });
    }
    return done;
  } catch (error) {
    // Trouble with the API server is no failed attempt on the host: the worker backs off and comes again.
    if (!(error instanceof AgentUnreachable || error instanceof AgentRefused)) throw error;
    parts.log.warn('cannot carry out the deletion policy yet', { node: key, verb, message: error.message });
    return { pending: error.message };
  }
}

/** With a namespace the Secret often goes before the object: then the client of the last look serves. */
async function clientFor(parts: ReconcilerParts, node: WireGuardNode): Promise<AgentClient | Pending> {
  const input = await load(node, parts);
  if (input.agentSecret.kind !== 'found') {
    const last = parts.memories.of(keyOf(node), node.metadata.uid).client;
    return last ?? { pending: 'the Secret of the agent is gone, and with it the key to talk to it' };
  }
  const refused = checkAgent(input);
  return refused === undefined ? parts.pool.get(node, input.agentSecret.data) : { pending: refused.message };
}
