import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import fc from 'fast-check';
import { arbitraryCidr, arbitraryConfig, RUNS } from '../../test/fixtures/arbitraries.ts';
import { aPeer, PEER_B, aCurrent } from '../../test/fixtures/device.ts';
import { type Cidr, coverage, isIpv6, networkOf } from '../protocol/address.ts';
import { compare, type DesiredInterface } from '../protocol/compare.ts';
import { InterfaceKey, NO_KEY } from '../protocol/interface-key.ts';
import type { InterfaceConfig } from '../protocol/wgquick/config.ts';
import { pathOf } from '../protocol/wgquick/fields.ts';
import { ANYWHERE, FAMILIES, ROUTING_PIECES, type RoutingPart } from './default-routing.ts';
import { driftOf } from './drift.ts';
import type { Device, Peer, Route } from './device.ts';
import { type Current, liveSteps, plan, type Step } from './plan.ts';

const routingFor = (ips: readonly Cidr[]): RoutingPart[] =>
  FAMILIES.filter((family) => ips.includes(ANYWHERE[family])).flatMap((family) =>
    ROUTING_PIECES.map((piece) => `${family} ${piece}` as const),
  );

const main = (destination: Cidr): Route => ({ destination, table: 'main' });

/** What wg-quick makes of a configuration, as far as planning sees it. */
function broughtUp(config: InterfaceConfig, peers: readonly Peer[]): Device {
  const ips = [...new Set(peers.flatMap((peer) => peer.allowedIps))];
  const isMarked = config.table === null && ips.some((ip) => ip.endsWith('/0'));
  const connected = config.addresses.map((address) => main(networkOf(address)));
  const inMain = ips.filter(
    (ip) => !ip.endsWith('/0') && !connected.some((route) => coverage([route.destination])(ip)),
  );
  const { table } = config;
  const routed =
    table === null ? inMain.map(main) : table === 'off' ? [] : ips.map((ip) => ({ destination: ip, table }));
  return {
    index: 7,
    key: config.privateKey,
    listenPort: config.listenPort ?? 40_000,
    fwMark: config.fwMark ?? (isMarked ? 51_820 : null),
    peers,
    addresses: config.addresses,
    mtu: config.mtu ?? 1420,
    linkUp: true,
    routes: [...connected, ...routed],
    routing: isMarked ? routingFor(ips) : [],
    rulePlaces: [],
  };
}

/** Removes an address as the kernel does: its connected route goes, and with the last IPv4 address all IPv4 routes. */
function withoutAddress(device: Device, address: Cidr): Device {
  const addresses = device.addresses.filter((other) => other !== address);
  const isLast4 = !isIpv6(address) && addresses.every(isIpv6);
  const isKept = ({ destination }: Route): boolean =>
    destination !== networkOf(address) && !(isLast4 && !isIpv6(destination));
  const back = addresses.map((other) => main(networkOf(other)));
  return { ...device, addresses, routes: [...device.routes.filter(isKept), ...back] };
}

const onDevice = (current: Current, change: (device: Device) => Device): Current =>
  current.device === null ? current : { ...current, device: change(current.device) };

