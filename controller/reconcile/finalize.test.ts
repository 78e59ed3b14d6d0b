import { beforeEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { aConfig } from '../../test/fixtures/device.ts';
import { MemoryDriver } from '../../test/support/memory-driver.ts';
import { nodeWith } from '../../test/support/node-builder.ts';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import { FINALIZER, keyOf } from '../api/node.ts';
import type { WireGuardNode } from '../api/wireguardnode.generated.ts';
import { KubeError, type KubeClient, type KubeRequest } from '../cluster/kube-client.ts';
import { createNodeWriter } from '../cluster/node-writer.ts';
import { finalize } from './finalize.ts';
import { createNodeStore, objectHandler } from './informers.ts';
import { createLocalStates, newLocalState } from './local-state.ts';
import { createMetrics } from '../metrics.ts';
import type { Dependencies } from './dependencies.ts';
import { type Action, awaitChange, requeueAfter } from '../runtime/action.ts';
import { createKeyLock } from '../runtime/key-lock.ts';
import { createQueue } from '../runtime/queue.ts';

const DELETED_MS = Date.parse('2026-02-01T00:00:00Z');
const HMAC_KEY = 'correct horse battery staple';
const RETRY = requeueAfter(5_000);

/** An API server with the object that is being deleted and the Secret of its agent. */
class ModelApi implements KubeClient {
  object: WireGuardNode | undefined;
  agentSecret: Readonly<Record<string, string>> | undefined = { 'hmac-key': HMAC_KEY };
  /** What others do right before the object is read. */
  meanwhile: () => void = () => undefined;

  request<T>({ method, path, body }: KubeRequest): Promise<T> {
    const response = path.includes('/secrets/') ? this.#secret(path) : this.#node(method, body);
    return typeof response === 'number'
      ? Promise.reject(new KubeError(method, response, ''))
      : Promise.resolve(structuredClone(response) as T);
  }

  #secret(path: string): object | number {
    if (this.agentSecret === undefined || !path.endsWith('/fra1-agent')) return 404;
    const encoded = Object.entries(this.agentSecret).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    return { data: Object.fromEntries(encoded) as Record<string, string> };
  }

  #node(method: string, body: unknown): object | number {
    if (method === 'GET') this.meanwhile();
    if (this.object === undefined) return 404;
    if (method === 'GET') return this.object;
    const [uid, version, { value: finalizers }] = body as [{ value: unknown }, { value: unknown }, { value: string[] }];
    const { metadata } = this.object;
    if (uid.value !== metadata.uid || version.value !== metadata.resourceVersion) return 422;
    const written = { ...this.object, metadata: { ...metadata, finalizers, resourceVersion: '100' } };
    this.object = finalizers.length === 0 ? undefined : written;
    return written;
  }

  lines(): AsyncIterable<string> {
    throw new Error('A deletion watches nothing');
  }

  close(): Promise<void> {
    return Promise.resolve();
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

const another = nodeWith(({ metadata }) => {
  Object.assign(metadata, { name: 'another', uid: 'ffffffff-0000-4000-8000-000000000000' });
});

class Bench {
  readonly api = new ModelApi();
  readonly host = new MemoryDriver();
  /** Credentials that a driver was opened with. */
  readonly credentials: (string | undefined)[] = [];
  /** `type reason` of the events. */
  readonly told: string[] = [];
  readonly clock = new ManualClock(DELETED_MS + 1_000);
  readonly nodes = createNodeStore();
  readonly localStates = createLocalStates();
  readonly #queue = createQueue(this.clock);
  readonly #metrics = createMetrics({
    ...{ queue: this.#queue, nodes: this.nodes, workers: 2, version: '0', objectMetrics: false },
  });
  readonly #handler = objectHandler({
    ...{ kind: WIREGUARD_NODE, objects: this.nodes, queue: this.#queue },
    failed: () => undefined,
  });

  /** Deletes this object, which the cache and the API server hold alike. */
  run(node: WireGuardNode): Promise<Action> {
    this.api.object ??= node;
    this.nodes.put(node);
    return finalize(this.#dependencies(), node);
  }

  /** An object with this UID was looked at before. */
  remember(uid: string): void {
    this.localStates.set(keyOf(deletedNode()), { ...newLocalState(uid), driver: this.host });
  }

  async timeOuts(): Promise<number | undefined> {
    const [sample] =
      (await this.#metrics.registry.getSingleMetric('wgnode_deletions_timed_out_total')?.get())?.values ?? [];
    return sample?.value;
  }

  #dependencies(): Dependencies {
    const quiet = { error: ignored, warn: ignored, info: ignored, debug: ignored } as unknown as Dependencies['log'];
    return {
      ...{ client: this.api, nodes: this.nodes, clock: this.clock, localStates: this.localStates, log: quiet },
      ...{ writer: createNodeWriter(this.api), takeWritten: this.#handler.takeWritten, metrics: this.#metrics },
      events: {
        record: (_node, { type, reason }) => {
          this.told.push(`${type} ${reason}`);
          return Promise.resolve();
        },
      },
      drivers: {
        open: (_node, credentials) => {
          this.credentials.push(credentials.get('hmac-key')?.reveal());
          return this.host;
        },
        close: () => Promise.resolve(),
      },
      hostLocks: createKeyLock(),
      policy: { allowHttpAgents: false, minSignature: 'v1' },
      random: () => 0,
      signal: new AbortController().signal,
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
    {
      name: 'of a node that was applied to another host only',
      edit: ({ spec }) => {
        spec.agent.url = 'https://ams1.example.net:8443';
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

  test('of an object without our finalizer does nothing', async () => {
    const node = deletedNode(({ metadata }) => {
      metadata.finalizers = ['a.b/c'];
    });
    expect(await bench.run(node)).toEqual(awaitChange);
    expect([stateOf(bench.host), bench.told, bench.api.object]).toEqual(['up', [], node]);
  });

  test('of an object that moved on meanwhile comes again soon', async () => {
    bench.api.object = deletedNode(({ metadata }) => {
      metadata.resourceVersion = '8';
    });
    expect(await bench.run(deletedNode())).toEqual(requeueAfter(1_000));
    expect(bench.api.object.metadata.finalizers).toEqual([FINALIZER]);
  });
});

describe('a host that cannot be reached', () => {
  beforeEach(() => {
    bench.host.failure = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'no answer in time' };
  });

  test('K1: is waited for', async () => {
    expect(await bench.run(deletedNode())).toEqual(RETRY);
    expect([bench.told, await bench.timeOuts()]).toEqual([['Warning DeletionPending'], 0]);
    expect(bench.api.object).toEqual(deletedNode());
  });

  test('K1: is given up at the deadline, which is told and counted', async () => {
    await bench.run(deletedNode());
    await bench.clock.advance(298_999);
    expect(await bench.run(deletedNode())).toEqual(RETRY);
    await bench.clock.advance(1);
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect(bench.told).toEqual(['Warning DeletionPending', 'Warning DeletionPending', 'Warning DeletionTimedOut']);
    expect([bench.host.attempts, await bench.timeOuts(), bench.api.object]).toEqual([3, 1, undefined]);
  });

  test('K1: gets one attempt even when the deadline is long past', async () => {
    await bench.clock.advance(86_400_000);
    expect(await bench.run(deletedNode())).toEqual(awaitChange);
    expect([bench.host.attempts, bench.told]).toEqual([1, ['Warning DeletionTimedOut']]);
  });
});

test('K1: a host that can be reached is done with, although the deadline is long past', async () => {
  await bench.clock.advance(86_400_000);
  expect(await bench.run(deletedNode())).toEqual(awaitChange);
  expect([stateOf(bench.host), bench.told, await bench.timeOuts()]).toEqual(['removed', ['Normal Deleted'], 0]);
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
    expect([bench.host.attempts, bench.told]).toEqual([0, ['Warning DeletionPending']]);
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
    expect([bench.host.attempts, bench.told]).toEqual([0, ['Warning DeletionPending']]);
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

  test('K4: another object that came meanwhile keeps the interface', async () => {
    bench.api.meanwhile = () => {
      bench.nodes.put(another);
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
