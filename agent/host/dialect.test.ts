import { expect, test } from '@jest/globals';
import { dialectOf } from './dialect.ts';

const OLDEST = { preUpAfterLink: false, cutsHooks: true, mtuOf: 'largest', load: 'setconf' };

test.each([
  { version: 'wireguard-tools v1.0.20210914 - https://git.zx2c4.com/wireguard-tools/', expected: OLDEST },
  { version: 'wireguard-tools v1.0.20250521 - x', expected: { ...OLDEST, preUpAfterLink: true } },
  {
    version: 'wireguard-tools v1.0.20260223 - x',
    expected: { preUpAfterLink: true, cutsHooks: false, mtuOf: 'smallest', load: 'addconf' },
  },
  { version: 'something else', expected: OLDEST },
])('$version', ({ version, expected }) => {
  expect(dialectOf(version)).toEqual(expected);
});
