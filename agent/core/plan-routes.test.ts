import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aCurrent, aDevice, aPeer } from '../../test/fixtures/device.ts';
import { CONNECTED, EXIT, EXIT_ROUTING, type PlanRow, planOf } from '../../test/fixtures/plan-row.ts';
import type { Route } from './device.ts';
import { liveSteps } from './plan.ts';

describe('routes of the allowed IPs', () => {
  const peers = [
    aPeer({ allowedIps: [cidr('10.8.0.0/16'), cidr('10.8.1.0/24'), cidr('fd08::/64'), cidr('10.7.0.2/32')] }),
  ];

  test.each<PlanRow>([
    {
      name: 'missing ones are added, most specific first',
      device: { peers },
      expected: [
        'add-route {"destination":"10.8.1.0/24","table":"main"} (table)',
        'add-route {"destination":"10.8.0.0/16","table":"main"} (table)',
        'add-route {"destination":"fd08::/64","table":"main"} (table)',
      ],
    },
    {
      name: 'a wider one of this device is enough, as for wg-quick',
      device: {
        peers,
        routes: [
          ...CONNECTED,
          { destination: cidr('10.0.0.0/8'), table: 'main' },
          { destination: cidr('fd08::/64'), table: 'main' },
        ],
      },
      expected: [],
    },
    {
      name: 'the connected route of an address comes back, and is then enough',
      device: { routes: [] },
      expected: ['add-route {"destination":"10.7.0.0/24","table":"main"} (table)'],
    },
    {
      name: 'the connected route of an address comes back with Table = off too',
      running: { table: 'off' },
      device: { routes: [] },
      expected: ['add-route {"destination":"10.7.0.0/24","table":"main"} (table)'],
    },
    {
      name: 'the connected route that the ledger of an older agent does not tell of comes back',
      device: { routes: [] },
      baseline: { routes: [] },
      expected: ['add-route {"destination":"10.7.0.0/24","table":"main"} (table)'],
    },
    {
      name: 'the connected route that a hook removed as the device came up stays away',
      device: { routes: [] },
      baseline: { routes: [], bare: [cidr('10.7.0.0/24')] },
      expected: [],
    },
    {
      name: 'and does not come with an address beside it, or with its own address again',
      device: { routes: [], addresses: [] },
      baseline: { routes: [], bare: [cidr('10.7.0.0/24')] },
      wanted: { addresses: [cidr('10.7.0.1/24'), cidr('10.7.0.2/24')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.1/24 noprefixroute (addresses)',
        'add-address 10.7.0.2/24 noprefixroute (addresses)',
      ],
    },
    {
      name: 'connected routes come back by themselves with the link',
      device: { routes: [], linkUp: false },
      expected: ['link-up (state)'],
    },
    {
      name: 'the connected route of an address that is added is enough',
      device: { routes: [], addresses: [] },
      expected: ['add-address 10.7.0.1/24 (addresses)'],
    },
    {
      name: 'an address whose network begins with 0 has no connected route, and is no default route',
      running: { addresses: [cidr('10.7.0.1/0')] },
      device: { addresses: [cidr('10.7.0.1/0')], routes: [], peers: [] },
      expected: [],
    },
    {
      name: 'an address of its own has no connected route',
      running: { addresses: [cidr('10.7.0.1/32')] },
      device: { addresses: [cidr('10.7.0.1/32')], routes: [], peers: [] },
      expected: [],
    },
    {
      name: 'one that two peers name is added once',
      device: {
        peers: [
          aPeer({ allowedIps: [cidr('10.8.0.0/16')] }),
          aPeer({ publicKey: 'b=', allowedIps: [cidr('10.8.0.0/16')] }),
        ],
      },
      expected: ['add-route {"destination":"10.8.0.0/16","table":"main"} (table)'],
    },
    {
      name: 'a default route has rules of its own, and no route in the main table',
      device: { peers: EXIT, fwMark: 51_820, routing: EXIT_ROUTING },
      expected: [],
    },
    {
      name: 'case M8: its rules are put back where they are gone',
      device: { peers: EXIT, fwMark: 51_820, routing: EXIT_ROUTING.filter((part) => part !== '-6 rule') },
      expected: ['restore-routing ["-6"] 51820 [] (table)'],
    },
    {
      name: 'case M8: so are its firewall rows where they were there when it came up',
      device: { peers: EXIT, fwMark: 51_820, routing: EXIT_ROUTING.filter((part) => !part.endsWith('firewall')) },
      baseline: { peers: EXIT, fwMark: 51_820, routing: EXIT_ROUTING },
      expected: ['restore-routing ["-4","-6"] 51820 [] (table)'],
    },
    {
      name: 'case M8: with the mark, where somebody took it',
      device: { peers: EXIT, fwMark: null, routing: [] },
      baseline: { peers: EXIT, fwMark: 51_830, routing: EXIT_ROUTING },
      expected: ['restore-routing ["-4","-6"] 51830 [] (table)'],
    },
    {
      name: 'what a hook took at the start is not put back',
      device: { peers: EXIT, fwMark: 51_820, routing: [] },
      baseline: { peers: EXIT, fwMark: 51_820, routing: [] },
      expected: [],
    },
    {
      name: 'one that came into file and kernel since lacks what an up would make of it',
      device: { peers: EXIT },
      baseline: {},
      fileIps: [cidr('0.0.0.0/0')],
      expected: ['restore-routing ["-4"] null [] (table)'],
    },
    {
      name: 'one that came into the file alone would lead nowhere',
      device: {},
      baseline: {},
      fileIps: [cidr('0.0.0.0/0')],
      expected: [],
    },
    {
      name: 'nor is anything made for the file of a tunnel of somebody else, where no peer has it',
      device: {},
      fileIps: [cidr('0.0.0.0/0')],
      expected: [],
    },
    {
      name: 'one that came since into a table of its own is a route like others',
      running: { table: '77' },
      device: { peers: EXIT },
      baseline: {},
      fileIps: [cidr('0.0.0.0/0')],
      expected: ['add-route {"destination":"0.0.0.0/0","table":"77"} (table)'],
    },
    {
      name: 'an address that comes is a row of its firewall, too',
      device: { peers: EXIT, fwMark: 51_820, routing: EXIT_ROUTING },
      wanted: { addresses: [cidr('10.7.0.1/24'), cidr('10.7.9.1/32')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.9.1/32 (addresses)',
        'restore-routing ["-4","-6"] 51820 [] (table)',
      ],
    },
    {
      name: 'the halves of a default route are routes like others',
      device: { peers: [aPeer({ allowedIps: [cidr('0.0.0.0/1')] })] },
      expected: ['add-route {"destination":"0.0.0.0/1","table":"main"} (table)'],
    },
    { name: 'none with Table = off', running: { table: 'off' }, device: { peers: [...peers, ...EXIT] }, expected: [] },
    {
      name: 'all of them, a default route too, in a numbered table',
      running: { table: '123' },
      device: { peers: [aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('0.0.0.0/0')] })] },
      expected: [
        'add-route {"destination":"10.7.0.2/32","table":"123"} (table)',
        'add-route {"destination":"0.0.0.0/0","table":"123"} (table)',
      ],
    },
    {
      name: 'those of a numbered table must be there as they are',
      running: { table: '123' },
      device: {
        peers: [aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('10.8.0.0/16')] })],
        routes: [
          { destination: cidr('10.7.0.2/32'), table: '123' },
          { destination: cidr('10.8.0.0/16'), table: 'main' },
        ],
      },
      expected: ['add-route {"destination":"10.8.0.0/16","table":"123"} (table)'],
    },
    {
      name: 'one that a hook made comes back with all that it said, and after the way to its gateway',
      device: { routes: [] },
      baseline: {
        routes: [
          ...CONNECTED,
          { destination: cidr('10.9.0.0/24'), table: 'main', attributes: 'via 10.7.0.2 metric 50 onlink' },
          { destination: cidr('10.10.0.0/16'), table: 'main', attributes: 'src 10.7.0.1' },
        ],
      },
      expected: [
        'add-route {"destination":"10.7.0.0/24","table":"main"} (table)',
        'add-route {"destination":"10.10.0.0/16","table":"main","attributes":"src 10.7.0.1"} (table)',
        'add-route {"destination":"10.9.0.0/24","table":"main","attributes":"via 10.7.0.2 metric 50 onlink"} (table)',
      ],
    },
    {
      name: 'one that nobody asks for stays',
      device: { routes: [...CONNECTED, { destination: cidr('172.16.0.0/12'), table: 'main' }] },
      expected: [],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

describe('routes of a device that we brought up', () => {
  const peers = [aPeer({ allowedIps: [cidr('10.8.0.0/24')] })];
  const route = (destination: string, table = 'main'): Route => ({ destination: cidr(destination), table });

  test.each<PlanRow>([
    {
      name: 'case H7: a peer that a hook added gets none',
      device: { peers, routes: CONNECTED },
      baseline: { peers, routes: CONNECTED },
      expected: [],
    },
    {
      name: 'a route that was there comes back, also that of a hook',
      device: { peers, routes: CONNECTED },
      baseline: { peers, routes: [...CONNECTED, route('10.96.0.0/16')] },
      expected: ['add-route {"destination":"10.96.0.0/16","table":"main"} (table)'],
    },
    {
      name: 'a network that a peer got in the file and in the kernel since has the route that an up would make',
      device: { peers, routes: CONNECTED },
      baseline: { peers, routes: CONNECTED },
      fileIps: [cidr('10.8.0.0/24')],
      expected: ['add-route {"destination":"10.8.0.0/24","table":"main"} (table)'],
    },
    {
      name: 'a network of a peer that only the file has gets none yet',
      device: { peers: [], routes: CONNECTED },
      baseline: { peers: [], routes: CONNECTED },
      fileIps: [cidr('10.8.0.0/24')],
      expected: [],
    },
    {
      name: 'the route of a peer that went from file and kernel does not come back',
      device: { peers: [], routes: CONNECTED },
      baseline: { peers, routes: [...CONNECTED, route('10.8.0.0/24')] },
      goneIps: [cidr('10.8.0.0/24')],
      expected: [],
    },
    {
      name: 'case H34: a peer that lay in the network of an address that goes gets the route that an up would make',
      device: { routes: CONNECTED, peers: [aPeer({ allowedIps: [cidr('10.7.0.2/32'), cidr('10.8.0.0/24')] })] },
      baseline: { routes: CONNECTED },
      wanted: { addresses: [cidr('10.7.0.1/32')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.1/32 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
        'add-route {"destination":"10.7.0.2/32","table":"main"} (table)',
      ],
    },
    {
      name: 'case H34: and none where the new network holds it, too',
      device: { routes: CONNECTED },
      baseline: { routes: CONNECTED },
      wanted: { addresses: [cidr('10.7.0.1/16')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.1/16 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
      ],
    },
    {
      name: 'case H35: rules of a default route that no peer has any more are not put back',
      device: { peers, routes: [...CONNECTED, route('10.8.0.0/24')], routing: [] },
      baseline: { peers: EXIT, routes: [...CONNECTED, route('10.8.0.0/24')], fwMark: 51_820, routing: EXIT_ROUTING },
      expected: [],
    },
    {
      name: 'one that came with an address goes with it',
      device: { addresses: [cidr('10.7.0.1/24'), cidr('10.5.0.1/24')], routes: [...CONNECTED, route('10.5.0.0/24')] },
      running: { addresses: [cidr('10.7.0.1/24'), cidr('10.5.0.1/24')] },
      baseline: { addresses: [cidr('10.7.0.1/24'), cidr('10.5.0.1/24')], routes: [...CONNECTED, route('10.5.0.0/24')] },
      wanted: { addresses: [cidr('10.7.0.1/24')] },
      expected: ['write-file (addresses)', 'remove-address 10.5.0.1/24 (addresses)'],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

test('no route is added where the table is none: it could be the wrong one', () => {
  const config = aConfig({ invalid: { table: ['a b'] } });
  const device = aDevice({ routes: [] });
  expect(liveSteps(aCurrent({ running: config, device }), { config, state: 'up' })).toEqual([]);
});
