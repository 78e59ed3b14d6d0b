import { beforeEach, describe, expect, test } from '@jest/globals';
import { aConfig } from '../../test/fixtures/device.ts';
import { anotherNode, HMAC_KEY } from '../../test/support/check-input.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { agent } from '../../test/support/observed-host.ts';
import { appliedNode, type Edit, managed, ownerOf, SyncBench } from '../../test/support/sync-bench.ts';
import { Secret } from '../../agent/protocol/secret.ts';
import { agentOrigin, originOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import type { Unreachable } from '../policy/outcome.ts';
import { createCircuits } from '../runtime/circuits.ts';
import { createTurns } from '../runtime/turns.ts';
import type { Hosts } from './hosts.ts';
import { leaveFormerHost, type Left } from './leave-former-host.ts';
import { type LocalState, newLocalState } from './local-state.ts';

const FORMER = 'https://ams1.example.net:8443';
const UNREACHABLE: Unreachable = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer' };
const ignored = (): undefined => undefined;

/** A node that was applied to the former host, and names another one now. */
const movedNode = (edit: Edit = ignored): WireGuardNode =>
  appliedNode((node) => {
    node.status.applied = { ...node.status.applied, url: FORMER, epoch: 'epoch-of-former' };
    node.spec.management.deletionPolicy = 'Remove';
    edit(node);
  });

class Bench {
  /** Behind the former URL. */
  readonly host = new MemoryDriver();
  readonly clock = new ManualClock();
  readonly hosts: Hosts = {
    turns: createTurns({ wake: ignored, nowMs: this.clock.now }),
    circuits: createCircuits({ wake: ignored, nowMs: this.clock.now, random: () => 0, baseMs: 1, capMs: 1 }),
  };
  /** `URL hmac-key` of the drivers that were opened. */
  readonly opened: string[] = [];
  isCurrent = true;
  /** Who answers at the new place. */
  epoch = 'epoch-of-new';
  local: LocalState = newLocalState(movedNode().metadata.uid);

  async run(node: WireGuardNode): Promise<Left> {
    const left = await leaveFormerHost(
      {
        node,
        agent: { ...agent, epoch: this.epoch },
        credentials: new Map([['hmac-key', new Secret(HMAC_KEY)]]),
        options: { timeoutMs: 30_000, signal: new AbortController().signal },
        dependencies: {
          drivers: {
            open: ({ spec }, credentials) => {
              this.opened.push(`${spec.agent.url} ${credentials.get('hmac-key')?.reveal() ?? ''}`);
              return this.host;
            },
            close: () => Promise.resolve(),
          },
          ...{ hosts: this.hosts, clock: this.clock, isCurrent: () => this.isCurrent },
        },
      },
      this.local,
    );
    this.local = left.local;
    return left;
  }
}

/** What is left of the interface on the former host. */
const stateOf = ({ config, state }: MemoryDriver): 'removed' | 'up' | 'down' =>
  config === undefined ? 'removed' : state;
/** How it ended, and the reasons that are told. */
const toldOf = (left: Left): unknown[] => [
  left.kind,
  ...(left.kind === 'left' ? left.events.map(({ type, reason }) => `${type} ${reason}`) : [left.outcome.kind]),
];

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.host.config = aConfig();
});

