import { randomUUID } from 'node:crypto';
import { RECONCILE_REQUEST } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { durationMs } from './arguments.ts';
import { patchNode } from './cluster.ts';
import { CommandError } from './command-error.ts';
import { argumentOf } from './ladder.ts';
import { chosen, forEach, type Session, within } from './session.ts';
import { gitOwner, titleOf } from './views.ts';
import { isReady, isSuspended, isSynced, untilReached } from './wait.ts';

const DEFAULT_TIMEOUT = '5m';

/** Asks for a look now; with --wait until it was had, and its outcome. */
export async function reconcile(session: Session): Promise<number> {
  const { cluster, terminal, args } = session;
  const timeoutMs = durationMs(args.text('timeout') ?? DEFAULT_TIMEOUT);
  const nodes = await chosen(session, 'look');
  const code = await forEach(session, nodes, async (node) => {
    const own = within(node, cluster);
    const token = `${new Date(terminal.nowMs()).toISOString()} ${randomUUID().slice(0, 8)}`;
    await patchNode(own, node.metadata.name, { metadata: { annotations: { [RECONCILE_REQUEST]: token } } });
    terminal.remark(`► asked for a look at ${titleOf(node)}\n`);
    if (!args.has('wait')) return 0;
    return untilReached({ ...session, cluster: own }, { node, token, isReached: isReady, timeoutMs });
  });
  if (!args.has('wait') && nodes.length > 0) terminal.remark('  to see what came of it: kubectl wgnode get\n');
  return code;
}

interface Setting {
  readonly spec: object;
  readonly isSet: (node: WireGuardNode) => boolean;
  readonly isReached: (node: WireGuardNode) => boolean;
  /** As it is called. */
  readonly what: string;
  /** Whether the host has to be changed for it. */
  readonly changesHost: boolean;
}

/** Changes a field of the spec where it is not so already. */
const setting =
  ({ spec, isSet, isReached, what, changesHost }: Setting) =>
  async (session: Session): Promise<number> => {
    const { cluster, terminal, args } = session;
    const timeoutMs = durationMs(args.text('timeout') ?? DEFAULT_TIMEOUT);
    return forEach(session, await chosen(session, 'change'), async (node) => {
      if (changesHost) refuseIdle(node, what);
      const own = within(node, cluster);
      const wasSet = isSet(node);
      const changed = wasSet ? node : await patchNode(own, node.metadata.name, { spec });
      terminal.remark(`► ${titleOf(node)}: ${what} ${wasSet ? 'was asked for already' : 'is asked for'}\n`);
      const git = gitOwner(node);
      if (git !== undefined && !wasSet)
        terminal.remark(`  ${git} manages it and may set it back: change it in Git, too\n`);
      if (!args.has('wait')) return 0;
      return untilReached({ ...session, cluster: own }, { node: changed, token: undefined, isReached, timeoutMs });
    });
  };

/** A wish that nobody would act on is told at once. */
function refuseIdle(node: WireGuardNode, what: string): void {
  if (node.spec.suspend)
    throw new CommandError(
      `${titleOf(node)} is suspended, and would not be ${what}: kubectl wgnode resume ${argumentOf(node)}`,
    );
  if (node.spec.management.mode === 'Observe')
    throw new CommandError(
      `${titleOf(node)} is only observed, and would not be ${what}: kubectl wgnode enforce ${argumentOf(node)}`,
    );
}

/** Brings interfaces up, or takes them down. */
export const state = (wanted: 'Up' | 'Down'): ((session: Session) => Promise<number>) =>
  setting({
    spec: { interface: { state: wanted } },
    isSet: ({ spec }) => spec.interface.state === wanted,
    // Without a file a Down interface is not there at all.
    isReached: (node) => isSynced(node) && (node.status.interface?.state === 'Up') === (wanted === 'Up'),
    what: wanted === 'Up' ? 'up' : 'down',
    changesHost: true,
  });

/** Has hosts made as their specs say, or only looked at. */
export const mode = (wanted: 'Enforce' | 'Observe'): ((session: Session) => Promise<number>) =>
  setting({
    spec: { management: { mode: wanted } },
    isSet: ({ spec }) => spec.management.mode === wanted,
    isReached: wanted === 'Enforce' ? isSynced : isReady,
    what: wanted === 'Enforce' ? 'enforced' : 'observed only',
    changesHost: false,
  });

/** Stops or resumes everything that is sent to hosts. */
export const suspension = (suspend: boolean): ((session: Session) => Promise<number>) =>
  setting({
    spec: { suspend },
    isSet: ({ spec }) => spec.suspend === suspend,
    isReached: suspend ? isSuspended : isReady,
    what: suspend ? 'suspended' : 'resumed',
    changesHost: false,
  });