/** The host after one step. */
function after(current: Current, step: Step, wanted: DesiredInterface): Current {
  const { config } = wanted;
  const peers = current.device?.peers ?? PEERS;
  switch (step.action) {
    case 'write-file':
      return { ...current, file: config };
    case 'up':
    case 'restart':
      return { ...current, running: config, device: broughtUp(config, peers) };
    case 'down':
      return { ...current, device: null };
    case 'set-firewall': {
      const { table } = step.firewall;
      const loaded = table === null ? null : { chains: new Map([[table.mark, 0]]), comments: table.counts };
      return {
        ...current,
        running: { ...current.running, firewall: config.firewall },
        table: { loaded, sidecar: table?.text ?? null },
      };
    }
    case 'restore-hooks':
      return { ...current, lost: [] };
    case 'run-hooks': {
      const { preUp, postUp, preDown, postDown } = config;
      return { ...current, running: { ...current.running, preUp, postUp, preDown, postDown } };
    }
    case 'set-dns':
      return { ...current, running: { ...current.running, dns: config.dns } };
    case 'set-private-key':
      return onDevice(current, (device) => ({
        ...device,
        key: config.privateKey === NO_KEY ? null : config.privateKey,
      }));
    case 'set-listen-port':
      return onDevice(current, (device) => ({ ...device, listenPort: step.port }));
    case 'set-fwmark':
      return onDevice(current, (device) => ({ ...device, fwMark: step.mark }));
    case 'set-mtu':
      return onDevice(current, (device) => ({ ...device, mtu: step.mtu ?? 1420 }));
    case 'link-up':
      return onDevice(current, (device) => ({ ...device, linkUp: true }));
    case 'add-address':
      return onDevice(current, (device) => ({
        ...device,
        addresses: [...device.addresses, step.address],
        routes: [...device.routes, main(networkOf(step.address))],
      }));
    case 'remove-address':
      return onDevice(current, (device) => withoutAddress(device, step.address));
    case 'add-route':
      return onDevice(current, (device) => ({ ...device, routes: [...device.routes, step.route] }));
    case 'restore-routing':
      return onDevice(current, (device) => ({
        ...device,
        fwMark: device.fwMark ?? step.mark ?? 51_820,
        routing: [
          ...new Set([
            ...device.routing,
            ...step.families.flatMap((family) => ROUTING_PIECES.map((piece) => `${family} ${piece}` as const)),
          ]),
        ],
      }));
  }
}

const run = (current: Current, steps: readonly Step[], wanted: DesiredInterface): Current =>
  steps.reduce((state, step) => after(state, step, wanted), current);

/** Runs the plan, then in up to three more rounds what the kernel dropped meanwhile. */
function applied(start: Current, wanted: DesiredInterface): Current {
  let current = run(start, plan(start, wanted), wanted);
  for (let round = 0; round < 3; round += 1) current = run(current, liveSteps(current, wanted), wanted);
  return wanted.state === 'up' ? { ...current, running: wanted.config } : current;
}

const PEERS: readonly Peer[] = [
  aPeer(),
  aPeer({ publicKey: PEER_B, allowedIps: [cidr('fd08::/64'), cidr('10.8.0.0/16')] }),
];

const ips = fc.oneof(
  arbitraryCidr.map(networkOf),
  fc.constantFrom(cidr('0.0.0.0/0'), cidr('::/0'), cidr('10.8.0.0/16'), cidr('10.8.1.0/24'), cidr('fd08::/64')),
);
const ipsOf = (peers: readonly Peer[]): Cidr[] => peers.flatMap(({ allowedIps }) => allowedIps);

const peers = fc.array(
  fc.uniqueArray(ips, { maxLength: 4 }).map((allowedIps) => aPeer({ allowedIps })),
  { maxLength: 3 },
);

