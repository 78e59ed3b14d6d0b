import { beforeEach, describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import { HMAC_KEY } from '../../test/support/check-input.ts';
import { another, deletedNode, type Edit, FinalizeBench, ORIGIN } from '../../test/support/finalize-bench.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { ownerOf } from '../../test/support/sync-bench.ts';
import type { Owner } from '../../agent/protocol/owner.ts';
import { FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { awaitChange, requeueAfter } from '../runtime/action.ts';

/** Of a first attempt, with the least jitter. */
const RETRY = requeueAfter(1_000);

/** What is left of the interface. */
const stateOf = ({ config, state }: MemoryDriver): 'removed' | 'up' | 'down' =>
  config === undefined ? 'removed' : state;

let bench: FinalizeBench;
beforeEach(() => {
  bench = new FinalizeBench();
  bench.host.config = aConfig();
});

describe('a deletion', () => {
  test.each([
    ['Remove', 'removed'],
    ['Disable', 'down'],
  ] as const)('K1: with %s leaves the interface %s, tells it and lets the object go', async (deletionPolicy, state) => {
    const node = deletedNode(({ spec }) => {
      spec.management.deletionPolicy = deletionPolicy;
    });
    expect(await bench.run(node)).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told, bench.api.object]).toEqual([state, ['Normal Deleted'], undefined]);
    expect(bench.credentials).toEqual([HMAC_KEY]);
  });

  test.each<{ name: string; edit: Edit }>([
    {
      name: 'with Retain',
      edit: ({ spec }) => {
        spec.management.deletionPolicy = 'Retain';
      },
    },
  ])('$name asks nothing of the host, tells it and lets the object go', async ({ edit }) => {
    expect(await bench.run(deletedNode(edit))).toEqual(awaitChange);
    expect([bench.host.attempts, bench.told, bench.api.object]).toEqual([0, ['Normal Retained'], undefined]);
  });

  test('leaves the finalizers of others, and the cache knows that ours is gone', async () => {
    const node = deletedNode(({ metadata }) => {
      metadata.finalizers = ['a.b/c', FINALIZER];
    });
    await bench.run(node);
    expect(bench.api.object?.metadata.finalizers).toEqual(['a.b/c']);
    expect(bench.nodes.get(keyOf(node))?.metadata.finalizers).toEqual(['a.b/c']);
  });

  test('of an object without our finalizer touches no host; who keeps it is told once it lasts', async () => {
    const node = deletedNode(({ metadata }) => {
      metadata.finalizers = ['a.b/c'];
    });
    expect(await bench.run(node)).toEqual(requeueAfter(5_000));
    expect([bench.told, bench.api.object]).toEqual([[], node]);
    await bench.clock.advance(5_000);
    expect(await bench.run(node)).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.host.reads, bench.ready]).toEqual(['up', 0, 'Unknown/Deleting']);
    expect(bench.api.object?.status.conditions[0]?.message).toContain('a.b/c');
  });

  test('C10: of an object that somebody writes all the time lets it go at once', async () => {
    bench.api.beforePatch = () => {
      const { metadata } = bench.api.object ?? deletedNode();
      metadata.resourceVersion = String(Number(metadata.resourceVersion) + 1);
    };
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect([bench.host.attempts, bench.api.object]).toEqual([1, undefined]);
  });

  test('C10: whose finalizer somebody does not let go says so, and is tried again without the host', async () => {
    bench.api.refusesFinalizersWith = 403;
    expect(await bench.run(deletedNode())).toEqual(requeueAfter(15_000));
    expect([stateOf(bench.host), bench.told, bench.ready]).toEqual([
      'removed',
      ['Normal Deleted', 'Warning Deleting'],
      'Unknown/Deleting',
    ]);
    expect(bench.api.object?.status.conditions[0]?.message).toContain('our finalizer cannot be taken from it');
    bench.api.refusesFinalizersWith = undefined;
    await bench.run(bench.nodes.get(keyOf(deletedNode())) ?? deletedNode());
    expect([bench.host.attempts, bench.api.object]).toEqual([1, undefined]);
  });

  test('C10: whose finalizer cannot be removed yet does not act on the host again, nor tell it again', async () => {
    bench.api.refusesWith = 409;
    expect(await bench.run(deletedNode())).toEqual(requeueAfter(1_000));
    expect([stateOf(bench.host), bench.told]).toEqual(['removed', ['Normal Deleted']]);
    bench.host.config = aConfig();
    bench.api.refusesWith = undefined;
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect([bench.host.attempts, bench.host.reads, bench.told]).toEqual([1, 1, ['Normal Deleted']]);
    expect([stateOf(bench.host), await bench.released('carried_out'), bench.api.object]).toEqual(['up', 1, undefined]);
  });
});

