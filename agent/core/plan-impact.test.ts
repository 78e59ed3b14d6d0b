import { describe, expect, test } from '@jest/globals';
import { impactOf, type Step, stepsAbove } from './plan.ts';

describe('what a plan does to running traffic', () => {
  const steps: Step[] = [
    { action: 'set-mtu', mtu: 1400, path: 'spec.interface.mtu', impact: 'None' },
    { action: 'set-listen-port', port: 5, path: 'spec.interface.listenPort', impact: 'Rehandshake' },
    { action: 'restart', path: 'spec.interface.table', impact: 'Restart' },
  ];

  test('is what its worst step does', () => {
    expect([[], steps.slice(0, 1), steps.slice(0, 2), steps].map(impactOf)).toEqual([
      'None',
      'None',
      'Rehandshake',
      'Restart',
    ]);
  });

  test.each([
    { limit: 'None', above: ['set-listen-port', 'restart'] },
    { limit: 'Rehandshake', above: ['restart'] },
    { limit: 'Restart', above: [] },
  ] as const)('is above $limit in $above', ({ limit, above }) => {
    expect(stepsAbove(steps, limit).map(({ action }) => action)).toEqual(above);
  });
});
