import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import {
  KEY,
  ANOTHER,
  informed,
  version,
  another,
  recreated,
  failed,
  type Edit,
} from '../../test/support/informer-bench.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import { claimOf, FINALIZER, RECONCILE_REQUEST } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { createNodeStore, objectHandler } from './informers.ts';
import { createQueue } from '../runtime/queue.ts';

const judged = (observedGeneration: number): Edit =>
  version('8', 3, ({ status }) => {
    status.observedGeneration = observedGeneration;
  });
const moved: Edit = ({ spec }) => {
  spec.agent.url = 'https://ams1.example.net:8443';
};

describe('the first list', () => {
  test.each([
    { name: 'an object that was judged before the restart is a resync', observed: 3, priority: 'resync' },
    { name: 'an object that was edited since is a change', observed: 2, priority: 'change' },
    { name: 'an object that was never judged is a change', observed: -1, priority: 'change' },
  ])('$name', async ({ observed, priority }) => {
    const nodes = createNodeStore();
    const queue = createQueue(new ManualClock());
    const handler = objectHandler({ kind: WIREGUARD_NODE, objects: nodes, queue, failed });
    expect(handler.synced()).toBe(false);
    handler.replace([nodeWith(judged(observed))]);
    expect(handler.synced()).toBe(true);
    expect(await queue.get('any')).toMatchObject({ key: KEY, priority });
  });

  test.each(['https://1.2.3.999:8443', 'https://host.123'])(
    'an object with the URL %s is known, and stops none of those after it',
    async (url) => {
      const broken = another(({ spec }) => {
        spec.agent.url = url;
      });
      const { nodes, handler, woken } = await informed();
      handler.replace([broken, nodeWith()]);
      expect(nodes.keys().sort()).toEqual([KEY, ANOTHER]);
      expect(nodes.withIndex('claim', claimOf(broken))).toEqual([ANOTHER]);
      expect(await woken()).toEqual([`${KEY} change`, `${ANOTHER} change`]);
      handler.remove(broken);
      expect(nodes.keys()).toEqual([KEY]);
    },
  );
});

describe('what the watch brings', () => {
  test.each<{ name: string; edit: Edit; expected: string[] }>([
    { name: 'a new generation', edit: version('8', 4), expected: [`${KEY} change`] },
    { name: 'a status that somebody else wrote: it is put right', edit: judged(3), expected: [`${KEY} resync`] },
    { name: 'the same once more', edit: () => undefined, expected: [] },
    { name: 'what is older than the cache', edit: version('6', 2), expected: [] },
    {
      name: 'a request to reconcile',
      edit: version('8', 3, ({ metadata }) => {
        metadata.annotations = { [RECONCILE_REQUEST]: 'now' };
      }),
      expected: [`${KEY} change`],
    },
    {
      name: 'a deletion that waits for finalizers',
      edit: version('8', 3, ({ metadata }) => {
        metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
      }),
      expected: [`${KEY} change`],
    },
  ])('$name wakes $expected', async ({ edit, expected }) => {
    const { handler, woken } = await informed(nodeWith());
    handler.apply(nodeWith(edit));
    expect(await woken()).toEqual(expected);
  });

  test('an object that is new after the start is a change, even if its status came with it', async () => {
    const { handler, woken } = await informed();
    handler.apply(nodeWith(judged(3)));
    expect(await woken()).toEqual([`${KEY} change`]);
  });
});

describe('the answer to a write of our own', () => {
  test('wakes for the edit that it holds, and the watch does not do so again', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.takeWritten(nodeWith(version('9', 4)));
    expect(await woken()).toEqual([`${KEY} change`]);
    expect(nodes.get(KEY)?.metadata.generation).toBe(4);
    handler.apply(nodeWith(version('8', 4)));
    handler.apply(nodeWith(version('9', 4)));
    expect(await woken()).toEqual([]);
  });

  test('is taken into the cache without waking anybody when it holds just our status', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.expect(KEY, nodeWith(judged(3)).status);
    handler.takeWritten(nodeWith(judged(3)));
    expect(nodes.get(KEY)?.status.observedGeneration).toBe(3);
    expect(await woken()).toEqual([]);
  });

  test('is left where the watch was faster', async () => {
    const { nodes, handler, woken } = await informed(nodeWith(version('10', 5)));
    handler.takeWritten(nodeWith(judged(3)));
    expect(nodes.get(KEY)).toEqual(nodeWith(version('10', 5)));
    expect(await woken()).toEqual([]);
  });

  test('does not revive an object that the watch saw go', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.remove(nodeWith());
    await woken();
    handler.takeWritten(nodeWith(version('9', 4)));
    expect([nodes.keys(), await woken()]).toEqual([[], []]);
  });

  test('C9: does not take the place of a re-created namesake', async () => {
    const { nodes, handler, woken } = await informed(nodeWith(recreated));
    handler.takeWritten(nodeWith(version('30', 4)));
    expect(nodes.get(KEY)).toEqual(nodeWith(recreated));
    expect(await woken()).toEqual([]);
  });
});

