import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RUNS } from '../../test/fixtures/arbitraries.ts';
import { isInterfaceName } from './interface-name.ts';

describe('N7: names', () => {
  test.each(['wg0', 'a', '0', 'WG_0.x-y', 'a'.repeat(15), 'ALL', 'helper', 'wg.conf'])('%j can be managed', (name) => {
    expect(isInterfaceName(name)).toBe(true);
  });

  test.each([
    '',
    '.',
    '..',
    '.wg0',
    '-h',
    '--help',
    '_wg0',
    'all',
    'default',
    'interfaces',
    'help',
    'wg+',
    'wg=0',
    'wg 0',
    'wg/0',
    '../wg0',
    '$(id)',
    'wg0\n',
    '\nwg0',
    'wg0\0',
    'wg:0',
    'wgü',
    'a'.repeat(16),
  ])('%j is refused', (name) => {
    expect(isInterfaceName(name)).toBe(false);
  });

  test('a name is always safe as a file name and as an argument', () => {
    const characters = fc.constantFrom('a', 'Z', '0', '_', '.', '-', '+', '=', '/', '%', '$', ' ', '\n', '\0');
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 17 }), (name) => {
        if (!isInterfaceName(name)) return;
        expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,15}$/);
        expect(name).not.toMatch(/^[-.]/);
      }),
      { numRuns: 5 * RUNS.numRuns },
    );
  });
});
