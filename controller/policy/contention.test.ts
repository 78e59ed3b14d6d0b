import { describe, expect, test } from '@jest/globals';
import { contendedPath, type Correction, withCorrections } from './contention.ts';

const MINUTE_MS = 60_000;
const MTU = 'spec.interface.mtu';
const PORT = 'spec.interface.listenPort';

/** A history of corrections of one path at these minutes. */
const history = (path: string, ...minutes: number[]): Correction[] =>
  minutes.map((minute) => ({ path, atMs: minute * MINUTE_MS }));

describe('contendedPath', () => {
  test.each([
    { name: 'a path that was never corrected is not contended', past: [], atMinute: 0, expected: undefined },
    { name: 'four corrections are not contended', past: history(MTU, 0, 1, 2, 3), atMinute: 4, expected: undefined },
    { name: 'five in ten minutes are', past: history(MTU, 0, 1, 2, 3, 4), atMinute: 5, expected: MTU },
    {
      name: 'five are until the first is ten minutes old',
      past: history(MTU, 0, 1, 2, 3, 4),
      atMinute: 9.99,
      expected: MTU,
    },
    { name: 'and no longer from then on', past: history(MTU, 0, 1, 2, 3, 4), atMinute: 10, expected: undefined },
    {
      name: 'five of two paths together are not',
      past: [...history(MTU, 0, 1, 2), ...history(PORT, 3, 4)],
      atMinute: 5,
      expected: undefined,
    },
  ])('$name', ({ past, atMinute, expected }) => {
    expect(contendedPath(past, [PORT, MTU], atMinute * MINUTE_MS)).toBe(expected);
  });

  test('a path that does not differ now is not contended', () => {
    expect(contendedPath(history(MTU, 0, 1, 2, 3, 4), [PORT], 5 * MINUTE_MS)).toBeUndefined();
  });
});

describe('withCorrections', () => {
  test('adds one correction for each path', () => {
    expect(withCorrections([], [MTU, PORT], MINUTE_MS)).toEqual([...history(MTU, 1), ...history(PORT, 1)]);
  });

  test('drops what is ten minutes old, so that the history stays short', () => {
    expect(withCorrections(history(MTU, 0, 1, 2), [PORT], 11 * MINUTE_MS)).toEqual([
      ...history(MTU, 2),
      ...history(PORT, 11),
    ]);
  });

  test('a correction every three minutes is never contended, one every two minutes is at the sixth', () => {
    const contendedAt = (everyMinutes: number): number | undefined => {
      let past: Correction[] = [];
      for (let minute = 0; minute < 100; minute += everyMinutes) {
        if (contendedPath(past, [MTU], minute * MINUTE_MS) !== undefined) return minute / everyMinutes + 1;
        past = withCorrections(past, [MTU], minute * MINUTE_MS);
      }
      return undefined;
    };
    expect([contendedAt(3), contendedAt(1.9)]).toEqual([undefined, 6]);
  });
});
