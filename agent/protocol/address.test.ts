import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryCidr, RUNS } from '../../test/fixtures/arbitraries.ts';
import { cidr as cidrOf } from '../../test/fixtures/cidr.ts';
import {
  canonicalIp,
  type Cidr,
  coverage,
  ipOf,
  isIpv6,
  networkOf,
  parseCidr,
  parseInterfaceAddress,
} from './address.ts';

const covers = (outer: Cidr, inner: Cidr): boolean => coverage([outer])(inner);

describe('addresses without a prefix length', () => {
  test.each([
    { text: '10.0.0.1', expected: '10.0.0.1' },
    { text: '255.255.255.255', expected: '255.255.255.255' },
    { text: '::', expected: '::' },
    { text: 'FD00:0:0:0:0:0:0:1', expected: 'fd00::1' },
    { text: 'fd00:0000::0001', expected: 'fd00::1' },
    { text: '2001:db8:0:0:1:0:0:1', expected: '2001:db8::1:0:0:1' },
    { text: '::ffff:1.2.3.4', expected: '::ffff:1.2.3.4' },
    { text: '::ffff:102:304', expected: '::ffff:1.2.3.4' },
    { text: '64:ff9b::1.2.3.4', expected: '64:ff9b::102:304' },
  ])('$text is written $expected', ({ text, expected }) => {
    expect(canonicalIp(text)).toBe(expected);
  });

  test.each([
    { name: 'the empty text', text: '' },
    { name: 'a short form', text: '127.1' },
    { name: 'a number', text: '2130706433' },
    { name: 'octal', text: '010.0.0.1' },
    { name: 'hex', text: '0x7f.1' },
    { name: 'hex in four parts', text: '0x7f.0.0.1' },
    { name: 'octal in an IPv6 address', text: '::ffff:010.0.0.1' },
    { name: 'hex in an IPv6 address', text: '::ffff:0x7f.0.0.1' },
    { name: 'a part above 255', text: '10.0.0.256' },
    { name: 'five parts', text: '10.0.0.0.1' },
    { name: 'a zone', text: 'fe80::1%eth0' },
    { name: 'two gaps', text: 'fd00::1::2' },
    { name: 'nine groups', text: '1:2:3:4:5:6:7:8:9' },
    { name: 'a group of five digits', text: 'fd00::12345' },
    { name: 'brackets', text: '[::1]' },
    { name: 'a space before it', text: ' 10.0.0.1' },
    { name: 'a line feed behind it', text: '10.0.0.1\n' },
    { name: 'a line feed behind an IPv6 address', text: 'fd00::1\n' },
    { name: 'a NUL', text: '10.0.0.1\0' },
    { name: 'a prefix length', text: '10.0.0.1/24' },
    { name: 'a host name', text: 'localhost' },
  ])('$name is refused', ({ text }) => {
    expect(canonicalIp(text)).toBeUndefined();
  });
});

describe('addresses with a prefix length', () => {
  test.each([
    { text: '10.0.0.1/24', expected: '10.0.0.1/24' },
    { text: '10.0.0.1', expected: '10.0.0.1/32' },
    { text: 'FD00::1', expected: 'fd00::1/128' },
    { text: '0.0.0.0/0', expected: '0.0.0.0/0' },
    { text: '::/0', expected: '::/0' },
    { text: '10.0.0.1/32', expected: '10.0.0.1/32' },
    { text: 'fd00::1/128', expected: 'fd00::1/128' },
  ])('$text is written $expected', ({ text, expected }) => {
    expect(parseCidr(text)).toBe(expected);
  });

  test.each([
    '',
    '/24',
    '10.0.0.1/',
    '10.0.0.1/33',
    '10.0.0.1/-1',
    '10.0.0.1/+1',
    '1.2.3.4/024',
    '1.2.3.4/00',
    '1.2.3.4/24/24',
    '1.2.3.4/ 24',
    '1.2.3.4/24\n',
    '1.2.3.4/255.255.255.0',
    '1.2.3.4/1e1',
    'fd00::1/129',
    'fe80::1%eth0/64',
    '127.1/8',
  ])('%j is refused', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('T2: canonical text is canonical already', () => {
    fc.assert(
      fc.property(arbitraryCidr, (cidr) => {
        expect(parseCidr(cidr)).toBe(cidr);
      }),
      RUNS,
    );
  });
});

describe('case M4: an address of a file may have a netmask, as ip(8) takes it', () => {
  test.each([
    { text: '192.168.71.1/255.255.255.0', expected: '192.168.71.1/24' },
    { text: '10.0.0.1/255.255.255.255', expected: '10.0.0.1/32' },
    { text: '10.0.0.1/0.0.0.0', expected: '10.0.0.1/0' },
    { text: '10.0.0.1/24', expected: '10.0.0.1/24' },
    { text: '10.0.0.1', expected: '10.0.0.1/32' },
    { text: '10.0.0.1/255.0.255.0', expected: undefined },
    { text: '10.0.0.1/255.255.255', expected: undefined },
    { text: 'fd00::1/255.255.255.0', expected: undefined },
    { text: '10.0.0.300/255.255.255.0', expected: undefined },
  ])('$text is read as $expected', ({ text, expected }) => {
    expect(parseInterfaceAddress(text)).toBe(expected);
  });
});

interface Model {
  bits: number;
  value: bigint;
  length: number;
}

/** An address as one number, made without the code that is tested. */
function modelOf(cidr: string): Model {
  const [host = '', length = '0'] = cidr.split('/');
  if (!host.includes(':')) {
    return {
      bits: 32,
      value: host.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n),
      length: Number(length),
    };
  }
  const [dotted = ''] = /[0-9.]+\.[0-9]+$/.exec(host) ?? [];
  const mapped = dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const hex = [mapped >>> 16, mapped % 65_536].map((group) => group.toString(16)).join(':');
  const text = dotted === '' ? host : host.replace(dotted, hex);
  const [left = [], right = []] = text.split('::').map((side) => side.split(':').filter(Boolean));
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const groups = [...left, ...zeros, ...right];
  return {
    bits: 128,
    value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n),
    length: Number(length),
  };
}

