import { expect, test } from '@jest/globals';
import { highestImpact, type Impact, IMPACTS, isAbove } from './impact.ts';

test('impacts are ordered from least to most', () => {
  const above = IMPACTS.map((impact) => IMPACTS.filter((limit) => isAbove(impact, limit)));
  expect(above).toEqual([[], ['None'], ['None', 'Rehandshake']]);
});

test.each<{ impacts: Impact[]; highest: Impact }>([
  { impacts: [], highest: 'None' },
  { impacts: ['None', 'None'], highest: 'None' },
  { impacts: ['None', 'Rehandshake', 'None'], highest: 'Rehandshake' },
  { impacts: ['Restart', 'None', 'Rehandshake'], highest: 'Restart' },
])('the highest of $impacts is $highest', ({ impacts, highest }) => {
  expect(highestImpact(impacts)).toBe(highest);
});
