import { randomUUID } from 'node:crypto';
import { RECONCILE_REQUEST } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { durationMs } from './arguments.ts';
import { patchNode } from './cluster.ts';
import { chosen, type Session, within } from './session.ts';
import { gitOwner, titleOf } from './views.ts';
import { untilReconciled } from './wait.ts';

/** Asks for a look now; with --wait until it was had, and its outcome. */
export async function reconcile(session: Session): Promise<number> {
  const { cluster, terminal, args } = session;
  const timeoutMs = durationMs(args.text('timeout') ?? '5m');
  const nodes = await chosen(session);
  const codes = await Promise.all(
    nodes.map(async (node) => {
      const own = within(node, cluster);
      const token = `${new Date(terminal.nowMs()).toISOString()} ${randomUUID().slice(0, 8)}`;
      await patchNode(own, node.metadata.name, { metadata: { annotations: { [RECONCILE_REQUEST]: token } } });
      terminal.remark(`► asked for a look at ${titleOf(node)}\n`);
      return args.has('wait') ? untilReconciled({ ...session, cluster: own }, { node, token, timeoutMs }) : 0;
    }),
  );
  if (!args.has('wait') && nodes.length > 0) terminal.remark('to see what came of it: kubectl wgnode get\n');
  return Math.max(0, ...codes);
}

interface Setting {
  readonly spec: (node: WireGuardNode) => object;
  readonly isSet: (node: WireGuardNode) => boolean;
  readonly done: string;
}

/** Changes a field of the spec where it is not so already. */
const setting =
  ({ spec, isSet, done }: Setting) =>
  async (session: Session): Promise<number> => {
    const { cluster, terminal, args } = session;
    const timeoutMs = durationMs(args.text('timeout') ?? '5m');
    const codes = await Promise.all(
      (await chosen(session)).map(async (node) => {
        const own = within(node, cluster);
        const { name } = node.metadata;
        if (isSet(node)) {
          terminal.remark(`► ${titleOf(node)} is ${done} already\n`);
          return 0;
        }
        const changed = await patchNode(own, name, { spec: spec(node) });
        terminal.remark(`✔ ${titleOf(node)} ${done}\n`);
        const git = gitOwner(node);
        if (git !== undefined) terminal.remark(`  ${git} manages it and may set it back: change it in Git, too\n`);
        return args.has('wait')
          ? untilReconciled({ ...session, cluster: own }, { node: changed, token: undefined, timeoutMs })
          : 0;
      }),
    );
    return Math.max(0, ...codes);
  };

/** Brings interfaces up, or takes them down. */
export const state = (wanted: 'Up' | 'Down'): ((session: Session) => Promise<number>) =>
  setting({
    spec: () => ({ interface: { state: wanted } }),
    isSet: ({ spec }) => spec.interface.state === wanted,
    done: wanted === 'Up' ? 'up' : 'down',
  });

/** Has hosts made as their specs say, or only looked at. */
export const mode = (wanted: 'Enforce' | 'Observe'): ((session: Session) => Promise<number>) =>
  setting({
    spec: () => ({ management: { mode: wanted } }),
    isSet: ({ spec }) => spec.management.mode === wanted,
    done: wanted === 'Enforce' ? 'enforced' : 'observed only',
  });

/** Stops or resumes everything that is sent to hosts. */
export const suspension = (suspend: boolean): ((session: Session) => Promise<number>) =>
  setting({
    spec: () => ({ suspend }),
    isSet: ({ spec }) => spec.suspend === suspend,
    done: suspend ? 'suspended' : 'resumed',
  });
