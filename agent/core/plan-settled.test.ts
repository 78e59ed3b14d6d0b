import { describe, expect, test } from '@jest/globals';
import { type PlanRow, planOf } from '../../test/fixtures/plan-row.ts';
import { InterfaceKey } from '../protocol/interface-key.ts';

const OTHER_KEY = InterfaceKey.fromPublic('other=');

describe('case H7: what a hook made of the device when it came up is right', () => {
  test.each<PlanRow>([
    {
      name: 'an MTU that is not the one in the file',
      device: { mtu: 1300 },
      baseline: { mtu: 1300 },
      expected: [],
    },
    {
      name: 'but not what somebody changed later',
      device: { mtu: 1280 },
      baseline: { mtu: 1300 },
      expected: ['set-mtu 1400 (mtu)'],
    },
    {
      name: 'nor when another value is asked for',
      device: { mtu: 1300 },
      baseline: { mtu: 1300 },
      wanted: { mtu: 1380 },
      expected: ['write-file (mtu)', 'set-mtu 1380 (mtu)'],
    },
    {
      name: 'a key that it set',
      device: { key: OTHER_KEY },
      baseline: { key: OTHER_KEY },
      expected: [],
    },
    {
      name: 'an address that it took away',
      device: { addresses: [] },
      baseline: { addresses: [] },
      expected: [],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});
