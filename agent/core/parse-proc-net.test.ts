import { expect, test } from '@jest/globals';
import { parseAddresses6, parseRoutes4, parseRoutes6 } from './parse-proc-net.ts';

// As a kernel 6.18 wrote them, with columns squeezed; eth0 and the alike-named wg70 are added.
const ROUTES_4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
wg7\t0000070A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
wg7\t00000080\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0
wg7\t0046A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
wg7\t0500070A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
wg70\t0000080A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;

const ZERO = '0'.repeat(32);
const route6 = (destination: string, length: string, flags: string, device: string): string =>
  `${destination} ${length} ${ZERO} 00 ${ZERO} 00000400 00000001 00000000 ${flags} ${device.padStart(8)}\n`;

const ROUTES_6 = [
  route6(ZERO, '00', '00000001', 'wg7'),
  route6('fd070000000000000000000000000000', '40', '00000001', 'wg7'),
  route6('fd070001000000000000000000000000', '30', '00000001', 'wg7'),
  route6('fd090000000000000000000000000000', '20', '00200200', 'lo'),
  route6('fd0a0000000000000000000000000000', '20', '00000201', 'wg7'),
  route6('fe800000000000000000000000000000', '40', '00000001', 'wg7'),
  route6('fd070000000000000000000000000001', '80', '80200001', 'wg7'),
  route6('fd0b0000000000000000000000000000', '40', '00000001', 'wg70'),
].join('');

const ADDRESSES_6 = `fd070000000000000000000000000001 02 40 00 80      wg7
fe80000000000000503f4890983042e9 02 40 20 80      wg7
fd080000000000000000000000000001 03 40 00 80      wg70
00000000000000000000000000000001 01 80 10 80       lo
`;

test('IPv4 routes of one device, least significant byte first', () => {
  expect(parseRoutes4(ROUTES_4, 'wg7')).toEqual(['10.7.0.0/24', '128.0.0.0/1', '192.168.70.0/24', '10.7.0.5/32']);
});

test('a default route has no bits in its mask', () => {
  expect(parseRoutes4(ROUTES_4, 'eth0')).toEqual(['0.0.0.0/0']);
});

test('IPv6 routes of one device, without local and rejecting ones and the default route', () => {
  expect(parseRoutes6(ROUTES_6, 'wg7')).toEqual(['fd07::/64', 'fd07:1::/48', 'fe80::/64']);
});

test('IPv6 addresses of one device, link-local ones included', () => {
  expect(parseAddresses6(ADDRESSES_6, 'wg7')).toEqual(['fd07::1/64', 'fe80::503f:4890:9830:42e9/64']);
});

test.each([
  { name: 'an empty text', text: '' },
  { name: 'other devices only', text: 'Iface\tDestination\n' },
])('$name has nothing of the device', ({ text }) => {
  expect([parseRoutes4(text, 'wg7'), parseRoutes6(text, 'wg7'), parseAddresses6(text, 'wg7')]).toEqual([[], [], []]);
});