describe('K5: an object that names another host than the one it was applied to', () => {
  test.each([
    ['Remove', 'removed'],
    ['Disable', 'down'],
  ] as const)('with deletionPolicy %s leaves the former one %s, and tells it once', async (deletionPolicy, state) => {
    const node = movedNode(managed({ deletionPolicy }));
    expect(toldOf(await bench.run(node))).toEqual(['left', 'Normal FormerHostReleased']);
    expect(toldOf(await bench.run(node))).toEqual(['left']);
    expect([stateOf(bench.host), bench.host.attempts]).toEqual([state, 1]);
  });

  test('with deletionPolicy Retain does not touch it, and warns once that it is left as it is', async () => {
    const node = movedNode(managed({ deletionPolicy: 'Retain' }));
    expect(toldOf(await bench.run(node))).toEqual(['left', 'Warning FormerHostLeft']);
    expect(toldOf(await bench.run(node))).toEqual(['left']);
    expect([bench.host.reads, bench.opened]).toEqual([0, []]);
  });

  test('K4: leaves what is another object’s there by now', async () => {
    bench.host.owner = ownerOf(anotherNode(ignored));
    expect(toldOf(await bench.run(movedNode()))).toEqual(['left']);
    expect([stateOf(bench.host), bench.host.attempts]).toEqual(['up', 0]);
  });

  test('goes the way that it went before, as the former credentials may be gone', async () => {
    const former = new MemoryDriver();
    former.config = aConfig();
    bench.local = { ...bench.local, former: { driver: former, origin: originOf(FORMER) } };
    await bench.run(movedNode());
    expect([stateOf(former), bench.opened, bench.local.former]).toEqual(['removed', [], undefined]);
  });

  test('after a restart tries the credentials that it has, at the former URL', async () => {
    await bench.run(movedNode());
    expect(bench.opened).toEqual([`${FORMER} ${HMAC_KEY}`]);
  });

  test('does not go the way to a third host', async () => {
    const third = new MemoryDriver();
    bench.local = { ...bench.local, former: { driver: third, origin: 'https://third.example:443' } };
    await bench.run(movedNode());
    expect([third.reads, stateOf(bench.host)]).toEqual([0, 'removed']);
  });
});

describe('K5: a host that was sent a change of which nothing is known', () => {
  const SENT = 'https://second.example:8443';

  test('is left first, then the one where it was applied; both are told, and only the first is forgotten', async () => {
    bench.host.owner = ownerOf(movedNode());
    bench.local = { ...bench.local, sentTo: SENT };
    await bench.run(movedNode());
    expect(bench.opened.map((text) => text.split(' ')[0])).toEqual([SENT, FORMER]);
    expect([stateOf(bench.host), bench.local.sentTo]).toEqual(['removed', undefined]);
    expect(toldOf(await bench.run(movedNode()))).toEqual(['left']);
  });

  test('and has the interface of nobody is not touched', async () => {
    bench.host.owner = null;
    bench.local = { ...bench.local, sentTo: SENT };
    const never = movedNode(({ status }) => delete status.applied);
    expect(toldOf(await bench.run(never))).toEqual(['left']);
    expect([stateOf(bench.host), bench.host.reads, bench.local.sentTo]).toEqual(['up', 1, undefined]);
  });

  test('is not where the object is now', async () => {
    bench.local = { ...bench.local, sentTo: appliedNode().spec.agent.url };
    await bench.run(appliedNode());
    expect(bench.host.reads).toBe(0);
  });
});

describe('nothing is left', () => {
  test.each<{ name: string; node: WireGuardNode }>([
    { name: 'by an object that was never applied', node: movedNode(({ status }) => delete status.applied) },
    {
      name: 'by an object that stayed',
      node: appliedNode(),
    },
    {
      name: 'C18: by an object that spells its host differently',
      node: appliedNode(({ spec }) => {
        spec.agent.url += '/';
      }),
    },
    { name: 'by who only looks', node: movedNode(managed({ mode: 'Observe' })) },
  ])('$name', async ({ node }) => {
    expect(toldOf(await bench.run(node))).toEqual(['left']);
    expect([bench.host.reads, stateOf(bench.host)]).toEqual([0, 'up']);
  });

  test('C8: where the new URL leads to the same agent', async () => {
    bench.epoch = 'epoch-of-former';
    expect(toldOf(await bench.run(movedNode()))).toEqual(['left']);
    expect([bench.host.reads, stateOf(bench.host)]).toEqual([0, 'up']);
  });
});

