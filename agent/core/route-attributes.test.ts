import { expect, test } from '@jest/globals';
import { cidr } from '../../test/fixtures/cidr.ts';
import { routeAttributesIn, withAttributes } from './route-attributes.ts';

// As iproute2 6.1 prints them.
const ROUTES_4 = `unicast 10.0.0.2 proto kernel scope link src 10.0.0.1 linkdown 
unicast 10.9.0.0/16 proto boot scope link 
unicast 10.10.0.0/16 via 10.7.0.2 proto boot scope global src 10.7.0.1 metric 50 linkdown mtu lock 1300 
unicast 10.10.0.0/16 via 10.7.0.9 proto boot scope global metric 60 
unicast default via 192.0.2.1 proto boot scope global onlink linkdown 
unicast 10.13.0.0/16 via inet6 fd07::5 proto boot scope global `;
const ROUTES_6 = `unicast fd08::/64 proto boot scope global metric 1024 linkdown pref medium
unicast fd09::/64 via fd07::2 proto boot scope global metric 7 linkdown pref medium`;

test('what a route says beside its network is text for ip route add; of a plain one there is none', () => {
  expect([...routeAttributesIn(ROUTES_4, '-4')]).toEqual([
    ['10.0.0.2/32', 'proto kernel scope link src 10.0.0.1'],
    ['10.10.0.0/16', 'via 10.7.0.2 proto boot scope global src 10.7.0.1 metric 50 mtu lock 1300'],
    ['0.0.0.0/0', 'via 192.0.2.1 proto boot scope global onlink'],
    ['10.13.0.0/16', 'via inet6 fd07::5 proto boot scope global'],
  ]);
  expect([...routeAttributesIn(ROUTES_6, '-6')]).toEqual([
    ['fd09::/64', 'via fd07::2 proto boot scope global metric 7 pref medium'],
  ]);
});

test('routes get what is known of them', () => {
  const route = (destination: string): { destination: ReturnType<typeof cidr>; table: string } => ({
    destination: cidr(destination),
    table: 'main',
  });
  const known = new Map([[cidr('10.9.0.0/16'), 'metric 5']]);
  expect(withAttributes([route('10.8.0.0/16'), route('10.9.0.0/16')], known)).toEqual([
    route('10.8.0.0/16'),
    { ...route('10.9.0.0/16'), attributes: 'metric 5' },
  ]);
});
