import { describe, expect, test } from '@jest/globals';
import { settle, startReflector } from '../../test/support/reflector-bench.ts';

describe('a healthy API server', () => {
  test('the pages of the list come as one set', async () => {
    const { mirror, stop } = startReflector(['a', 'b', 'c', 'd', 'e']);
    await settle();
    expect(mirror.told).toEqual(['replace 5']);
    await stop();
  });

  test('an empty collection is an empty set, so that what is gone is known to be gone', async () => {
    const { mirror, stop } = startReflector([]);
    await settle();
    expect(mirror.told).toEqual(['replace 0']);
    await stop();
  });

  test('later changes come one by one, and bookmarks tell nothing', async () => {
    const { api, mirror, stop } = startReflector(['a']);
    await settle();
    api.put('b');
    api.bookmark();
    api.delete('a');
    await settle();
    expect(mirror.told).toEqual(['replace 1', 'apply b', 'remove a']);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('a watch that the server ends goes on from its last version, that of a bookmark included', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    const listed = api.version;
    api.put('b');
    api.bookmark();
    const last = api.version;
    await settle();
    api.cut('end');
    await clock.advance(1_000);
    expect(api.watchedFrom).toEqual([listed, last]);
    expect([api.listedMs.length, mirror.failures]).toEqual([1, []]);
    await stop();
  });
});

describe('C6: the server no longer has the history', () => {
  test('a watch that is answered with 410 at its start leads to one list of everything', async () => {
    const { clock, api, mirror, stop } = startReflector(['a', 'b']);
    await settle();
    api.cut('end');
    await settle();
    api.put('c');
    api.delete('a');
    api.compact();
    await clock.advance(5_000);
    expect(mirror.told.at(-1)).toBe('replace 2');
    expect(mirror.known).toEqual(api.objects);
    expect([api.listedMs.length, mirror.failures]).toEqual([2, []]);
    await stop();
  });

  test('a 410 in the stream loses no event before it and leads to one list of everything', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    api.put('b');
    api.cut('expired');
    await clock.advance(5_000);
    expect(mirror.told).toEqual(['replace 1', 'apply b', 'replace 2']);
    expect([api.listedMs.length, mirror.failures]).toEqual([2, []]);
    await stop();
  });

  test('a server that answers every watch with 410 is not listed in a storm', async () => {
    const { clock, api, stop } = startReflector(['a'], (model) => {
      model.watchEndsWith = 'expired';
    });
    await clock.advance(60_000);
    expect(api.listedMs.length).toBeLessThan(40);
    await stop();
  });
});

describe('C17: a server that was put back to an older state', () => {
  test('is listed anew, so that what vanished is known to be gone', async () => {
    const { clock, api, mirror, stop } = startReflector(['a', 'b']);
    await settle();
    const copy = [...api.objects.values()].filter(({ name }) => name === 'a');
    const { version } = api;
    for (const name of ['c', 'd', 'e']) api.put(name);
    await settle();
    api.restore(copy, version - 1);
    await clock.advance(1_000);
    expect(mirror.told.at(-1)).toBe('replace 1');
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('and that is edited then: the edit is not lost', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    for (let round = 0; round < 10; round += 1) api.put('b');
    await settle();
    api.restore([{ name: 'a', version: 90 }], 90);
    await clock.advance(1_000);
    api.put('a');
    await settle();
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('has a version with fewer digits, too', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    api.restore([], 99);
    await clock.advance(1_000);
    expect(mirror.known).toEqual(api.objects);
    await stop();
  });

  test('a server that goes on is asked for its version before each watch but the one after a list, and not listed', async () => {
    const { clock, api, stop } = startReflector(['a']);
    await settle();
    expect(api.newestAsked).toBe(0);
    api.cut('end');
    await clock.advance(10_000);
    expect([api.newestAsked, api.listedMs.length]).toEqual([1, 1]);
    await stop();
  });

  test('a server that does not tell its version is not watched before it does', async () => {
    const { clock, api, mirror, stop } = startReflector(['a']);
    await settle();
    api.listIsBroken = true;
    api.cut('end');
    await clock.advance(10_000);
    expect([api.watchedFrom.length, new Set(mirror.failures)]).toEqual([1, new Set(['watch'])]);
    api.listIsBroken = false;
    await clock.advance(10_000);
    expect(api.watchedFrom).toHaveLength(2);
    await stop();
  });
});

test('every answer and every event is a contact', async () => {
  const { api, mirror, stop } = startReflector(['a']);
  await settle();
  expect(mirror.contacts).toBe(1);
  api.put('b');
  api.bookmark();
  await settle();
  expect(mirror.contacts).toBe(3);
  await stop();
});

describe('an abort ends the reflector', () => {
  test('during a watch, and is no failure', async () => {
    const { mirror, stop } = startReflector(['a']);
    await settle();
    await stop();
    expect(mirror.failures).toEqual([]);
  });

  test('during the pause after a failure', async () => {
    const { api, stop } = startReflector(['a'], (model) => {
      model.listIsBroken = true;
    });
    await settle();
    await stop();
    expect(api.watchedFrom).toEqual([]);
  });

  test('before it has begun', async () => {
    const { api, mirror, stop } = startReflector(['a']);
    await stop();
    expect([api.watchedFrom, mirror.failures]).toEqual([[], []]);
  });
});
