import { describe, expect, test } from '@jest/globals';
import {
  appliedNode,
  DRIFT,
  type Edit,
  failedApply,
  managed,
  MTU,
  refusedFor,
  SyncBench,
} from '../../test/support/sync-bench.ts';
import type { MemoryDriver } from '../../test/support/memory-driver.ts';

const MINUTE_MS = 60_000;

describe('contention: a field that somebody else keeps changing', () => {
  /** The kinds of so many looks, a minute apart, with the drift made anew before each. */
  async function fight(bench: SyncBench, rounds: number): Promise<string[]> {
    const kinds: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bench.host.edit(DRIFT);
      kinds.push((await bench.sync()).kind);
      await bench.clock.advance(MINUTE_MS);
    }
    return kinds;
  }

  test('is given up after five corrections, and then no longer sent', async () => {
    const field = new SyncBench(appliedNode());
    const corrected = Array<string>(5).fill('in-sync');
    expect(await fight(field, 7)).toEqual([...corrected, 'contended', 'contended']);
    expect(field.host.applies).toHaveLength(5);
    expect(await field.sync()).toMatchObject({ kind: 'contended', path: MTU, differences: [{ path: MTU }] });
  });

  test.each<{ name: string; edit?: Edit; host: Partial<MemoryDriver>; kind: string; then?: string }>([
    {
      name: 'of which none may be made',
      edit: managed({ maxImpact: 'None' }),
      host: { impact: 'Restart' },
      kind: 'impact-not-allowed',
      // Neither host nor wish move.
      then: 'unmoved',
    },
    { name: 'of which none succeeds', host: { meanwhile: () => failedApply(true) }, kind: 'apply-failed' },
    { name: 'of which none proves true', host: { isIdle: true }, kind: 'apply-failed' },
    { name: 'all refused', host: { meanwhile: () => refusedFor('ConfigRefused') }, kind: 'refused' },
  ])('is not six corrections $name', async ({ edit, host, kind, then = kind }) => {
    const field = new SyncBench(appliedNode(edit));
    Object.assign(field.host, host);
    expect(await fight(field, 6)).toEqual([kind, ...Array<string>(5).fill(then)]);
    expect(field.local.corrections).toEqual([]);
  });

  test('is not what a person asks for with a reconcile request', async () => {
    const field = new SyncBench(
      appliedNode(({ metadata }) => {
        metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
      }),
    );
    expect(await fight(field, 6)).toEqual(Array(6).fill('in-sync'));
    expect(field.local.corrections).toEqual([]);
  });

  test('starts anew with a new spec', async () => {
    const field = new SyncBench(
      appliedNode(({ spec }) => {
        spec.interface.listenPort = 51_821;
      }),
    );
    field.local = { ...field.local, corrections: [1, 2, 3, 4, 5].map(() => ({ path: MTU, atMs: 0 })) };
    expect(await fight(field, 1)).toEqual(['in-sync']);
    expect(field.local.corrections).toEqual([]);
  });
});
