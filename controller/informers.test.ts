import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../test/support/manual-clock.ts';
import { nodeWith } from '../test/support/node-builder.ts';
import { claimOf, RECONCILE_REQUEST } from './api/node.ts';
import type { WireGuardNode } from './api/wireguardnode.generated.ts';
import { createNodeStore, type NodeHandler, nodeHandler, secretHandler } from './informers.ts';
import { createQueue } from './runtime/queue.ts';
import type { ReflectorHandler } from './runtime/reflector.ts';
import type { SecretMetadata } from './cluster/slim.ts';
import type { Store } from './runtime/store.ts';

const KEY = 'edge/fra1-wg0';
const RIVAL = 'edge/rival';
const NEW_UID = 'ffffffff-0000-4000-8000-000000000000';

const failed = (what: string, error: unknown): never => {
  throw new Error(`The ${what} failed`, { cause: error });
};

interface Informed {
  readonly nodes: Store<WireGuardNode>;
  readonly handler: NodeHandler;
  readonly secrets: ReflectorHandler<SecretMetadata>;
  /** `key lane` of all that was woken since the last call. */
  readonly woken: () => Promise<string[]>;
}

/** Both handlers over one cache that was filled with these nodes, with nothing left to do. */
async function informed(...present: WireGuardNode[]): Promise<Informed> {
  const nodes = createNodeStore();
  const queue = createQueue(new ManualClock());
  const handler = nodeHandler(nodes, queue, failed);
  const woken = async (): Promise<string[]> => {
    const taken: string[] = [];
    while (queue.depth('edit') + queue.depth('check') > 0) {
      const item = await queue.get('any');
      if (item === undefined) break;
      taken.push(`${item.key} ${item.lane}`);
      queue.done(item.key);
    }
    return taken.sort();
  };
  handler.replace(present);
  await woken();
  return { nodes, handler, secrets: secretHandler(nodes, queue, failed), woken };
}

type Edit = (node: WireGuardNode) => void;
const version =
  (resourceVersion: string, generation = 3, edit: Edit = () => undefined): Edit =>
  (node) => {
    Object.assign(node.metadata, { resourceVersion, generation });
    edit(node);
  };
const rival = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { name: 'rival', uid: '1a1b2c3d-0000-4000-8000-000000000000' });
    edit(node);
  });
const recreated: Edit = ({ metadata }) => {
  Object.assign(metadata, { uid: NEW_UID, resourceVersion: '20', generation: 1 });
};
const judged = (observedGeneration: number): Edit =>
  version('8', 3, ({ status }) => {
    status.observedGeneration = observedGeneration;
  });
const moved: Edit = ({ spec }) => {
  spec.agent.url = 'https://ams1.example.net:8443';
};

describe('the first list', () => {
  test.each([
    { name: 'an object that was judged before the restart is a check', observed: 3, lane: 'check' },
    { name: 'an object that was edited since is an edit', observed: 2, lane: 'edit' },
    { name: 'an object that was never judged is an edit', observed: -1, lane: 'edit' },
  ])('$name', async ({ observed, lane }) => {
    const nodes = createNodeStore();
    const queue = createQueue(new ManualClock());
    const handler = nodeHandler(nodes, queue, failed);
    expect(handler.synced()).toBe(false);
    handler.replace([nodeWith(judged(observed))]);
    expect(handler.synced()).toBe(true);
    expect(await queue.get('any')).toMatchObject({ key: KEY, lane });
  });

  test.each(['https://1.2.3.999:8443', 'https://host.123'])(
    'an object with the URL %s is known, and stops none of those after it',
    async (url) => {
      const broken = rival(({ spec }) => {
        spec.agent.url = url;
      });
      const { nodes, handler, woken } = await informed();
      handler.replace([broken, nodeWith()]);
      expect(nodes.keys().sort()).toEqual([KEY, RIVAL]);
      expect(nodes.withIndex('claim', claimOf(broken))).toEqual([RIVAL]);
      expect(await woken()).toEqual([`${KEY} edit`, `${RIVAL} edit`]);
      handler.remove(broken);
      expect(nodes.keys()).toEqual([KEY]);
    },
  );
});

describe('what the watch brings', () => {
  test.each<{ name: string; edit: Edit; expected: string[] }>([
    { name: 'a new generation', edit: version('8', 4), expected: [`${KEY} edit`] },
    { name: 'a status of ours', edit: judged(3), expected: [] },
    { name: 'the same once more', edit: () => undefined, expected: [] },
    { name: 'what is older than the cache', edit: version('6', 2), expected: [] },
    {
      name: 'a request to reconcile',
      edit: version('8', 3, ({ metadata }) => {
        metadata.annotations = { [RECONCILE_REQUEST]: 'now' };
      }),
      expected: [`${KEY} edit`],
    },
    {
      name: 'a deletion that waits for finalizers',
      edit: version('8', 3, ({ metadata }) => {
        metadata.deletionTimestamp = '2026-02-01T00:00:00Z';
      }),
      expected: [`${KEY} edit`],
    },
  ])('$name wakes $expected', async ({ edit, expected }) => {
    const { handler, woken } = await informed(nodeWith());
    handler.apply(nodeWith(edit));
    expect(await woken()).toEqual(expected);
  });

  test('an object that is new after the start is an edit, even if its status came with it', async () => {
    const { handler, woken } = await informed();
    handler.apply(nodeWith(judged(3)));
    expect(await woken()).toEqual([`${KEY} edit`]);
  });
});

