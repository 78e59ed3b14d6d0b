import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { aConfig } from '../../test/fixtures/device.ts';
import { HMAC_KEY, POLICY } from '../../test/support/check-input.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { ownerOf } from '../../test/support/sync-bench.ts';
import type { Owner } from '../../agent/protocol/owner.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import { agentOrigin, FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from '../cluster/kube-client.ts';
import { createNodeWriter } from '../cluster/node-writer.ts';
import { createSecretReader } from '../cluster/secrets.ts';
import type { ReleaseReason } from '../policy/deletion.ts';
import type { Hosts } from './hosts.ts';
import { finalize } from './finalize.ts';
import { createNodeStore, objectHandler } from './informers.ts';
import { createLocalStates, type LocalState, newLocalState } from './local-state.ts';
import { createMetrics } from '../metrics.ts';
import type { Dependencies } from './dependencies.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import { createCircuits } from '../runtime/circuits.ts';
import { createQueue } from '../runtime/queue.ts';
import { createTurns } from '../runtime/turns.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');
/** Of a first attempt, with the least jitter. */
const RETRY = requeueAfter(1_000);

type Operation = Readonly<Record<'op' | 'path', string>> & { readonly value?: unknown };

/** An API server with the object that is being deleted and the Secret of its agent. */
class ModelApi implements Pick<KubeClient, 'request'> {
  object: WireGuardNode | undefined;
  agentSecret: Readonly<Record<string, string>> | undefined = { 'hmac-key': HMAC_KEY };
  /** What others do right before the object is read. */
  meanwhile: () => void = () => undefined;
  /** What others do right before the object is written. */
  beforePatch: () => void = () => undefined;
  /** Every write is answered with this. */
  refusesWith: number | undefined;

  request<T>({ method, path, body }: KubeRequest): Promise<T> {
    const response = path.includes('/secrets/') ? this.#secret(path) : this.#node(method, { path, body });
    return typeof response === 'number'
      ? Promise.reject(new KubeError(method, response, ''))
      : Promise.resolve(structuredClone(response) as T);
  }

  #secret(path: string): object | number {
    if (this.agentSecret === undefined || !path.endsWith('/fra1-agent')) return 404;
    const encoded = Object.entries(this.agentSecret).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    return { metadata: { resourceVersion: '1' }, data: Object.fromEntries(encoded) as Record<string, string> };
  }

  #node(method: string, { path, body }: { readonly path: string; readonly body: unknown }): object | number {
    if (method === 'GET') this.meanwhile();
    else this.beforePatch();
    if (this.object === undefined) return 404;
    if (method === 'GET') return this.object;
    if (this.refusesWith !== undefined) return this.refusesWith;
    return this.#patch(path.includes('/status?') ? 'status' : 'finalizers', body as readonly Operation[]);
  }

  #patch(what: 'status' | 'finalizers', operations: readonly Operation[]): object | number {
    const object = structuredClone(this.object ?? another);
    const { metadata } = object;
    const finalizers = [...(metadata.finalizers ?? [])];
    const status: Record<string, unknown> = { ...object.status };
    for (const { op, path, value } of operations) {
      const index = Number(/^\/metadata\/finalizers\/([0-9]+)$/.exec(path)?.[1]);
      const found = path === '/metadata/uid' ? metadata.uid : finalizers[index];
      if (op === 'test' && found !== value) return 422;
      if (op === 'remove' && what === 'finalizers') finalizers.splice(index, 1);
      else if (op !== 'test') status[path.replace('/status/', '')] = value;
    }
    Object.assign(metadata, { finalizers, resourceVersion: String(Number(metadata.resourceVersion) + 1) });
    const written: WireGuardNode = { ...object, status: status as unknown as WireGuardNode['status'] };
    this.object = finalizers.length === 0 ? undefined : written;
    return written;
  }
}

type Edit = (node: WireGuardNode) => void;

