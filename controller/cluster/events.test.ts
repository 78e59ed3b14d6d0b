import { beforeEach, describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { WIREGUARD_NODE } from '../api/kinds.ts';
import type { NodeEvent } from '../policy/events.ts';
import { createEventRecorder, type EventRecorder } from './events.ts';
import { KubeError, type KubeClient, type KubeRequest } from './kube-client.ts';

const START_MS = Date.parse('2026-02-01T00:00:00Z');
const event = (note: string, over: Partial<NodeEvent> = {}): NodeEvent => ({
  ...{ type: 'Warning', reason: 'AgentUnreachable', action: 'Reconcile', note },
  ...over,
});

/** An API server that keeps events. Each answer waits until the one before it was given. */
class Events implements Pick<KubeClient, 'request'> {
  readonly kept = new Map<string, Record<string, unknown>>();
  readonly asked: KubeRequest[] = [];
  /** Requests under way. */
  running = 0;
  most = 0;
  /** Every request is answered with this. */
  status: number | undefined;
  /** Resolves every request; undefined = at once. */
  hold: Promise<unknown> | undefined;

  async request<T>(request: KubeRequest): Promise<T> {
    this.asked.push(request);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await this.hold;
    await new Promise((resolve) => setImmediate(resolve));
    this.running -= 1;
    if (this.status !== undefined) throw new KubeError(request.method, this.status, '');
    const body = request.body as Record<string, unknown> & { metadata?: { name: string } };
    const name = request.method === 'POST' ? (body.metadata?.name ?? '') : (request.path.split('/').at(-1) ?? '');
    if (request.method === 'PATCH' && !this.kept.has(name)) throw new KubeError('PATCH', 404, 'NotFound');
    this.kept.set(name, { ...this.kept.get(name), ...body });
    return {} as T;
  }
}

let api: Events;
let nowMs: number;
let failures: unknown[];
let recorder: EventRecorder;
beforeEach(() => {
  [api, nowMs, failures] = [new Events(), START_MS, []];
  recorder = createEventRecorder({
    ...{ client: api, kind: WIREGUARD_NODE, signal: new AbortController().signal, instance: 'pod-1' },
    nowMs: () => nowMs,
    failed: (error) => failures.push(error),
  });
});

const notes = (): unknown[] => [...api.kept.values()].map(({ note }) => note);

test('an event says what happened, to which object, when, and who tells', async () => {
  recorder.record(nodeWith(), event('no answer'));
  await recorder.flush();
  expect([...api.kept.values()]).toMatchObject([
    {
      ...{ type: 'Warning', reason: 'AgentUnreachable', action: 'Reconcile', note: 'no answer' },
      ...{ eventTime: '2026-02-01T00:00:00.000000Z', reportingInstance: 'pod-1' },
      regarding: { kind: 'WireGuardNode', namespace: 'edge', name: 'fra1-wg0', uid: nodeWith().metadata.uid },
    },
  ]);
});

test('record comes back at once, and events are written one after the other, in their order', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  api.hold = promise;
  for (const note of ['1', '2', '3']) recorder.record(nodeWith(), event(note));
  await new Promise((each) => setImmediate(each));
  expect(api.asked).toHaveLength(1);
  resolve(undefined);
  await recorder.flush();
  expect([notes(), api.most]).toEqual([['1', '2', '3'], 1]);
});

test('flush waits for what was recorded, and without anything for nothing', async () => {
  await recorder.flush();
  recorder.record(nodeWith(), event('last words'));
  await recorder.flush();
  expect(notes()).toEqual(['last words']);
});

test('an event says when it was recorded, not when it was written', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  api.hold = promise;
  recorder.record(nodeWith(), event('1'));
  recorder.record(nodeWith(), event('2'));
  nowMs += 60_000;
  resolve(undefined);
  await recorder.flush();
  const times = [...api.kept.values()].map(({ eventTime }) => eventTime);
  expect(new Set(times)).toEqual(new Set(['2026-02-01T00:00:00.000000Z']));
});

describe('a repeat', () => {
  test('goes on with the series of the first one', async () => {
    for (let round = 0; round < 3; round += 1) {
      recorder.record(nodeWith(), event('no answer'));
      nowMs += 1_000;
    }
    await recorder.flush();
    expect([...api.kept.values()]).toMatchObject([
      { series: { count: 3, lastObservedTime: '2026-02-01T00:00:02.000000Z' } },
    ]);
    expect(api.asked.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH']);
  });

  test.each([
    { name: 'in other words', other: event('another answer') },
    { name: 'of another reason', other: event('no answer', { reason: 'Conflict' }) },
  ])('$name is an event of its own', async ({ other }) => {
    recorder.record(nodeWith(), event('no answer'));
    recorder.record(nodeWith(), other);
    await recorder.flush();
    expect(api.kept.size).toBe(2);
  });

  test('for a namesake with another UID is an event of its own', async () => {
    const recreated = nodeWith(({ metadata }) => {
      metadata.uid = 'ffffffff-0000-4000-8000-000000000000';
    });
    for (const node of [nodeWith(), recreated]) recorder.record(node, event('no answer'));
    await recorder.flush();
    expect(api.kept.size).toBe(2);
  });

  test('of a series that the API server has forgotten is told, and begins a new one the next time', async () => {
    recorder.record(nodeWith(), event('no answer'));
    await recorder.flush();
    api.kept.clear();
    for (let round = 0; round < 2; round += 1) recorder.record(nodeWith(), event('no answer'));
    await recorder.flush();
    expect([failures.length, notes()]).toEqual([1, ['no answer']]);
  });
});

describe('what cannot be written', () => {
  test('is told and forgotten, and the next one is written', async () => {
    api.status = 403;
    recorder.record(nodeWith(), event('1'));
    await recorder.flush();
    api.status = undefined;
    recorder.record(nodeWith(), event('2'));
    await recorder.flush();
    expect([failures, notes()]).toMatchObject([[{ status: 403 }], ['2']]);
  });

  test('as too many wait is told and left out: memory does not grow while the API server hangs', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    api.hold = promise;
    for (let index = 0; index < 2_500; index += 1) recorder.record(nodeWith(), event(String(index)));
    expect(failures).toHaveLength(500);
    resolve(undefined);
    await recorder.flush();
    expect(api.kept.size).toBe(2_000);
    recorder.record(nodeWith(), event('at last'));
    await recorder.flush();
    expect(notes()).toContain('at last');
  });

  test('as it is too long is cut', async () => {
    recorder.record(nodeWith(), event('x'.repeat(5_000)));
    await recorder.flush();
    expect(notes()).toEqual(['x'.repeat(1_000)]);
  });
});