describe('the answer to a write of our own', () => {
  test('wakes for the edit that it holds, and the watch does not do so again', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.takeWritten(nodeWith(version('9', 4)));
    expect(await woken()).toEqual([`${KEY} edit`]);
    expect(nodes.get(KEY)?.metadata.generation).toBe(4);
    handler.apply(nodeWith(version('8', 4)));
    handler.apply(nodeWith(version('9', 4)));
    expect(await woken()).toEqual([]);
  });

  test('is taken into the cache without waking anybody when it holds just our status', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
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

describe('a later list', () => {
  test('of a restored etcd, with lower versions, is the truth; it wakes what changed by it', async () => {
    const same = rival(version('4001'));
    const { nodes, handler, woken } = await informed(nodeWith(version('5000', 7)), same);
    const restored = [nodeWith(version('90', 4)), rival(version('91'))];
    handler.replace(restored);
    expect([nodes.get(KEY), nodes.get(RIVAL)]).toEqual(restored);
    expect(await woken()).toEqual([`${KEY} edit`]);
  });

  test('wakes what came and what went meanwhile', async () => {
    const { nodes, handler, woken } = await informed(nodeWith());
    handler.replace([rival(moved)]);
    expect(nodes.keys()).toEqual([RIVAL]);
    expect(await woken()).toEqual([`${KEY} edit`, `${RIVAL} edit`]);
  });
});

describe('K4: an interface that comes free', () => {
  const both = [`${KEY} edit`, `${RIVAL} edit`];

  test('when its owner is deleted: the rival is woken', async () => {
    const { handler, woken } = await informed(nodeWith(), rival());
    handler.remove(nodeWith());
    expect(await woken()).toEqual(both);
  });

  test('when a list no longer has its owner', async () => {
    const { handler, woken } = await informed(nodeWith(), rival());
    handler.replace([rival()]);
    expect(await woken()).toEqual(both);
  });

  test.each(['apply', 'takeWritten'] as const)('when its owner turns to another host: %s', async (way) => {
    const { handler, woken } = await informed(nodeWith(), rival());
    handler[way](nodeWith(version('8', 4, moved)));
    expect(await woken()).toEqual(both);
  });

  test('when a list shows its owner on another host', async () => {
    const { handler, woken } = await informed(nodeWith(), rival());
    handler.replace([nodeWith(version('8', 4, moved)), rival()]);
    expect(await woken()).toEqual(both);
  });

  test('when a list shows a namesake in the place of its owner, which is the younger one now', async () => {
    const { handler, woken } = await informed(nodeWith(), rival());
    handler.replace([nodeWith(recreated), rival()]);
    expect(await woken()).toEqual(both);
  });

  test('wakes nobody who claims another one', async () => {
    const { handler, woken } = await informed(nodeWith(), rival(moved));
    handler.remove(nodeWith());
    expect(await woken()).toEqual([`${KEY} edit`]);
  });
});

describe('Secrets', () => {
  const agent = (resourceVersion: string): SecretMetadata => ({ key: 'edge/fra1-agent', resourceVersion });
  const key = (resourceVersion: string): SecretMetadata => ({ key: 'edge/fra1-wg0', resourceVersion });

  test('the first list makes checks of the objects that name them: they may have been read before', async () => {
    const { secrets, woken } = await informed(nodeWith());
    secrets.replace([agent('1'), { key: 'edge/unnamed', resourceVersion: '1' }]);
    expect(await woken()).toEqual([`${KEY} check`]);
  });

  test.each<{ name: string; tell: (secrets: ReflectorHandler<SecretMetadata>) => void; expected: string[] }>([
    {
      name: 'a change is an edit',
      tell: ({ apply }) => {
        apply(agent('2'));
      },
      expected: [`${KEY} edit`],
    },
    {
      name: 'a change of the private key is an edit',
      tell: ({ apply }) => {
        apply(key('2'));
      },
      expected: [`${KEY} edit`],
    },
    {
      name: 'the same version once more is nothing',
      tell: ({ apply }) => {
        apply(agent('1'));
      },
      expected: [],
    },
    {
      name: 'a deletion is an edit',
      tell: ({ remove }) => {
        remove(agent('2'));
      },
      expected: [`${KEY} edit`],
    },
    {
      name: 'a list without it is an edit',
      tell: ({ replace }) => {
        replace([key('1')]);
      },
      expected: [`${KEY} edit`],
    },
    {
      name: 'a list with another version of it is an edit',
      tell: ({ replace }) => {
        replace([agent('0'), key('1')]);
      },
      expected: [`${KEY} edit`],
    },
    {
      name: 'a list with the same versions is nothing',
      tell: ({ replace }) => {
        replace([agent('1'), key('1')]);
      },
      expected: [],
    },
    {
      name: 'a Secret that nobody names is nothing',
      tell: ({ apply }) => {
        apply({ key: 'other/fra1-agent', resourceVersion: '2' });
      },
      expected: [],
    },
  ])('$name', async ({ tell, expected }) => {
    const { secrets, woken } = await informed(nodeWith());
    secrets.replace([agent('1'), key('1')]);
    await woken();
    tell(secrets);
    expect(await woken()).toEqual(expected);
  });

  test('T9: a Secret that is deleted and made anew is an edit each time', async () => {
    const { secrets, woken } = await informed(nodeWith());
    secrets.replace([agent('1'), key('1')]);
    await woken();
    secrets.remove(agent('2'));
    expect(await woken()).toEqual([`${KEY} edit`]);
    secrets.apply(agent('3'));
    expect(await woken()).toEqual([`${KEY} edit`]);
  });

  test('a Secret that comes after an object which waits for it is an edit', async () => {
    const { secrets, woken } = await informed(nodeWith());
    secrets.replace([]);
    secrets.apply(agent('1'));
    expect(await woken()).toEqual([`${KEY} edit`]);
  });
});
