import { describe, expect, test } from '@jest/globals';
import { teardownOf } from '../../core/teardown.ts';
import { EMPTY_CONFIG } from '../wgquick/config.ts';
import { documentText, interfaceOf, parseDocument } from '../wgquick/document.ts';
import { render } from '../wgquick/render.ts';
import { intentProblems } from './check.ts';
import { compile } from './compile.ts';
import { hookLinesOf, UNLOAD_LINE, withIntentLines } from './hook-lines.ts';
import type { Intent } from './intent.ts';

const nat: Intent = { name: 'nat', type: 'Masquerade', masquerade: { outInterface: 'eth0' } };
const route = (name: string, source: string, table = 77): Intent => ({
  name,
  type: 'PolicyRoute',
  policyRoute: { sources: [source], table },
});

describe('H8 the lines that intents stand for', () => {
  test('two intents that need the same route have it once: the second one would fail at boot', () => {
    const { postUp } = hookLinesOf([route('a', '10.1.0.0/24'), route('b', '10.2.0.0/24')]);
    expect(postUp.filter((line) => line.includes('default dev'))).toHaveLength(1);
  });

  test.each([
    ['the table of the interface', { table: '77' }],
    ['that of its default route', { fwMark: 77 }],
  ])('a PolicyRoute of %s is refused', (_what, change) => {
    const related = { ...EMPTY_CONFIG, ...change, invalid: [] };
    expect(intentProblems([route('a', '10.1.0.0/24')], related)).toMatchObject([
      { index: 0, message: expect.stringContaining('of the interface itself') },
    ]);
  });

  test('a set-up that fails behind them is taken back by its own pairs', () => {
    const config = { ...EMPTY_CONFIG, firewall: [nat], postUp: ['a up', 'b up'], postDown: ['a down', 'b down'] };
    const runs = withIntentLines(config).postUp.map(
      (command, line) => ({ list: 'postUp', line, command, outcome: 'done' }) as const,
    );
    expect(teardownOf(config, runs)).toEqual(['b down', 'a down', UNLOAD_LINE]);
  });

  test.each(['#wgnode:firewall=', '  #wgnode:firewall = '])('a comment that an editor has moved is read: %s', (key) => {
    const text = render(parseDocument('[Interface]\n'), { ...EMPTY_CONFIG, firewall: [nat] }).replace(
      '#wgnode:firewall = ',
      key,
    );
    expect(interfaceOf(parseDocument(text)).firewall).toEqual([nat]);
    expect(documentText(parseDocument(text))).toBe(text);
  });

  test('a kill switch of a file without port and mark lets nothing through that it cannot tell', () => {
    const text = compile({ ...EMPTY_CONFIG, firewall: [{ name: 'k', type: 'KillSwitch' }] }, 'wg0')?.text;
    expect(text).not.toContain('null');
  });
});