describe('K5: of an object that names another host than it was applied to', () => {
  const moved = (): WireGuardNode =>
    deletedNode(({ spec }) => {
      spec.agent.url = 'https://ams1.example.net:8443';
    });

  test('leaves the one where it was applied', async () => {
    expect(await bench.run(moved())).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told, bench.opened]).toEqual(['removed', ['Normal Deleted'], [ORIGIN]]);
  });

  test('goes the way that it went before: the Secret may be that of the new one', async () => {
    bench.remember(moved().metadata.uid, { acceptedBy: ORIGIN });
    await bench.run(moved());
    expect([stateOf(bench.host), bench.opened]).toEqual(['removed', []]);
  });

  test('does not take the way to the new one for that', async () => {
    bench.api.agentSecret = undefined;
    bench.remember(moved().metadata.uid, { acceptedBy: 'https://ams1.example.net:8443' });
    await bench.run(moved());
    expect([bench.host.reads, bench.told]).toEqual([0, ['Warning Deleting']]);
  });
});

describe('K5: of an object that was sent to a host, with no answer', () => {
  const SENT = 'https://ams1.example.net:8443';
  const never = (): WireGuardNode => deletedNode(({ status }) => delete status.applied);

  test('removes what the host knows as its own', async () => {
    bench.host.owner = ownerOf(never());
    bench.remember(never().metadata.uid, { sentTo: ORIGIN });
    expect(await bench.run(never())).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told]).toEqual(['removed', ['Normal Deleted']]);
  });

  test.each([null, undefined])('leaves what is nobody’s, or not known to be its own (%s)', async (owner) => {
    bench.host.owner = owner;
    bench.remember(never().metadata.uid, { sentTo: ORIGIN });
    expect(await bench.run(never())).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told, bench.api.object]).toEqual(['up', ['Normal Retained'], undefined]);
  });

  test('waits for a change that was given up, and takes away what that left', async () => {
    bench.host.owner = null;
    const sentUntilMs = bench.clock.now() + 10_000;
    bench.remember(never().metadata.uid, { sentTo: ORIGIN, sentUntilMs });
    expect(await bench.run(never())).toEqual(RETRY);
    expect([stateOf(bench.host), bench.told, bench.ready]).toEqual(['up', ['Warning Deleting'], 'Unknown/Deleting']);
    bench.host.owner = ownerOf(never());
    expect(await bench.run(never())).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.api.object]).toEqual(['removed', undefined]);
  });

  test('and whose time is over is not waited for', async () => {
    bench.host.owner = null;
    bench.remember(never().metadata.uid, { sentTo: ORIGIN, sentUntilMs: bench.clock.now() });
    expect(await bench.run(never())).toEqual(awaitChange);
    expect(bench.told).toEqual(['Normal Retained']);
  });

  test('and that is away is waited for, and the one where it was applied is left meanwhile', async () => {
    const away = new MemoryDriver();
    away.failure = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' };
    bench.host.owner = ownerOf(deletedNode());
    const driver = { former: { driver: away, origin: SENT } };
    bench.remember(deletedNode().metadata.uid, { sentTo: SENT, ...driver });
    expect(await bench.run(deletedNode())).toEqual(RETRY);
    expect([stateOf(bench.host), away.reads, bench.ready]).toEqual(['removed', 1, 'Unknown/Deleting']);
  });

  test('leaves that one, and the one where it was applied', async () => {
    bench.host.owner = ownerOf(deletedNode());
    bench.remember(deletedNode().metadata.uid, { sentTo: SENT });
    await bench.run(deletedNode());
    expect([bench.opened.length, bench.host.attempts]).toEqual([2, 2]);
  });
});

