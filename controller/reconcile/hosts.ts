import { agentOrigin } from '../api/node.ts';
import { isHostAway } from '../api/conditions.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Failure } from '../drivers/driver.ts';
import type { Unreachable } from '../policy/outcome.ts';
import { type Circuits, createCircuits } from '../runtime/circuits.ts';
import { monotonicNow } from '../runtime/clock.ts';
import type { Groups, Queue } from '../runtime/queue.ts';
import type { Store } from '../runtime/store.ts';
import { createTurns, type Turns } from '../runtime/turns.ts';

/** What is shared by all objects of one host. */
export interface Hosts {
  /** One change at a time; one that was given up may still run there, which the agent's own locks put in order for its interface. */
  readonly turns: Turns;
  /** A host that is away is asked for one object at a time. */
  readonly circuits: Circuits<Unreachable>;
}

/** So many objects of one host are worked on at a time. */
const AT_ONCE = 4;
/** Between two questions to a host that is away, ms. */
const PROBES = { baseMs: 500, capMs: 30_000 } as const;

/** By host, so that one that hangs cannot hold up the others. */
export const groupsByHost = (nodes: Pick<Store<WireGuardNode>, 'get'>): Groups => ({
  of: (key) => {
    const node = nodes.get(key);
    return node === undefined ? undefined : agentOrigin(node);
  },
  atOnce: AT_ONCE,
});

/** No host is known to be away or busy. */
export function createHosts(queue: Pick<Queue, 'add'>, random: () => number, nowMs = monotonicNow): Hosts {
  return {
    turns: createTurns({
      wake: (key) => {
        queue.add(key, 'change');
      },
      nowMs,
    }),
    circuits: createCircuits<Unreachable>({
      wake: (key) => {
        queue.add(key, 'resync');
      },
      nowMs,
      random,
      ...PROBES,
    }),
  };
}

/** Asks a host, unless it is known to be away: then that is the answer. */
export async function askHost<T extends { readonly kind: string }>(
  { circuits }: Pick<Hosts, 'circuits'>,
  { origin, key, isUrgent }: { readonly origin: string; readonly key: string; readonly isUrgent: boolean },
  ask: () => Promise<T | Failure>,
): Promise<T | Failure> {
  const blocked = circuits.blocked(origin, key, isUrgent);
  if (blocked !== undefined) {
    const { failure, waitMs } = blocked;
    return { ...failure, retryAfterMs: Math.max(failure.retryAfterMs ?? 0, waitMs) };
  }
  let failure: Unreachable | undefined;
  try {
    const answer = await ask();
    if (isUnreachable(answer) && isHostAway(answer.reason)) failure = answer;
    return answer;
  } finally {
    circuits.ended(origin, key, failure);
  }
}

const isUnreachable = (answer: { readonly kind: string }): answer is Unreachable => answer.kind === 'unreachable';