/** A node that was applied, carries our finalizer and is being deleted. */
const deletedNode = (edit: Edit = () => undefined): WireGuardNode =>
  nodeWith((node) => {
    Object.assign(node.metadata, { deletionTimestamp: '2026-02-01T00:00:00Z', finalizers: [FINALIZER] });
    node.spec.management.deletionPolicy = 'Remove';
    node.status.applied = { generation: 3, url: node.spec.agent.url };
    edit(node);
  });

const ORIGIN = agentOrigin(nodeWith());

/** Another object that was applied to the same interface. */
const another = nodeWith((node) => {
  Object.assign(node.metadata, { name: 'another', uid: 'ffffffff-0000-4000-8000-000000000000' });
  node.status.applied = { generation: 3, url: node.spec.agent.url };
});

class Bench {
  readonly api = new ModelApi();
  readonly host = new MemoryDriver();
  /** Credentials that a driver was opened with. */
  readonly credentials: (string | undefined)[] = [];
  /** Origins of the agents for which that was. */
  readonly opened: string[] = [];
  /** `type reason` of the events. */
  readonly told: string[] = [];
  readonly clock = new ManualClock(DELETED_MS + 1_000);
  readonly nodes = createNodeStore();
  readonly localStates = createLocalStates();
  readonly #queue = createQueue(this.clock);
  readonly hosts: Hosts = {
    turns: createTurns({ wake: ignored, nowMs: this.clock.now }),
    circuits: createCircuits({ ...{ wake: ignored, nowMs: this.clock.now }, random: () => 0, baseMs: 1, capMs: 1 }),
  };
  readonly #metrics = createMetrics({
    ...{ queue: this.#queue, nodes: this.nodes, workers: 2, version: '0', objectMetrics: false },
  });
  readonly #handler = objectHandler({
    ...{ kind: WIREGUARD_NODE, objects: this.nodes, queue: this.#queue },
    failed: () => undefined,
  });

  /** Deletes this object, which the cache and the API server hold alike. */
  async run(node: WireGuardNode): Promise<Action> {
    this.api.object ??= node;
    this.nodes.put(node);
    try {
      return await finalize(this.#dependencies(), node);
    } finally {
      this.hosts.turns.leave(keyOf(node));
    }
  }

  /** An object with this UID was looked at before. */
  remember(uid: string, parts: Partial<LocalState> = {}): void {
    this.localStates.set(keyOf(deletedNode()), { ...newLocalState(uid), driver: this.host, ...parts });
  }

  /** How many objects were let go for this reason. */
  async released(reason: ReleaseReason): Promise<number | undefined> {
    const metric = await this.#metrics.registry.getSingleMetric('wgnode_deletions_total')?.get();
    return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value;
  }

  /** `status/reason` of the condition Ready as the API server has it. */
  get ready(): string {
    const ready = this.api.object?.status.conditions.find(({ type }) => type === 'Ready');
    return `${ready?.status ?? ''}/${ready?.reason ?? ''}`;
  }

  #dependencies(): Dependencies {
    const log = { error: ignored, warn: ignored, info: ignored, debug: ignored } as unknown as Dependencies['log'];
    const { signal } = new AbortController();
    return {
      ...{ nodes: this.nodes, clock: this.clock, localStates: this.localStates, log, hosts: this.hosts },
      secrets: createSecretReader({ client: this.api, versionOf: () => undefined, signal }),
      writer: createNodeWriter({ client: this.api }),
      ...{ takeWritten: this.#handler.takeWritten, metrics: this.#metrics },
      events: {
        record: (_node, { type, reason }) => {
          this.told.push(`${type} ${reason}`);
        },
        flush: () => Promise.resolve(),
      },
      drivers: {
        open: (node, credentials) => {
          this.opened.push(agentOrigin(node));
          this.credentials.push(credentials.get('hmac-key')?.reveal());
          return this.host;
        },
        close: () => Promise.resolve(),
      },
      policy: POLICY,
      serverOffsetMs: () => 0,
      mayChange: () => true,
      ...{ random: () => 0, signal },
    };
  }
}

/** What is left of the interface. */
const stateOf = ({ config, state }: MemoryDriver): 'removed' | 'up' | 'down' =>
  config === undefined ? 'removed' : state;

const ignored = (): undefined => undefined;

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
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
