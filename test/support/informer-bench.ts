import type { WireGuardNode } from '../../controller/api/wireguardnode.generated.ts';
import { WIREGUARD_NODE } from '../../controller/api/kinds.ts';
import { createNodeStore, type ObjectHandler, objectHandler } from '../../controller/reconcile/informers.ts';
import { createQueue, type Queue } from '../../controller/runtime/queue.ts';
import type { Store } from '../../controller/runtime/store.ts';
import { ManualClock } from './manual-clock.ts';
import { nodeWith } from './node-builder.ts';

export const KEY = 'edge/fra1-wg0';
export const ANOTHER = 'edge/other';
export const NEW_UID = 'ffffffff-0000-4000-8000-000000000000';

/** Of a watch that never fails. */
export const failed = (what: string, error: unknown): never => {
  throw new Error(`The ${what} failed`, { cause: error });
};

/** `key priority` of all that is ready in the queue, which is empty afterwards. */
export async function takeWoken(queue: Queue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth('change') + queue.depth('resync') > 0) {
    const item = await queue.get('any');
    if (item === undefined) break;
    taken.push(`${item.key} ${item.priority}`);
    queue.done(item.key);
  }
  return taken.sort();
}

export interface Informed {
  readonly nodes: Store<WireGuardNode>;
  readonly handler: ObjectHandler<WireGuardNode>;
  /** `key priority` of all that was woken since the last call. */
  readonly woken: () => Promise<string[]>;
}

/** A handler over a cache that was filled with these nodes, with nothing left to do. */
export async function informed(...present: WireGuardNode[]): Promise<Informed> {
  const nodes = createNodeStore();
  const queue = createQueue(new ManualClock());
  const handler = objectHandler({ kind: WIREGUARD_NODE, objects: nodes, queue, failed });
  const woken = (): Promise<string[]> => takeWoken(queue);
  handler.replace(present);
  await woken();
  return { nodes, handler, woken };
}

export type Edit = (node: WireGuardNode) => void;
export const version =
  (resourceVersion: string, generation = 3, edit: Edit = () => undefined): Edit =>
  (node) => {
    Object.assign(node.metadata, { resourceVersion, generation });
    edit(node);
  };
export const another = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { name: 'other', uid: '1a1b2c3d-0000-4000-8000-000000000000' });
    edit(node);
  });
export const recreated: Edit = ({ metadata }) => {
  Object.assign(metadata, { uid: NEW_UID, resourceVersion: '20', generation: 1 });
};
