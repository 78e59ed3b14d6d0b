import type { Secret } from '../../agent/protocol/secret.ts';
import { isSameAgent, keyOf, originOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { CallOptions, Driver, Drivers } from '../drivers/driver.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { AgentIdentity } from '../policy/observation.ts';
import type { Outcome } from '../policy/outcome.ts';
import { beforeDeadline } from '../policy/retry.ts';
import type { Clock } from '../runtime/clock.ts';
import { askHost, type Hosts } from './hosts.ts';
import { leaveHost } from './leave-host.ts';
import type { LocalState } from './local-state.ts';

/** What leaving a host works with. */
export interface Move {
  readonly node: WireGuardNode;
  /** Who answers at the new place. */
  readonly agent: AgentIdentity;
  readonly credentials: ReadonlyMap<string, Secret>;
  readonly options: CallOptions;
  readonly dependencies: {
    readonly drivers: Drivers;
    readonly hosts: Hosts;
    readonly clock: Clock;
    readonly mayChange: () => boolean;
  };
}

/** Whether the sync goes on. */
export type Left =
  | { readonly kind: 'left'; readonly local: LocalState; readonly events: readonly NodeEvent[] }
  | { readonly kind: 'waits'; readonly local: LocalState; readonly outcome: Outcome };

/**
 * An object that names another host than the one it was applied to leaves that one as its deletionPolicy says, before the new one is changed:
 * never is one key at work on two hosts without a word. What cannot be done within deletionTimeoutSeconds is told, and left.
 */
export async function leaveFormerHost(move: Move, local: LocalState): Promise<Left> {
  const { node } = move;
  const { applied } = node.status;
  const goesOn = (events: readonly NodeEvent[] = [], next = local): Left => ({ kind: 'left', local: next, events });
  if (applied?.url === undefined || isSameAgent(applied.url, node.spec.agent.url)) return goesOn();
  if (node.spec.management.mode === 'Observe') return goesOn();
  // The same host under another name.
  if (applied.epoch !== undefined && applied.epoch === move.agent.epoch) return goesOn();
  if (local.leaving?.what === applied.url && local.leaving.isDone) return goesOn();
  const { deletionPolicy } = node.spec.management;
  if (deletionPolicy === 'Retain') return goesOn([leftAsItIs(node, applied.url)], isLeft(move, local, applied.url));
  return leave(move, local, { url: applied.url, verb: deletionPolicy === 'Remove' ? 'remove' : 'disable' });
}

/** A call of the former host has at least so long, however near the deadline is. */
const LEAST_CALL_MS = 1_000;

interface Former {
  readonly url: string;
  readonly verb: 'disable' | 'remove';
}

async function leave(move: Move, local: LocalState, { url, verb }: Former): Promise<Left> {
  const { node, dependencies } = move;
  const { hosts, clock, mayChange } = dependencies;
  const [key, origin] = [keyOf(node), originOf(url)];
  const sinceMs = local.leaving?.what === url ? local.leaving.sinceMs : clock.now();
  const untilMs = sinceMs + node.spec.management.deletionTimeoutSeconds * 1000;
  const leftMs = untilMs - clock.now();
  const timeoutMs = Math.min(move.options.timeoutMs, Math.max(leftMs, LEAST_CALL_MS));
  const options = { ...move.options, timeoutMs };
  const waits = { ...local, leaving: { what: url, sinceMs, isDone: false } };
  let why = 'a change of another object is under way there';
  if (hosts.turns.enter(origin, key)) {
    const driver = previousDriver(move, local, url);
    const place = { origin, key, isUrgent: false };
    const end = await leaveHost(driver, {
      ...{ verb, options, mayChange, uid: node.metadata.uid },
      ask: (read) => askHost(hosts, place, read),
    });
    if (end.kind === 'left' || end.kind === 'not-ours') {
      const note = `${node.spec.interface.name} on the former host ${url} was ${verb === 'remove' ? 'removed' : 'taken down'}`;
      const event: NodeEvent = { type: 'Normal', reason: 'FormerHostReleased', action: 'Apply', note };
      const events = end.kind === 'left' ? [event] : [];
      return { kind: 'left', local: isLeft(move, local, url), events };
    }
    why = end.kind === 'refused' ? end.refusal.message : end.message;
  }
  if (leftMs <= 0) return { kind: 'left', local: isLeft(move, local, url), events: [leftAsItIs(node, url, why)] };
  const message = `The former host ${url} is left first (deletionPolicy ${node.spec.management.deletionPolicy}): ${why}`;
  return { kind: 'waits', local: waits, outcome: { kind: 'moving', message, untilMs, retry: beforeDeadline(leftMs) } };
}

const isLeft = ({ dependencies }: Move, local: LocalState, what: string): LocalState => ({
  ...local,
  former: undefined,
  leaving: { what, sinceMs: dependencies.clock.now(), isDone: true },
});

/** The credentials of the former host may be gone by now: then those of the new one are tried. */
function previousDriver({ node, credentials, dependencies }: Move, { former }: LocalState, url: string): Driver {
  if (former?.origin === originOf(url)) return former.driver;
  const agent = { ...node.spec.agent, url };
  return dependencies.drivers.open({ ...node, spec: { ...node.spec, agent } }, credentials);
}

function leftAsItIs({ spec }: WireGuardNode, url: string, why?: string): NodeEvent {
  const reason = why === undefined ? '' : ` (${why})`;
  const note = `${spec.interface.name} on the former host ${url} is left as it is${reason}: take it down there if it is no longer wanted`;
  return { type: 'Warning', reason: 'FormerHostLeft', action: 'Apply', note };
}
