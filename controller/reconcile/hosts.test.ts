import { beforeEach, describe, expect, test } from '@jest/globals';
import { nodeWith } from '../../test/support/node-builder.ts';
import { keyOf } from '../api/node.ts';
import type { UnreachableReason } from '../api/conditions.ts';
import type { Unreachable } from '../policy/outcome.ts';
import { createCircuits } from '../runtime/circuits.ts';
import { createQueue } from '../runtime/queue.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { askHost, createHosts, groupsByHost, type Hosts } from './hosts.ts';
import { createNodeStore } from './informers.ts';

const away = (reason: UnreachableReason = 'ConnectionTimeout', over: Partial<Unreachable> = {}): Unreachable => ({
  ...{ kind: 'unreachable', reason, message: 'no answer' },
  ...over,
});
const ANSWER = { kind: 'observed' } as const;

let nowMs: number;
let hosts: Pick<Hosts, 'circuits'>;
let woken: string[];
let asked: number;
beforeEach(() => {
  [nowMs, woken, asked] = [0, [], 0];
  const wake = (key: string): unknown => woken.push(key);
  hosts = { circuits: createCircuits({ wake, nowMs: () => nowMs, random: () => 1, baseMs: 500, capMs: 30_000 }) };
});

const ask = <T extends { readonly kind: string }>(key: string, answer: T | Unreachable, isUrgent = false) =>
  askHost<T>(hosts, { origin: 'https://host:443', key, isUrgent }, () => {
    asked += 1;
    return Promise.resolve(answer);
  });

describe('C3: askHost', () => {
  test.each(['DNSFailed', 'ConnectionRefused', 'ConnectionTimeout'] as const)(
    'a host that is away (%s) is not asked by the others: they get what is known, and when to come again',
    async (reason) => {
      expect(await ask('a', away(reason))).toEqual(away(reason));
      expect(await ask('b', ANSWER)).toEqual(away(reason, { retryAfterMs: 500 }));
      expect(asked).toBe(1);
    },
  );

  test.each(['TLSFailed', 'ClockSkew', 'SignatureRejected', 'AgentError', 'ProtocolError', 'URLNotAllowed'] as const)(
    'a failure that may be that of one object alone (%s) keeps nobody from asking',
    async (reason) => {
      await ask('a', away(reason));
      expect(await ask('b', ANSWER)).toEqual(ANSWER);
    },
  );

  test('a refusal is an answer, too', async () => {
    await ask('a', away());
    nowMs = 500;
    await ask('a', { kind: 'refused' });
    expect(await ask('b', ANSWER)).toEqual(ANSWER);
  });

  test('who waits asks at once', async () => {
    await ask('a', away());
    expect(await ask('edited', ANSWER, true)).toEqual(ANSWER);
  });

  test('a longer pause that the agent itself asked for is kept', async () => {
    await ask('a', away('ConnectionRefused', { retryAfterMs: 9_000 }));
    expect(await ask('b', ANSWER)).toMatchObject({ retryAfterMs: 9_000 });
  });

  test('those that were kept back are woken when the host answers', async () => {
    await ask('a', away());
    for (const key of ['b', 'c']) await ask(key, ANSWER);
    nowMs = 500;
    await ask('a', ANSWER);
    expect(woken).toEqual(['b', 'c']);
  });

  test('a failure of our own is thrown, and leaves the host to the next one', async () => {
    await ask('a', away());
    nowMs = 500;
    const place = { origin: 'https://host:443', key: 'a', isUrgent: false };
    await expect(askHost(hosts, place, () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
    expect(await ask('b', ANSWER)).toEqual(ANSWER);
  });
});

describe('C1: groupsByHost', () => {
  const nodes = createNodeStore();
  const { of, atOnce } = groupsByHost(nodes);
  const named = (name: string, url: string) =>
    nodeWith(({ metadata, spec }) => {
      metadata.name = name;
      spec.agent.url = url;
    });

  test('objects of one host are of one group, in whatever words they name it', () => {
    const spellings = ['https://fra1.example.net', 'https://FRA1.example.net.:443/'].map((url, index) =>
      named(String(index), url),
    );
    for (const node of spellings) nodes.put(node);
    expect(new Set(spellings.map((node) => of(keyOf(node)))).size).toBe(1);
    expect(atOnce).toBeGreaterThan(0);
  });

  test('objects of two hosts are not', () => {
    const pair = [named('a', 'https://a.example:8443'), named('b', 'https://a.example:8444')];
    for (const node of pair) nodes.put(node);
    expect(new Set(pair.map((node) => of(keyOf(node)))).size).toBe(2);
  });

  test('an object that is gone is in none', () => {
    expect(of('edge/gone')).toBeUndefined();
  });
});

describe('createHosts', () => {
  test('whose turn it is is woken as an edit, who was kept back as a resync', () => {
    const queue = createQueue(new ManualClock());
    const { turns, circuits } = createHosts(queue, () => 0);
    for (const key of ['a', 'b']) turns.enter('host', key);
    turns.leave('a');
    expect([queue.depth('change'), queue.depth('resync')]).toEqual([1, 0]);
    circuits.ended('host', 'a', away());
    circuits.blocked('host', 'c', false);
    circuits.ended('host', 'a', undefined);
    expect([queue.depth('change'), queue.depth('resync')]).toEqual([1, 1]);
  });
});
