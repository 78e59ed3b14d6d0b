import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fault, settle, startReflector } from '../../test/support/reflector-bench.ts';
import { RUNS } from '../../test/fixtures/arbitraries.ts';

describe('failures', () => {
  test('a watch that breaks goes on from its last version, without a list', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    const listed = api.version;
    api.put('b');
    await settle();
    api.cut('error');
    await clock.advance(1_000);
    expect(api.watchedFrom).toEqual([listed, api.version]);
    expect(mirror.told).toEqual(['replace 1', 'apply b']);
    expect([api.listedMs.length, mirror.failures]).toEqual([1, ['watch']]);
    await stop();
  });

  test('changes while no watch runs are not lost', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    api.cut('error');
    await settle();
    api.delete('a');
    api.put('b');
    await clock.advance(1_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('a list that fails is tried again, ever slower and at least every 4 s', async () => {
    const { clock, api, mirror, stop } = startReflector(['a'], (model) => {
      model.listIsBroken = true;
    });
    await clock.advance(300_000);
    const gaps = api.listedMs.slice(1).map((atMs, index) => atMs - (api.listedMs[index] ?? 0));
    expect(gaps.slice(0, 4)).toEqual([125, 250, 500, 1_000]);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(4_000);
    expect([...gaps].sort((left, right) => left - right)).toEqual(gaps);
    expect(new Set(mirror.failures)).toEqual(new Set(['list']));
    api.listIsBroken = false;
    await clock.advance(2_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test.each([
    ['end', 40],
    ['error', 80],
  ] as const)('a watch that always ends with %s at once is no spin', async (fault, most) => {
    const { clock, api, stop } = startReflector(['a'], (model) => {
      model.watchEndsWith = fault;
    });
    await clock.advance(60_000);
    expect(api.watchedFrom.length).toBeLessThan(most);
    expect(api.listedMs.length).toBe(1);
    await stop();
  });

  test('a watch that works again after failures is followed at once', async () => {
    const { clock, api, mirror, stop } = startReflector(['a'], (model) => {
      model.watchEndsWith = 'error';
    });
    await clock.advance(20_000);
    api.watchEndsWith = undefined;
    await clock.advance(4_000);
    api.put('b');
    await settle();
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });
});

test('C8, C17: whatever happens in between, the handler ends with what the server has', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const happening = fc.oneof(
    name.map((each) => ({ put: each })),
    name.map((each) => ({ remove: each })),
    fc.constantFrom<Fault>('error', 'end', 'expired').map((cut) => ({ cut })),
    fc.constant({ compact: true }),
    fc.constant({ restore: true }),
    fc.integer({ min: 1, max: 2_000 }).map((pauseMs) => ({ pauseMs })),
  );
  const property = fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
    const { clock, api, mirror, stop } = startReflector(['a', 'b', 'c']);
    const copy = { objects: [...api.objects.values()], version: api.version };
    for (const each of happenings) {
      if ('put' in each) api.put(each.put);
      else if ('remove' in each) api.delete(each.remove);
      else if ('cut' in each) api.cut(each.cut);
      else if ('compact' in each) api.compact();
      else if ('restore' in each) {
        api.restore(copy.objects, copy.version);
        // Who comes back only after the server went on past what was known cannot tell.
        await clock.advance(5_000);
      } else await clock.advance(each.pauseMs);
    }
    await clock.advance(120_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });
  await fc.assert(property, RUNS);
});