describe('a status', () => {
  const written = nodeWith(judged(3));

  test('of ours wakes nobody, whether the watch or the answer comes first', async () => {
    for (const ways of [['apply', 'takeWritten'] as const, ['takeWritten', 'apply'] as const]) {
      const { handler, woken } = await informed(nodeWith());
      handler.expect(KEY, written.status);
      for (const way of ways) handler[way](written);
      expect(await woken()).toEqual([]);
    }
  });

  test('of ours wakes nobody, in whatever order the API server puts its members', async () => {
    const { handler, woken } = await informed(nodeWith());
    handler.expect(KEY, written.status);
    const turned = Object.fromEntries(Object.entries(written.status).reverse()) as unknown as WireGuardNode['status'];
    handler.apply({ ...written, status: turned });
    expect(await woken()).toEqual([]);
  });

  test('of somebody else over ours wakes, each time', async () => {
    const { handler, woken } = await informed(nodeWith());
    handler.expect(KEY, written.status);
    handler.apply(written);
    for (const [resourceVersion, observedGeneration] of [
      ['9', 1],
      ['10', 2],
    ] as const) {
      handler.apply(
        nodeWith(
          version(resourceVersion, 3, ({ status }) => {
            status.observedGeneration = observedGeneration;
          }),
        ),
      );
      expect(await woken()).toEqual([`${KEY} resync`]);
    }
  });

  test('of a node of another name is not taken for ours', async () => {
    const { handler, woken } = await informed(nodeWith());
    handler.expect(ANOTHER, written.status);
    handler.apply(written);
    expect(await woken()).toEqual([`${KEY} resync`]);
  });

  test('that stays the same wakes nobody, whatever else of the metadata moved', async () => {
    const { handler, woken } = await informed(nodeWith());
    handler.apply(nodeWith(version('8')));
    handler.replace([nodeWith(version('9'))]);
    expect(await woken()).toEqual([]);
  });
});

test('our own finalizer is no edit that somebody waits for, and one that somebody took is', async () => {
  const { nodes, handler, woken } = await informed(nodeWith());
  const own = nodeWith(
    version('8', 3, ({ metadata }) => {
      metadata.finalizers = [FINALIZER];
    }),
  );
  handler.takeWritten(own);
  handler.apply(own);
  expect([nodes.get(KEY), await woken()]).toEqual([own, []]);
  handler.apply(nodeWith(version('9')));
  expect(await woken()).toEqual([`${KEY} change`]);
});

describe('a handler of one namespace', () => {
  test('takes nothing for gone that is of another one', () => {
    const nodes = createNodeStore();
    const queue = createQueue(new ManualClock());
    const stranger = nodeWith(({ metadata }) => {
      metadata.namespace = 'edge-2';
    });
    nodes.put(stranger);
    const handler = objectHandler({ ...{ kind: WIREGUARD_NODE, objects: nodes, queue, failed }, namespace: 'edge' });
    handler.replace([nodeWith()]);
    handler.replace([]);
    expect(nodes.keys()).toEqual(['edge-2/fra1-wg0']);
  });
});

describe('a later list', () => {
  test('of a restored etcd, with lower versions, is the truth; it wakes what changed by it', async () => {
    const same = another(version('4001'));
    const { nodes, handler, woken } = await informed(nodeWith(version('5000', 7)), same);
    const restored = [nodeWith(version('90', 4)), another(version('91'))];
    handler.replace(restored);
    expect([nodes.get(KEY), nodes.get(ANOTHER)]).toEqual(restored);
    expect(await woken()).toEqual([`${KEY} change`]);
  });

  test('wakes what came and what went meanwhile', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.replace([another(moved)]);
    expect(nodes.keys()).toEqual([ANOTHER]);
    expect(await woken()).toEqual([`${KEY} change`, `${ANOTHER} change`]);
  });
});