/** What somebody else has done to the device since it came up. */
const interference = fc.record(
  {
    fwMark: fc.constantFrom(null, 7, 51_820),
    mtu: fc.constantFrom(1280, 1500),
    linkUp: fc.boolean(),
    listenPort: fc.constantFrom(0, 7),
    key: fc.constantFrom(null, InterfaceKey.fromPublic('foreign=')),
    routes: fc.constant([]),
    addresses: fc.uniqueArray(arbitraryCidr, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const device = (running: InterfaceConfig): fc.Arbitrary<Device | null> =>
  fc
    .tuple(peers, interference, fc.boolean())
    .map(([some, change, isUp]) => (isUp ? { ...broughtUp(running, some), ...change } : null));

const part = (base: InterfaceConfig): fc.Arbitrary<InterfaceConfig> =>
  fc
    .tuple(arbitraryConfig, fc.subarray(Object.keys(base) as (keyof InterfaceConfig)[]))
    .map(([other, names]) => ({ ...base, ...Object.fromEntries(names.map((name) => [name, other[name]])) }));

/** A host in any state, and what is wanted of it. */
const situation = arbitraryConfig.chain((running) =>
  fc.record({
    current: fc
      .tuple(fc.oneof(fc.constant(null), fc.constant(running), part(running)), device(running))
      .map(([file, device]) => aCurrent({ file, running, device, fileIps: ipsOf(device?.peers ?? PEERS) })),
    wanted: fc
      .tuple(fc.oneof(part(running), arbitraryConfig), fc.constantFrom('up' as const, 'up' as const, 'down' as const))
      .map(([config, state]): DesiredInterface => ({ config, state })),
  }),
);

test('T2: after the steps of a plan have run there is nothing left to do', () => {
  fc.assert(
    fc.property(situation, ({ current, wanted }) => {
      expect(plan(applied(current, wanted), wanted)).toEqual([]);
    }),
    RUNS,
  );
});

test('N24: after the steps of a plan have run there is no drift', () => {
  fc.assert(
    fc.property(situation, ({ current, wanted }) => {
      const end = applied(current, { ...wanted, state: 'up' });
      if (end.device === null) throw new Error('The interface must be up');
      expect(driftOf({ ...end, file: wanted.config })).toEqual([]);
    }),
    RUNS,
  );
});

test('T2: the plan and the comparison agree: what is not as desired has a step, and only routes have one beside that', () => {
  fc.assert(
    fc.property(situation, ({ current, wanted }) => {
      const differences = compare(wanted, { ...current, settled: [] });
      const steps = plan(current, wanted);
      if (differences.length > 0) expect(steps).not.toEqual([]);
      // A mark that nobody asks for any more may need a restart.
      else expect(steps.filter(({ action, path }) => action !== 'add-route' && path !== pathOf('fwMark'))).toEqual([]);
    }),
    RUNS,
  );
});

test('what is wanted is there: address by address, and every number that was asked for', () => {
  fc.assert(
    fc.property(situation, ({ current, wanted: { config } }) => {
      const end = applied(current, { config, state: 'up' }).device;
      expect(config.addresses.filter((address) => !end?.addresses.includes(address))).toEqual([]);
      expect(end?.key?.publicKey).toBe(config.privateKey?.publicKey);
      expect(end).toMatchObject({
        linkUp: true,
        ...(config.listenPort === null ? {} : { listenPort: config.listenPort }),
        ...(config.fwMark === null ? {} : { fwMark: config.fwMark }),
        ...(config.mtu === null ? {} : { mtu: config.mtu }),
      });
    }),
    RUNS,
  );
});

test('I1: no plan takes away an address that we did not put there, nor a peer', () => {
  fc.assert(
    fc.property(situation, ({ current, wanted }) => {
      const steps = plan(current, wanted);
      const removed = steps.flatMap((step) => (step.action === 'remove-address' ? [step.address] : []));
      expect(removed.filter((address) => !current.running.addresses.includes(address))).toEqual([]);
      const end = applied(current, { ...wanted, state: 'up' });
      expect(end.device?.peers).toEqual(current.device?.peers ?? PEERS);
    }),
    RUNS,
  );
});

test('I2: an undo of a half-run plan brings addresses, mark and MTU back', () => {
  const halfRun = fc.tuple(situation, fc.nat({ max: 12 })).filter(([{ current }]) => current.device !== null);
  fc.assert(
    fc.property(halfRun, ([{ current, wanted }, count]) => {
      const previous = current.device;
      if (previous === null) return;
      const steps = plan(current, { ...wanted, state: 'up' });
      const hasDefault = previous.peers.some((peer) => peer.allowedIps.some((ip) => ip.endsWith('/0')));
      // Hooks, restarts and the mark that routes everything cannot be taken back live.
      const isOneWay = ({ action }: Step): boolean =>
        action === 'restart' ||
        action === 'run-hooks' ||
        ((action === 'set-fwmark' || action === 'restore-routing') && hasDefault);
      if (steps.some(isOneWay)) return;
      const torn = run(current, steps.slice(0, count), wanted);
      const { listenPort, mtu, fwMark, addresses } = previous;
      const privateKey = previous.key ?? NO_KEY;
      const config = { ...current.running, privateKey, listenPort, mtu, fwMark, addresses };
      const back = applied({ ...torn, attempted: wanted.config }, { config, state: 'up' }).device;
      expect(back).toMatchObject({ listenPort, mtu, fwMark });
      expect(back?.key?.publicKey).toBe(previous.key?.publicKey);
      expect([...(back?.addresses ?? [])].sort()).toEqual([...addresses].sort());
    }),
    RUNS,
  );
});