const networkValue = ({ bits, value, length }: Model): bigint => {
  const host = BigInt(bits - length);
  return (value >> host) << host;
};

describe('networks', () => {
  test.each([
    { cidr: '10.0.0.7/24', expected: '10.0.0.0/24' },
    { cidr: '10.0.0.7/32', expected: '10.0.0.7/32' },
    { cidr: '255.255.255.255/0', expected: '0.0.0.0/0' },
    { cidr: '10.255.255.255/9', expected: '10.128.0.0/9' },
    { cidr: 'fd00::ff:1/64', expected: 'fd00::/64' },
    { cidr: 'fdff::1/7', expected: 'fc00::/7' },
    { cidr: '::ffff:1.2.3.4/120', expected: '::ffff:1.2.3.0/120' },
  ])('$cidr lies in $expected', ({ cidr, expected }) => {
    expect(networkOf(cidrOf(cidr))).toBe(expected);
  });

  test('the network is the address with its host bits cleared', () => {
    fc.assert(
      fc.property(arbitraryCidr, (cidr) => {
        const network = networkOf(cidr);
        expect(modelOf(network)).toEqual({ ...modelOf(cidr), value: networkValue(modelOf(cidr)) });
        expect(parseCidr(network)).toBe(network);
      }),
      RUNS,
    );
  });

  test.each([
    { outer: '10.0.0.0/24', inner: '10.0.0.7/32', covered: true },
    { outer: '10.0.0.7/24', inner: '10.0.0.0/25', covered: true },
    { outer: '10.0.0.0/24', inner: '10.0.1.0/32', covered: false },
    { outer: '10.0.0.0/24', inner: '10.0.0.0/23', covered: false },
    { outer: '0.0.0.0/0', inner: '10.0.0.0/8', covered: true },
    { outer: '0.0.0.0/0', inner: '::/0', covered: false },
    { outer: '::/0', inner: '0.0.0.0/0', covered: false },
  ])('whether $outer holds $inner is $covered', ({ outer, inner, covered }) => {
    expect(covers(cidrOf(outer), cidrOf(inner))).toBe(covered);
  });

  test('one network holds another when it is shorter and has the same leading bits', () => {
    const related = arbitraryCidr.chain((inner) =>
      fc.tuple(fc.constant(inner), fc.integer({ min: 0, max: modelOf(inner).bits }), arbitraryCidr, fc.boolean()),
    );
    fc.assert(
      fc.property(related, ([inner, length, other, isRelated]) => {
        const outer = isRelated ? networkOf(cidrOf(`${ipOf(inner)}/${String(length)}`)) : other;
        const [left, right] = [modelOf(outer), modelOf(inner)];
        const expected =
          left.bits === right.bits &&
          left.length <= right.length &&
          networkValue(left) === networkValue({ ...right, length: left.length });
        expect({ outer, inner, covers: covers(outer, inner) }).toEqual({ outer, inner, covers: expected });
      }),
      RUNS,
    );
  });
});

test.each([
  { address: '10.0.0.1/24', expected: false },
  { address: 'fd00::1/64', expected: true },
  { address: '::ffff:1.2.3.4', expected: true },
])('whether $address is IPv6 is $expected', ({ address, expected }) => {
  expect(isIpv6(address)).toBe(expected);
});
