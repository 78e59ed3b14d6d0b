import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../drivers/driver.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { appliedNode, DRIFT, SyncBench } from '../../test/support/sync-bench.ts';
import { whileSlow } from './slow-change.ts';

const CUT: Failure = { kind: 'unreachable', reason: 'ConnectionTimeout', message: 'cut' };

/** A host that hangs until whoever asked hangs up. */
const untilCut = (signal: AbortSignal): Promise<Failure> =>
  new Promise((resolve) => {
    const cut = (): void => {
      resolve(CUT);
    };
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
  });

describe('a change of a host that hangs', () => {
  test('is given up once nobody wants it there, and it is remembered that it was sent', async () => {
    const node = appliedNode();
    const bench = new SyncBench(node, DRIFT);
    bench.host.meanwhile = untilCut;
    let isWanted = true;
    const ended = bench.sync({ isWanted: () => isWanted });
    await bench.clock.advance(30_000);
    isWanted = false;
    await bench.clock.advance(1_000);
    expect(await ended).toMatchObject({ kind: 'superseded' });
    expect([bench.interim, bench.local.sentTo, bench.clock.pending]).toEqual([['applying'], node.spec.agent.url, 0]);
  });

  test('is waited for where its agent needs somebody who makes the next call', async () => {
    const bench = new SyncBench(appliedNode(), DRIFT);
    bench.host.capabilities.delete('atomic');
    const process = new AbortController();
    bench.host.meanwhile = untilCut;
    const ended = bench.sync({ isWanted: () => false, signal: process.signal });
    await bench.clock.advance(60_000);
    expect(bench.interim).toEqual(['applying']);
    process.abort();
    expect(await ended).toMatchObject(CUT);
  });

  test('is asked about only once it is slow: a quick one ends whatever became of the object', async () => {
    const clock = new ManualClock();
    const asked: number[] = [];
    const isWanted = (): boolean => asked.push(clock.now()) > 0;
    const { signal } = new AbortController();
    const quick = whileSlow(() => Promise.resolve('made'), { clock, signal, isWanted });
    expect(await quick.next()).toEqual({ done: true, value: { kind: 'ended', value: 'made' } });
    expect([asked, clock.pending]).toEqual([[], 0]);
  });

  test('ends with the process', async () => {
    const clock = new ManualClock();
    const process = new AbortController();
    const slow = whileSlow(untilCut, { clock, signal: process.signal, isWanted: () => true });
    const next = slow.next();
    process.abort();
    expect(await next).toEqual({ done: true, value: { kind: 'ended', value: CUT } });
  });
});
