import { describe, expect, test } from '@jest/globals';
import { parseRules, placesFor, type PolicyRule, rulesOf, type RulePlace } from './default-routing.ts';

const main = (priority: number): PolicyRule => ({ priority, table: '254', notMark: null, suppressesDefault: true });
const tunnel = (priority: number, mark: number): PolicyRule => ({
  priority,
  table: String(mark),
  notMark: mark,
  suppressesDefault: false,
});
const other: PolicyRule = { priority: 100, table: '7', notMark: null, suppressesDefault: false };

describe('rules of ip(8)', () => {
  test('are those that wg-quick makes', () => {
    const text =
      '[{"priority":0,"src":"all","table":"255"},{"priority":32764,"src":"all","table":"254","suppress_prefixlen":0},' +
      '{"priority":32765,"not":null,"src":"all","fwmark":"0xca6c","table":"51820"}]';
    expect(parseRules(JSON.parse(text) as unknown[])).toEqual([
      { priority: 0, table: '255', notMark: null, suppressesDefault: false },
      main(32_764),
      tunnel(32_765, 51_820),
    ]);
  });

  test('a mark with a mask is of somebody else', () => {
    const rule = { priority: 5, not: null, fwmark: '0x1', fwmask: '0xff', table: '1' };
    expect(parseRules([rule])[0]?.notMark).toBeNull();
  });
});

describe('the rules of one tunnel', () => {
  const two = [other, main(32_762), tunnel(32_763, 51_821), main(32_764), tunnel(32_765, 51_820)];

  test.each([
    { name: 'of two, each has the one before it', rules: two, mark: 51_820, rule: 32_765, mainRule: 32_764 },
    { name: 'the other of two', rules: two, mark: 51_821, rule: 32_763, mainRule: 32_762 },
    {
      name: 'where its main rule is gone, that of the other tunnel is not taken for it',
      rules: [main(32_762), tunnel(32_763, 51_821), tunnel(32_765, 51_820)],
      mark: 51_820,
      rule: 32_765,
      mainRule: undefined,
    },
    {
      name: 'where its own rule is gone, the main rule that nobody follows is its',
      rules: [main(32_762), tunnel(32_763, 51_821), main(32_764)],
      mark: 51_820,
      rule: undefined,
      mainRule: 32_764,
    },
    { name: 'in any order', rules: [...two].reverse(), mark: 51_820, rule: 32_765, mainRule: 32_764 },
    { name: 'none', rules: [other], mark: 51_820, rule: undefined, mainRule: undefined },
  ])('$name', ({ rules, mark, rule, mainRule }) => {
    const own = rulesOf(mark, rules);
    expect([own.rule?.priority, own.mainRule?.priority]).toEqual([rule, mainRule]);
  });
});

describe('the place of a rule that lacks', () => {
  const known: RulePlace = { family: '-4', rule: 32_765, mainRule: 32_763 };

  test.each([
    { name: 'with none left, where both were', rules: [], known, expected: { rule: 32_765, mainRule: 32_763 } },
    { name: 'with none left and none known, before all others', rules: [], expected: { rule: null, mainRule: null } },
    {
      name: 'of the main rule: where it was',
      rules: [tunnel(32_765, 51_820)],
      known,
      expected: { rule: 32_765, mainRule: 32_763 },
    },
    {
      name: 'of the main rule: right before the other',
      rules: [tunnel(32_765, 51_820)],
      expected: { rule: 32_765, mainRule: 32_764 },
    },
    { name: 'of its own rule: right behind the other', rules: [main(9)], expected: { rule: 10, mainRule: 9 } },
    {
      name: 'of its own rule: where it was, if that is still behind',
      rules: [main(9)],
      known,
      expected: { rule: 32_765, mainRule: 9 },
    },
    { name: 'nowhere, where no priority is left before the other', rules: [tunnel(1, 51_820)], expected: null },
    { name: 'nowhere, where it would come behind the main table', rules: [main(32_765)], expected: null },
  ])('$name', ({ rules, known: place, expected }) => {
    expect(placesFor(rulesOf(51_820, rules), place)).toEqual(expected);
  });
});
