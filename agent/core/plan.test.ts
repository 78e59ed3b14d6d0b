import { describe, expect, test } from '@jest/globals';
import { InterfaceKey } from '../protocol/interface-key.ts';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aConfig, aDevice, aCurrent } from '../../test/fixtures/device.ts';
import { CONNECTED, EXIT, EXIT_ROUTING, line, type PlanRow, planOf } from '../../test/fixtures/plan-row.ts';
import { isDisruptive, liveSteps, plan, type Step } from './plan.ts';

const NO_HOOKS = { removed: [], added: [], newTeardown: [] };
const OTHER_KEY = InterfaceKey.fromPublic('other=');

describe('a running interface', () => {
  test.each<PlanRow>([
    { name: 'nothing to do', expected: [] },
    { name: 'the MTU', wanted: { mtu: 1300 }, expected: ['write-file (mtu)', 'set-mtu 1300 (mtu)'] },
    {
      name: 'the MTU, no longer asked for, is chosen anew when it is ours',
      wanted: { mtu: null },
      expected: ['write-file (mtu)', 'set-mtu null (mtu)'],
    },
    {
      name: 'the MTU, no longer asked for, stays when somebody else has set it',
      device: { mtu: 1380 },
      wanted: { mtu: null },
      expected: ['write-file (mtu)'],
    },
    { name: 'an MTU that was never asked for stays', running: { mtu: null }, device: { mtu: 1380 }, expected: [] },
    {
      name: 'an address is added before the previous one goes',
      wanted: { addresses: [cidr('10.7.0.9/24')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.9/24 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
      ],
    },
    {
      name: 'a new prefix length is a new address',
      wanted: { addresses: [cidr('10.7.0.1/16')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.1/16 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
      ],
    },
    {
      name: 'T2: the order of addresses is no change',
      running: { addresses: [cidr('10.7.0.1/24'), cidr('fd07::1/64')] },
      device: {
        addresses: [cidr('fd07::1/64'), cidr('10.7.0.1/24')],
        routes: [...CONNECTED, { destination: cidr('fd07::/64'), table: 'main' }],
      },
      wanted: { addresses: [cidr('fd07::1/64'), cidr('10.7.0.1/24')] },
      expected: [],
    },
    {
      name: 'an address that we did not put there is never removed',
      device: { addresses: [cidr('10.7.0.1/24'), cidr('10.99.0.1/32')] },
      wanted: { addresses: [cidr('10.7.0.9/24')] },
      expected: [
        'write-file (addresses)',
        'add-address 10.7.0.9/24 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
      ],
    },
    { name: 'a lost address comes back', device: { addresses: [] }, expected: ['add-address 10.7.0.1/24 (addresses)'] },
    {
      name: 'the port',
      wanted: { listenPort: 5 },
      expected: ['write-file (listenPort)', 'set-listen-port 5 (listenPort, Rehandshake)'],
    },
    {
      name: 'a port, no longer asked for, stays as it is',
      wanted: { listenPort: null },
      expected: ['write-file (listenPort)'],
    },
    {
      name: 'a lost port comes back',
      device: { listenPort: 0 },
      expected: ['set-listen-port 51820 (listenPort, Rehandshake)'],
    },
    {
      name: 'a key of which only the kernel has another',
      device: { key: OTHER_KEY },
      expected: ['set-private-key (privateKeySecretRef, Rehandshake)'],
    },
    { name: 'a mark', wanted: { fwMark: 16 }, expected: ['write-file (fwMark)', 'set-fwmark 16 (fwMark)'] },
    {
      name: 'a mark of ours is cleared',
      running: { fwMark: 16 },
      device: { fwMark: 16 },
      wanted: { fwMark: null },
      expected: ['write-file (fwMark)', 'set-fwmark null (fwMark)'],
    },
    {
      name: 'a mark of somebody else stays when ours is no longer asked for',
      running: { fwMark: 16 },
      device: { fwMark: 17 },
      wanted: { fwMark: null },
      expected: ['write-file (fwMark)'],
    },
    {
      name: 'the automatic mark of a default route is not touched',
      device: { fwMark: 51820, peers: EXIT, routing: EXIT_ROUTING },
      expected: [],
    },
    { name: 'a link that is down goes up', device: { linkUp: false }, expected: ['link-up (state)'] },
    {
      name: 'everything live in one go, in order',
      device: { linkUp: false, key: OTHER_KEY },
      wanted: { listenPort: 5, fwMark: 16, mtu: 1300, addresses: [cidr('fd07::1/64')], dns: ['192.0.2.53'] },
      expected: [
        'write-file (listenPort)',
        'set-private-key (privateKeySecretRef, Rehandshake)',
        'set-listen-port 5 (listenPort, Rehandshake)',
        'set-fwmark 16 (fwMark)',
        'set-mtu 1300 (mtu)',
        'link-up (state)',
        'add-address fd07::1/64 (addresses)',
        'remove-address 10.7.0.1/24 (addresses)',
        'add-route {"destination":"10.7.0.2/32","table":"main"} (table)',
        'set-dns (dns)',
      ],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

describe('what cannot be done live is one restart', () => {
  test.each<PlanRow>([
    {
      name: 'another table',
      wanted: { table: '123', mtu: 1300, dns: ['192.0.2.53'], postUp: ['a'] },
      expected: ['write-file (mtu)', 'restart (table, Restart)'],
    },
    {
      name: 'a mark, when a default route is routed by it',
      device: { peers: EXIT },
      wanted: { fwMark: 16 },
      expected: ['write-file (fwMark)', 'restart (fwMark, Restart)'],
    },
    {
      name: 'no mark any more, when a default route is routed by it',
      running: { fwMark: 16 },
      device: { peers: EXIT, fwMark: 16 },
      wanted: { fwMark: null },
      expected: ['write-file (fwMark)', 'restart (fwMark, Restart)'],
    },
    {
      name: 'but not a mark with a default route in a table of its own',
      running: { table: 'off' },
      device: { peers: EXIT },
      wanted: { fwMark: 16 },
      expected: ['write-file (fwMark)', 'set-fwmark 16 (fwMark)'],
    },
    {
      name: 'nor an MTU with a default route',
      device: { peers: EXIT, fwMark: 51820, routing: EXIT_ROUTING },
      wanted: { mtu: 1300 },
      expected: ['write-file (mtu)', 'set-mtu 1300 (mtu)'],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

describe('hooks and DNS', () => {
  test.each<PlanRow>([
    {
      name: 'a new PostUp runs',
      wanted: { postUp: ['a'] },
      expected: [
        'write-file (postUp)',
        'run-hooks {"removed":[],"added":[{"command":"a","inverse":[]}],"newTeardown":[]} (postUp)',
      ],
    },
    {
      name: 'PreUp and PostUp are one run',
      wanted: { preUp: ['a'], postUp: ['b'] },
      expected: [
        'write-file (preUp)',
        'run-hooks {"removed":[],"added":[{"command":"a","inverse":[]},{"command":"b","inverse":[]}],"newTeardown":[]} (preUp)',
      ],
    },
    {
      name: 'a line that goes and that nothing takes back is a restart',
      running: { postUp: ['a', 'b'], preDown: ['d'] },
      wanted: { postUp: ['a'] },
      expected: ['write-file (postUp)', 'restart (postUp, Restart)'],
    },
    {
      name: 'new down hooks alone are stored and run nothing',
      running: { postUp: ['a'] },
      wanted: { preDown: ['b'], postDown: ['c'] },
      expected: ['write-file (preDown)'],
    },
    {
      name: 'T2: two rules and the same two joined are no change',
      running: { postUp: ['a', 'b'] },
      wanted: { postUp: ['a; b'] },
      expected: [],
    },
    {
      name: 'a server that is none reached the resolver when it came up, and is taken away',
      running: { dns: ['192.0.2.53'], invalid: { dns: ['1.1.1'] } },
      wanted: { invalid: {} },
      expected: ['write-file (dns)', 'set-dns (dns)'],
    },
    {
      name: 'a table that is none is replaced by a restart',
      running: { invalid: { table: ['a b'] } },
      wanted: { invalid: {} },
      expected: ['write-file (table)', 'restart (table, Restart)'],
    },
    { name: 'a new server', wanted: { dns: ['192.0.2.53'] }, expected: ['write-file (dns)', 'set-dns (dns)'] },
    {
      name: 'no server any more',
      running: { dns: ['192.0.2.53'] },
      wanted: { dns: [] },
      expected: ['write-file (dns)', 'set-dns (dns)'],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

describe('up and down', () => {
  test.each<PlanRow>([
    { name: 'from down to up', device: null, expected: ['up (state)'] },
    { name: 'from up to down', state: 'down', expected: ['down (state, Restart)'] },
    { name: 'down stays down', device: null, state: 'down', expected: [] },
    {
      name: 'a change while it is down is only written',
      device: null,
      state: 'down',
      wanted: { mtu: 1300 },
      expected: ['write-file (mtu)'],
    },
    {
      name: 'a change on the way down',
      state: 'down',
      wanted: { table: 'off' },
      expected: ['write-file (table)', 'down (state, Restart)'],
    },
    {
      name: 'a change on the way up',
      device: null,
      wanted: { table: 'off' },
      expected: ['write-file (table)', 'up (state)'],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });

  test('a file that is missing is written', () => {
    const config = aConfig();
    const steps = plan(aCurrent({ file: null, running: config, device: aDevice() }), { config, state: 'up' });
    expect(steps.map(line)).toEqual(['write-file (name)']);
  });
});

describe('I2: an undo takes back what the attempt put on the device', () => {
  const attempted = { addresses: [cidr('10.7.0.9/24')], fwMark: 16, mtu: 1300 };
  const device = { addresses: [cidr('10.7.0.1/24'), cidr('10.7.0.9/24')], fwMark: 16, mtu: 1300 };

  test.each<PlanRow>([
    {
      name: 'and only with the attempt known',
      running: { mtu: null },
      attempted,
      device,
      expected: ['set-fwmark null (fwMark)', 'set-mtu null (mtu)', 'remove-address 10.7.0.9/24 (addresses)'],
    },
    { name: 'without it all of that belongs to somebody else', running: { mtu: null }, device, expected: [] },
    {
      name: 'what both have stays',
      attempted: { addresses: [cidr('10.7.0.1/24'), cidr('10.7.0.9/24')] },
      device: { addresses: [cidr('10.7.0.1/24'), cidr('10.7.0.9/24')] },
      expected: ['remove-address 10.7.0.9/24 (addresses)'],
    },
  ])('$name', (row) => {
    expect(planOf(row)).toEqual(row.expected);
  });
});

test('I2: an undo that asks for the automatic mark that a default route has does not restart the tunnel', () => {
  const running = aConfig();
  const device = aDevice({ peers: EXIT, fwMark: 51_820, mtu: 1300, routing: EXIT_ROUTING });
  const current = aCurrent({ running, attempted: aConfig({ mtu: 1300 }), device });
  const previous = { config: { ...running, fwMark: 51_820 }, state: 'up' as const };
  expect(liveSteps(current, previous).map(line)).toEqual(['set-mtu 1400 (mtu)']);
});

test('the live part of a plan is the plan without the file', () => {
  const [file, device] = [aConfig(), aDevice()];
  const current = aCurrent({ running: file, device });
  const wanted = { config: aConfig({ mtu: 1300 }), state: 'up' as const };
  expect(liveSteps(current, wanted)).toEqual(plan(current, wanted).filter((step) => step.action !== 'write-file'));
});

test.each<{ step: Step; disruptive: boolean }>([
  { step: { action: 'up', path: '', impact: 'None' }, disruptive: true },
  { step: { action: 'down', path: '', impact: 'Restart' }, disruptive: true },
  { step: { action: 'restart', path: '', impact: 'Restart' }, disruptive: true },
  { step: { action: 'run-hooks', hooks: NO_HOOKS, path: '', impact: 'None' }, disruptive: true },
  { step: { action: 'write-file', path: '', impact: 'None' }, disruptive: false },
  { step: { action: 'set-listen-port', port: 1, path: '', impact: 'Rehandshake' }, disruptive: false },
])('whether $step.action is disruptive is $disruptive', ({ step, disruptive }) => {
  expect(isDisruptive(step)).toBe(disruptive);
});
