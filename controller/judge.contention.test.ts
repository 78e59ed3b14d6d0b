import { describe, expect, test } from '@jest/globals';
import {
  appliedNode,
  type Bench,
  bench,
  DRIFT,
  type Edit,
  managed,
  type ModelHost,
  MTU,
  refuse,
} from '../test/support/judge-bench.ts';

const MINUTE_MS = 60_000;

describe('contention: a field that somebody else keeps changing', () => {
  /** The kinds of so many looks, a minute apart, with the drift made anew before each. */
  async function fight({ host, clock, look }: Bench, rounds: number): Promise<string[]> {
    const kinds: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      host.edit(DRIFT);
      kinds.push((await look()).kind);
      await clock.advance(MINUTE_MS);
    }
    return kinds;
  }

  test('is given up after five corrections, and then no longer sent', async () => {
    const field = bench(appliedNode());
    const corrected = Array<string>(5).fill('in-sync');
    expect(await fight(field, 7)).toEqual([...corrected, 'contended', 'contended']);
    expect(field.host.puts).toHaveLength(5);
    expect(await field.look()).toMatchObject({ kind: 'contended', path: MTU, differences: [{ path: MTU }] });
  });

  test.each<{ name: string; edit?: Edit; host: Partial<ModelHost>; kind: string }>([
    {
      name: 'of which none may be made',
      edit: managed({ maxImpact: 'None' }),
      host: { impact: 'Restart' },
      kind: 'impact-not-allowed',
    },
    { name: 'of which none succeeds', host: { meanwhile: refuse('apply_failed') }, kind: 'apply-failed' },
    { name: 'of which none proves true', host: { isIdle: true }, kind: 'apply-failed' },
    { name: 'all refused', host: { meanwhile: refuse('invalid_value') }, kind: 'refused' },
  ])('is not six corrections $name', async ({ edit, host, kind }) => {
    const field = bench(appliedNode(edit));
    Object.assign(field.host, host);
    expect(await fight(field, 6)).toEqual(Array(6).fill(kind));
    expect(field.memory.corrections).toEqual([]);
  });

  test('is not what a person asks for with a reconcile request', async () => {
    const field = bench(
      appliedNode(({ metadata }) => {
        metadata.annotations = { 'wgnode.dev/reconcile-requested-at': 'now' };
      }),
    );
    expect(await fight(field, 6)).toEqual(Array(6).fill('in-sync'));
    expect(field.memory.corrections).toEqual([]);
  });

  test('starts anew with a new spec', async () => {
    const field = bench(
      appliedNode(({ spec }) => {
        spec.interface.listenPort = 51_821;
      }),
    );
    field.memory.corrections = [1, 2, 3, 4, 5].map(() => ({ path: MTU, atMs: 0 }));
    expect(await fight(field, 1)).toEqual(['in-sync']);
    expect(field.memory.corrections).toEqual([]);
  });
});