test.each<[string, Edit]>([
  ['Retain', ({ spec }) => (spec.management.deletionPolicy = 'Retain')],
  ['Disable', ({ spec }) => (spec.management.deletionPolicy = 'Disable')],
  ['suspend', ({ spec }) => (spec.suspend = true)],
])('K5: a deletion that comes to want %s while its host is read touches nothing', async (_, edit) => {
  const node = deletedNode();
  bench.host.whileRead = () => {
    bench.nodes.put(
      deletedNode((next) => {
        edit(next);
        next.metadata.generation += 1;
        next.metadata.resourceVersion = '99';
      }),
    );
  };
  await bench.run(node);
  expect([stateOf(bench.host), bench.host.attempts, bench.api.object === undefined]).toEqual(['up', 0, false]);
});

test('K1, C12: a host that cannot be reached is waited for, and the object says so: why, and until when', async () => {
  bench.host.failure = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer in time' };
  expect(await bench.run(deletedNode())).toEqual(RETRY);
  expect([bench.told, bench.ready]).toEqual([['Warning Deleting'], 'Unknown/Deleting']);
  expect(bench.api.object?.metadata.finalizers).toEqual([FINALIZER]);
  const message = bench.api.object?.status.conditions[0]?.message ?? '';
  for (const word of ['no answer in time', '2026-02-01T00:05:00Z', 'Remove']) expect(message).toContain(word);
});

describe('credentials', () => {
  test('of a Secret that went before the object: the driver of the last look serves', async () => {
    bench.api.agentSecret = undefined;
    const { metadata } = deletedNode();
    bench.remember(metadata.uid);
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told, bench.credentials]).toEqual(['removed', ['Normal Deleted'], []]);
  });

  test('of a Secret that went, and no driver of the same object, are waited for', async () => {
    bench.api.agentSecret = undefined;
    bench.remember(another.metadata.uid);
    expect(await bench.run(deletedNode())).toEqual(RETRY);
    expect([bench.host.reads, bench.host.attempts, bench.told]).toEqual([0, 0, ['Warning Deleting']]);
  });

  test.each<{ name: string; secret?: Record<string, string>; url?: string }>([
    { name: 'that are too short', secret: { 'hmac-key': 'short' } },
    { name: 'for a URL that is not allowed', url: 'http://fra1.example.net:8080' },
    { name: 'for a URL that is none', url: 'https://1.2.3.999:8443' },
  ])('$name are not used', async ({ secret, url }) => {
    if (secret !== undefined) bench.api.agentSecret = secret;
    const node = deletedNode(({ spec, status }) => {
      if (url === undefined) return;
      spec.agent.url = url;
      status.applied = { url };
    });
    bench.remember(node.metadata.uid);
    expect(await bench.run(node)).toEqual(RETRY);
    expect([bench.host.reads, bench.host.attempts, bench.told]).toEqual([0, 0, ['Warning Deleting']]);
  });
});

describe('right before the host is changed', () => {
  test.each<{ name: string; stored: WireGuardNode | undefined }>([
    { name: 'an object that is gone', stored: undefined },
    {
      name: 'C9: a namesake with another UID',
      stored: deletedNode(({ metadata }) => {
        metadata.uid = another.metadata.uid;
      }),
    },
    {
      name: 'an object whose finalizer somebody took',
      stored: deletedNode(({ metadata }) => {
        metadata.finalizers = ['a.b/c'];
      }),
    },
  ])('$name in its place means that nothing is done', async ({ stored }) => {
    bench.api.meanwhile = () => {
      bench.api.object = stored;
    };
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect([bench.host.attempts, bench.told, bench.api.object]).toEqual([0, [], stored]);
  });

  test.each<{ name: string; owner: Owner | null | undefined }>([
    { name: 'whose agent tells the owner', owner: ownerOf(another) },
    { name: 'whose agent does not', owner: undefined },
  ])('K4: another object that came meanwhile keeps the interface of a host $name', async ({ owner }) => {
    bench.api.meanwhile = () => {
      bench.nodes.put(another);
      bench.host.owner = owner;
    };
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect(bench.told).toEqual(['Normal Retained']);
    expect([bench.host.attempts, bench.api.object]).toEqual([0, undefined]);
  });

  test('K4: another object that is being deleted too keeps nothing', async () => {
    bench.nodes.put({ ...another, metadata: { ...another.metadata, deletionTimestamp: '2026-02-01T00:00:00Z' } });
    await bench.run(deletedNode());
    expect([stateOf(bench.host), bench.told]).toEqual(['removed', ['Normal Deleted']]);
  });
});
