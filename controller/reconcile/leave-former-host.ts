import type { Secret } from '../../agent/protocol/secret.ts';
import { isSameAgent, keyOf, nodeAt, originOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { CallOptions, Driver, Drivers } from '../drivers/driver.ts';
import { type Place, placesOf } from '../policy/deletion.ts';
import type { NodeEvent } from '../policy/events.ts';
import type { AgentIdentity } from '../policy/observation.ts';
import type { Outcome } from '../policy/outcome.ts';
import { beforeDeadline } from '../policy/retry.ts';
import type { Clock } from '../runtime/clock.ts';
import { askHost, type Hosts } from './hosts.ts';
import { type LeaveEnd, leaveHost } from './leave-host.ts';
import { type LocalState, mayArrive, previousDriverAt } from './local-state.ts';

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
    readonly isCurrent: () => boolean;
  };
}

/** What came of it. */
interface Ended {
  readonly local: LocalState;
  readonly events: readonly NodeEvent[];
}

/** Whether the sync goes on. */
export type Left =
  (Ended & { readonly kind: 'left' }) | (Ended & { readonly kind: 'waits'; readonly outcome: Outcome });

/**
 * An object that names another host than those it was applied or sent to leaves them as its deletionPolicy says, before the new one is
 * changed: never is one key at work on two hosts without a word. What cannot be done within deletionTimeoutSeconds is told, and left.
 */
export async function leaveFormerHost(move: Move, local: LocalState): Promise<Left> {
  const { node } = move;
  const places = placesOf(node, local.sentTo).filter(({ url }) => !isSameAgent(url, node.spec.agent.url));
  let ended: Ended = { local, events: [] };
  if (node.spec.management.mode === 'Observe') return { kind: 'left', ...ended };
  for (const place of places) {
    const left = await leavePlace(move, ended.local, place);
    ended = { local: left.local, events: [...ended.events, ...left.events] };
    if (left.kind === 'waits') return { ...left, ...ended };
  }
  return { kind: 'left', ...ended };
}

async function leavePlace(move: Move, local: LocalState, { url, isProven }: Place): Promise<Left> {
  const { deletionPolicy } = move.node.spec.management;
  const { applied } = move.node.status;
  const isDone = local.leaving?.what === url && local.leaving.isDone;
  // The same host under another name.
  const isHere = isProven && applied?.epoch !== undefined && applied.epoch === move.agent.epoch;
  if (isDone || isHere) return { kind: 'left', local, events: [] };
  if (deletionPolicy === 'Retain')
    return { kind: 'left', local: isLeft(move, local, url), events: [leftAsItIs(move.node, url)] };
  return leave(move, local, { url, isProven, verb: deletionPolicy === 'Remove' ? 'remove' : 'disable' });
}

/** A call of the former host has at least so long, however near the deadline is. */
const LEAST_CALL_MS = 1_000;

interface Former extends Place {
  readonly verb: 'disable' | 'remove';
}

async function leave(move: Move, local: LocalState, { url, isProven, verb }: Former): Promise<Left> {
  const { node, dependencies } = move;
  const { hosts, clock, isCurrent } = dependencies;
  const [key, origin] = [keyOf(node), originOf(url)];
  const sinceMs = local.leaving?.what === url ? local.leaving.sinceMs : clock.now();
  const untilMs = sinceMs + node.spec.management.deletionTimeoutSeconds * 1000;
  const leftMs = untilMs - clock.now();
  const timeoutMs = Math.min(move.options.timeoutMs, Math.max(leftMs, LEAST_CALL_MS));
  const options = { ...move.options, timeoutMs };
  const waits = (outcome: Outcome): Left => ({
    ...{ kind: 'waits', events: [], outcome },
    local: { ...local, leaving: { what: url, sinceMs, isDone: false } },
  });
  let why = 'a change of another object is under way there';
  if (hosts.turns.enter(origin, key)) {
    const place = { origin, key, isUrgent: false };
    const end = await leaveHost(previousDriver(move, local, url), {
      ...{ verb, options, isProven, isCurrent, uid: node.metadata.uid },
      mayArrive: mayArrive(local, url, clock.now()),
      ask: (read) => askHost(hosts, place, read),
    });
    if (end.kind === 'superseded')
      return waits({ kind: 'superseded', message: 'the object changed while its former host was read' });
    if (end.kind === 'left' || end.kind === 'not-ours') {
      const events = end.kind === 'left' ? [releasedFrom(node, url, verb)] : [];
      return { kind: 'left', local: isLeft(move, local, url), events };
    }
    why = whyOf(end);
  }
  if (leftMs <= 0) return { kind: 'left', local: isLeft(move, local, url), events: [leftAsItIs(node, url, why)] };
  const message = `The former host ${url} is left first (deletionPolicy ${node.spec.management.deletionPolicy}): ${why}`;
  return waits({ kind: 'moving', message, untilMs, retry: beforeDeadline(leftMs) });
}

const whyOf = (end: Exclude<LeaveEnd, { readonly kind: 'left' | 'not-ours' | 'superseded' }>): string => {
  if (end.kind === 'unsettled') return 'a change that was sent there may still come to its end';
  return end.kind === 'refused' ? end.refusal.message : end.message;
};

function releasedFrom({ spec }: WireGuardNode, url: string, verb: Former['verb']): NodeEvent {
  const note = `${spec.interface.name} on the former host ${url} was ${verb === 'remove' ? 'removed' : 'taken down'}`;
  return { type: 'Normal', reason: 'FormerHostReleased', action: 'Apply', note };
}

const isLeft = ({ dependencies }: Move, local: LocalState, what: string): LocalState => ({
  ...local,
  former: undefined,
  sentTo: local.sentTo === what ? undefined : local.sentTo,
  leaving: { what, sinceMs: dependencies.clock.now(), isDone: true },
});

/** The credentials of the former host may be gone by now: then those of the new one are tried. */
const previousDriver = ({ node, credentials, dependencies }: Move, local: LocalState, url: string): Driver =>
  previousDriverAt(local, originOf(url)) ?? dependencies.drivers.open(nodeAt(node, url), credentials);

function leftAsItIs({ spec }: WireGuardNode, url: string, why?: string): NodeEvent {
  const reason = why === undefined ? '' : ` (${why})`;
  const note = `${spec.interface.name} on the former host ${url} is left as it is${reason}: take it down there if it is no longer wanted`;
  return { type: 'Warning', reason: 'FormerHostLeft', action: 'Apply', note };
}
