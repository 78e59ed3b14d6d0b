import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { createNodeStore, type ObjectHandler, objectHandler } from './informers.ts';
import { createQueue } from '../runtime/queue.ts';
import type { Store } from '../runtime/store.ts';

const KEY = 'edge/fra1-wg0';
const ANOTHER = 'edge/other';
const NEW_UID = 'ffffffff-0000-4000-8000-000000000000';

const failed = (what: string, error: unknown): never => {
  throw new Error(`The ${what} failed`, { cause: error });
};

interface Informed {
  readonly nodes: Store<WireGuardNode>;
  readonly handler: ObjectHandler<WireGuardNode>;
  /** `key priority` of all that was woken since the last call. */
  readonly woken: () => Promise<string[]>;
}

/** A handler over a cache that was filled with these nodes, with nothing left to do. */
async function informed(...present: WireGuardNode[]): Promise<Informed> {
  const nodes = createNodeStore();
  const queue = createQueue(new ManualClock());
  const handler = objectHandler({ kind: WIREGUARD_NODE, objects: nodes, queue, failed });
  const woken = async (): Promise<string[]> => {
    const taken: string[] = [];
    while (queue.depth('change') + queue.depth('resync') > 0) {
      const item = await queue.get('any');
      if (item === undefined) break;
      taken.push(`${item.key} ${item.priority}`);
      queue.done(item.key);
    }
    return taken.sort();
  };
  handler.replace(present);
  await woken();
  return { nodes, handler, woken };
}

type Edit = (node: WireGuardNode) => void;
const version =
  (resourceVersion: string, generation = 3, edit: Edit = () => undefined): Edit =>
  (node) => {
    Object.assign(node.metadata, { resourceVersion, generation });
    edit(node);
  };
const another = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { name: 'other', uid: '1a1b2c3d-0000-4000-8000-000000000000' });
    edit(node);
  });
const recreated: Edit = ({ metadata }) => {
  Object.assign(metadata, { uid: NEW_UID, resourceVersion: '20', generation: 1 });
};
const moved: Edit = ({ spec }) => {
  spec.agent.url = 'https://ams1.example.net:8443';
};

describe('K4: an interface that comes free', () => {
  const both = [`${KEY} change`, `${ANOTHER} change`];
  /** Another object that has lost, by whatever words it names the host. */
  const losing = (edit: Edit = () => undefined): WireGuardNode =>
    another((node) => {
      edit(node);
      node.status.conditions = [
        { type: 'Ready', status: 'False', reason: 'Conflict', message: '', lastTransitionTime: '2026-02-01T00:00:00Z' },
      ];
    });
  const turned: readonly (readonly [name: string, edit: Edit])[] = [
    ['turns to another host', moved],
    [
      'turns to another interface',
      ({ spec }) => {
        spec.interface.name = 'wg1';
      },
    ],
    [
      'is suspended',
      ({ spec }) => {
        spec.suspend = true;
      },
    ],
    [
      'only looks from now on',
      ({ spec }) => {
        spec.management.mode = 'Observe';
      },
    ],
  ];

  test('when its owner is deleted: the other is woken', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.remove(nodeWith());
    expect(await woken()).toEqual(both);
  });

  test('C8: whatever words the two name the host by', async () => {
    const { handler, woken } = await informed(nodeWith(), losing(moved));
    handler.remove(nodeWith());
    expect(await woken()).toEqual(both);
  });

  test('when a list no longer has its owner', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.replace([losing()]);
    expect(await woken()).toEqual(both);
  });

  describe.each(turned)('when its owner %s', (_, edit) => {
    test.each(['apply', 'takeWritten'] as const)('as %s brings', async (way) => {
      const { handler, woken } = await informed(nodeWith(), losing());
      handler[way](nodeWith(version('8', 4, edit)));
      expect(await woken()).toEqual(both);
    });

    test('as a list shows', async () => {
      const { handler, woken } = await informed(nodeWith(), losing());
      handler.replace([nodeWith(version('8', 4, edit)), losing()]);
      expect(await woken()).toEqual(both);
    });
  });

  test('when a list shows a namesake in the place of its owner, which is the younger one now', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.replace([nodeWith(recreated), losing()]);
    expect(await woken()).toEqual(both);
  });

  test('wakes nobody who did not lose', async () => {
    const { handler, woken } = await informed(nodeWith(), another());
    handler.remove(nodeWith());
    expect(await woken()).toEqual([`${KEY} change`]);
  });

  test('is no news of an edit that keeps what the object claims', async () => {
    const { handler, woken } = await informed(nodeWith(), losing());
    handler.apply(
      nodeWith(
        version('8', 4, ({ spec }) => {
          spec.interface.mtu = 1_400;
        }),
      ),
    );
    expect(await woken()).toEqual([`${KEY} change`]);
  });
});