describe('a former host that cannot be left', () => {
  const timeout = managed({ deletionPolicy: 'Remove', deletionTimeoutSeconds: 60 });

  test('is waited for, and the new one is not touched meanwhile', async () => {
    bench.host.failure = UNREACHABLE;
    const left = await bench.run(movedNode(timeout));
    expect(left).toMatchObject({ kind: 'waits', outcome: { kind: 'moving', untilMs: 60_000 } });
    const message = left.kind === 'waits' && left.outcome.kind === 'moving' ? left.outcome.message : '';
    for (const word of [FORMER, 'Remove', 'no answer']) expect(message).toContain(word);
  });

  test('is given up after deletionTimeoutSeconds, which is a warning, told once', async () => {
    bench.host.failure = UNREACHABLE;
    const node = movedNode(timeout);
    await bench.run(node);
    await bench.clock.advance(59_999);
    expect(toldOf(await bench.run(node))).toEqual(['waits', 'moving']);
    await bench.clock.advance(1);
    expect(toldOf(await bench.run(node))).toEqual(['left', 'Warning FormerHostLeft']);
    expect(toldOf(await bench.run(node))).toEqual(['left']);
  });

  test('and answers in time is left after all', async () => {
    bench.host.failure = UNREACHABLE;
    await bench.run(movedNode(timeout));
    bench.host.failure = undefined;
    await bench.clock.advance(10_000);
    expect(toldOf(await bench.run(movedNode(timeout)))).toEqual(['left', 'Normal FormerHostReleased']);
    expect(stateOf(bench.host)).toBe('removed');
  });

  test('as another change is under way there is waited for, and not touched', async () => {
    bench.hosts.turns.enter(originOf(FORMER), 'edge/other');
    expect(toldOf(await bench.run(movedNode(timeout)))).toEqual(['waits', 'moving']);
    expect(bench.host.reads).toBe(0);
  });

  test('as the object moved back, was suspended or deleted meanwhile, is not changed', async () => {
    bench.isCurrent = false;
    expect(toldOf(await bench.run(movedNode(timeout)))).toEqual(['waits', 'superseded']);
    expect(stateOf(bench.host)).toBe('up');
  });

  test('C2: has no longer for an answer than is left, and at least a second', async () => {
    const node = movedNode(timeout);
    bench.host.failure = UNREACHABLE;
    for (const leftMs of [60_000, 20_000, 100]) {
      await bench.clock.advance(60_000 - leftMs - bench.clock.now());
      await bench.run(node);
    }
    expect(bench.host.timeoutsMs).toEqual([30_000, 20_000, 1_000]);
  });

  test('starts its time anew when the object moves on to a third host', async () => {
    bench.host.failure = UNREACHABLE;
    await bench.run(movedNode(timeout));
    await bench.clock.advance(50_000);
    const further = movedNode((node) => {
      timeout(node);
      node.status.applied = { ...node.status.applied, url: 'https://second.example:8443' };
    });
    expect(await bench.run(further)).toMatchObject({ kind: 'waits', outcome: { untilMs: 110_000 } });
  });
});

test('K5: a sync leaves the former host before it changes the new one, and tells both', async () => {
  const sync = new SyncBench(movedNode());
  sync.host.owner = null;
  const former = new MemoryDriver();
  former.config = aConfig();
  const order: string[] = [];
  sync.host.meanwhile = () => {
    order.push(`new host changed, former ${stateOf(former)}`);
    return undefined;
  };
  const drivers = {
    open: (node: WireGuardNode) => (agentOrigin(node) === originOf(FORMER) ? former : sync.host),
    close: () => Promise.resolve(),
  };
  expect(await sync.sync({ drivers })).toMatchObject({ kind: 'in-sync' });
  expect([order, sync.told]).toEqual([['new host changed, former removed'], ['Normal FormerHostReleased']]);
});

test('K5: a sync that waits for the former host changes nothing on the new one', async () => {
  const sync = new SyncBench(movedNode(), { mtu: 1_300 });
  const former = new MemoryDriver();
  former.failure = UNREACHABLE;
  const drivers = {
    open: (node: WireGuardNode) => (agentOrigin(node) === originOf(FORMER) ? former : sync.host),
    close: () => Promise.resolve(),
  };
  expect(await sync.sync({ drivers })).toMatchObject({ kind: 'moving' });
  expect([sync.host.applies, sync.local.seen]).toEqual([[], undefined]);
});

test('K5: a change that gets no answer is remembered until it is known what came of it', async () => {
  const sync = new SyncBench(appliedNode(), { mtu: 1_300 });
  sync.host.meanwhile = () => UNREACHABLE;
  expect(await sync.sync()).toMatchObject({ kind: 'unreachable' });
  expect(sync.local.sentTo).toBe(appliedNode().spec.agent.url);
  sync.host.meanwhile = ignored;
  expect(await sync.sync()).toMatchObject({ kind: 'in-sync' });
  expect(sync.local.sentTo).toBeUndefined();
});
