import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ManagedInterface } from '../apply/managed-interface.ts';
import type { NetworkEvents } from '../host/network-events.ts';
import type { ConfigResponse } from '../protocol/messages.ts';
import { ConfigCache, devicesIn } from './config-cache.ts';

let folder: string;
let path: string;
let reads = 0;
let wg: string | null = 'as it was';
let reliable = true;
let nowMs = 1_000_000;
let tell: (line: string | null) => void = () => undefined;
let mutate: (name: string) => void = () => undefined;
let cache: ConfigCache;
let target: ManagedInterface;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] });
  folder = await mkdtemp(join(tmpdir(), 'wgnode-cache-'));
  path = join(folder, 'wg0.conf');
  await writeFile(path, 'text');
  [reads, wg, reliable, nowMs] = [0, 'as it was', true, 1_000_000];
  const events: NetworkEvents = {
    start: () => undefined,
    isReliable: () => reliable,
    onChange: (listener) => (tell = listener),
    stop: () => undefined,
  };
  target = {
    name: 'wg0',
    path,
    backend: { fingerprint: () => Promise.resolve(wg) },
  } as unknown as ManagedInterface;
  cache = new ConfigCache({
    read: () => {
      reads += 1;
      return Promise.resolve({ digest: String(reads) } as ConfigResponse);
    },
    network: events,
    firewall: { start: () => undefined, isReliable: () => false, onChange: () => undefined, stop: () => undefined },
    onMutation: (listener) => (mutate = listener),
    nowMs: () => nowMs,
    settleMs: -1,
  });
});
afterEach(async () => {
  cache.stop();
  jest.useRealTimers();
  await rm(folder, { recursive: true });
});

/** The answer to a GET, as a route asks. */
const ask = async (): Promise<string> => (cache.peek(target.name) ?? (await cache.get(target))).response.digest;
/** A second passes, and wg is looked at. */
async function second(): Promise<void> {
  nowMs += 1_000;
  await jest.advanceTimersByTimeAsync(1_000);
}

describe('an unchanged GET', () => {
  test('is read once', async () => {
    expect([await ask(), await ask(), await ask()]).toEqual(['1', '1', '1']);
  });

  test('asked by several at one time is read once', async () => {
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['1', '1', '1']);
  });

  test('stays known while somebody asks, over looks at wg', async () => {
    await ask();
    for (let count = 0; count < 20; count += 1) await second();
    expect([await ask(), reads]).toEqual(['1', 1]);
  });
});

describe('is read anew', () => {
  beforeEach(ask);

  test.each<{ name: string; change: () => unknown }>([
    {
      name: 'after a line about its device',
      change: () => {
        tell('7: wg0: <UP> mtu 1300');
      },
    },
    {
      name: 'after a line that names no device, as of a rule',
      change: () => {
        tell('32765:\tnot from all fwmark 0x5 lookup 5');
      },
    },
    {
      name: 'when the monitor may have missed something',
      change: () => {
        tell(null);
      },
    },
    {
      name: 'after a mutation',
      change: () => {
        mutate('wg0');
      },
    },
    { name: 'while the monitor does not listen', change: () => (reliable = false) },
    { name: 'when the file is written', change: () => writeFile(path, 'other') },
    { name: 'when the file goes', change: () => rm(path) },
    {
      name: 'when wg says something else',
      change: async () => {
        wg = 'other';
        await second();
      },
    },
    {
      name: 'when the device is gone to wg',
      change: async () => {
        wg = null;
        await second();
      },
    },
    { name: 'when the looks at wg are late', change: () => (nowMs += 3_000) },
  ])('$name', async ({ change }) => {
    await change();
    expect(await ask()).toBe('2');
  });

  test('not after a line about another device', async () => {
    tell('8: wg1: <UP> mtu 1300');
    expect(await ask()).toBe('1');
  });

  test('every 30 s by itself', async () => {
    for (let count = 0; count < 31; count += 1) await second();
    expect(reads).toBe(2);
  });
});

test('what changed while it was read is not kept', async () => {
  const answer = cache.get(target);
  tell('7: wg0: <UP> mtu 1300');
  await answer;
  expect(await ask()).toBe('2');
});

test('who asks after a change does not get what was begun before it', async () => {
  const early = ask();
  tell('7: wg0: <UP> mtu 1300');
  expect([await ask(), await early]).toEqual(['2', '1']);
});

test('nothing is looked at when nobody has asked for longer', async () => {
  await ask();
  for (let count = 0; count < 120; count += 1) await second();
  const before = reads;
  for (let count = 0; count < 120; count += 1) await second();
  expect(reads).toBe(before);
});

test.each([
  ['7: wg0: <POINTOPOINT,NOARP,UP> mtu 1400 qdisc noop', ['wg0']],
  ['Deleted 7: wg0    inet 10.0.0.1/24 scope global wg0', ['wg0']],
  ['9: veth0@if8: <UP> mtu 1500', ['veth0']],
  ['10.9.0.0/16 dev wg0 scope link', ['wg0']],
  ['Deleted local 10.0.0.1 dev wg0 table local proto kernel', ['wg0']],
  ['10.66.0.0/16 \\\tnexthop dev wg0 weight 1 \\\tnexthop dev lo weight 1', ['wg0', 'lo']],
  ['32765:\tfrom all lookup main suppress_prefixlength 0', []],
  ['blackhole 10.55.0.0/16', []],
])('the devices of %s', (line, expected) => {
  expect(devicesIn(line)).toEqual(expected);
});
