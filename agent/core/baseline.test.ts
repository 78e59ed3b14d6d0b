import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { aDevice } from '../../test/fixtures/device.ts';
import { movedBaseline } from './baseline.ts';
import { routingFor } from './default-routing.ts';

const route = (destination: string): { destination: ReturnType<typeof cidr>; table: string } => ({
  destination: cidr(destination),
  table: 'main',
});

const NO_NETWORKS = { come: [], gone: [] };

test('an address that goes takes its network out of what is right, one that comes brings its own, and leaves the routes of peers', () => {
  const baseline = aDevice({
    addresses: [cidr('10.7.0.1/24')],
    routes: [route('10.7.0.0/24'), route('10.9.0.0/16')],
  });
  const device = aDevice({
    addresses: [cidr('10.7.1.1/24')],
    routes: [route('10.7.1.0/24'), route('10.9.0.0/16')],
  });
  const moved = movedBaseline(baseline, device, { changed: ['addresses'], networks: NO_NETWORKS, routing: [] });
  expect(moved?.routes).toEqual([route('10.9.0.0/16'), route('10.7.1.0/24')]);
  expect(moved?.addresses).toEqual(device.addresses);
});

test('another field leaves the routes alone', () => {
  const baseline = aDevice({ routes: [route('10.7.0.0/24'), route('10.9.0.0/16')] });
  expect(
    movedBaseline(baseline, aDevice({ mtu: 1300, routes: [] }), {
      changed: ['mtu'],
      networks: NO_NETWORKS,
      routing: [],
    }),
  ).toMatchObject({
    mtu: 1300,
    routes: baseline.routes,
  });
});

test('the routes of peers that came into the file are right from then on, those of peers that went are not', () => {
  const baseline = aDevice({ routes: [route('10.8.0.0/24'), route('10.9.0.0/24')] });
  const device = aDevice({ routes: [route('10.8.0.0/24'), route('10.10.0.0/24'), route('10.11.0.0/24')] });
  const networks = { come: [cidr('10.10.0.0/24')], gone: [cidr('10.9.0.0/24')] };
  const moved = movedBaseline(baseline, device, { changed: [], networks, routing: [] });
  expect(moved?.routes).toEqual([route('10.8.0.0/24'), route('10.10.0.0/24')]);
});

test('what was made for a default route that came is right from then on, and what of it could not be made is missed', () => {
  const place = { family: '-4', rule: 5, mainRule: 4 } as const;
  const device = aDevice({ routing: ['-4 rule', '-4 firewall'], rulePlaces: [place] });
  const moves = { changed: [], networks: NO_NETWORKS, routing: routingFor([cidr('0.0.0.0/0')]) };
  expect(movedBaseline(aDevice(), device, moves)).toMatchObject({
    routing: ['-4 route', '-4 rule', '-4 main rule', '-4 firewall'],
    rulePlaces: [place],
  });
});
