import { describe, expect, test } from '@jest/globals';
import { createUrlGuard, type UrlGuard } from './url-guard.ts';

const guardOf = (over: { allow?: readonly string[]; deny?: readonly string[] } = {}): UrlGuard =>
  createUrlGuard({ allow: [], deny: [], ...over });
const denied = { code: 'agent_unreachable', reason: 'URLNotAllowed' };

describe('what is denied by default', () => {
  test.each([
    ['0.0.0.0', 'this network'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'the metadata service'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['[::]', 'no address'],
    ['[::1]', 'loopback'],
    ['::1', 'loopback without brackets'],
    ['[fe80::1]', 'link-local'],
    ['[ff02::1]', 'multicast'],
    ['[fd00:ec2::254]', 'the metadata service'],
    ['[::ffff:127.0.0.1]', 'loopback, mapped'],
    ['[::ffff:7f00:1]', 'loopback, mapped, as a URL spells it'],
    ['[::FFFF:169.254.169.254]', 'the metadata service, mapped'],
    ['[::ffff:a9fe:a9fe]', 'the metadata service, mapped, as a URL spells it'],
    ['168.63.129.16', 'the metadata service of Azure'],
    ['100.100.100.200', 'the metadata service of Alibaba'],
    ['192.0.0.192', 'the metadata service of Oracle'],
    ['[fd20:ce::254]', 'the metadata service of Google'],
    ['[::ffff:168.63.129.16]', 'the metadata service of Azure, mapped'],
    ['[64:ff9b::a9fe:a9fe]', 'the metadata service behind NAT64'],
    ['[64:ff9b::169.254.169.254]', 'the metadata service behind NAT64, as people spell it'],
    ['[64:ff9b::7f00:1]', 'loopback behind NAT64'],
    ['[2002::1]', '6to4, which could hide any IPv4 address'],
    ['[2002:a9fe:a9fe::1]', 'the metadata service in 6to4'],
    ['localhost', 'a name that resolves to loopback'],
  ])('%s: %s', async (hostname) => {
    await expect(guardOf().resolve(hostname)).rejects.toMatchObject(denied);
  });

  test.each([
    'https://2130706433:8443',
    'https://0x7f.1:8443',
    'https://0177.0.0.1:8443',
    'https://[0:0:0:0:0:ffff:127.0.0.1]:8443',
  ])('loopback in disguise: %s', async (url) => {
    await expect(guardOf().resolve(new URL(url).hostname)).rejects.toMatchObject(denied);
  });
});

describe('what is allowed by default', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '10.0.0.1'],
    ['192.168.1.1', '192.168.1.1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[fd00:10::1]', 'fd00:10::1'],
    ['[fd00:ec2::253]', 'fd00:ec2::253'],
    ['168.63.129.17', '168.63.129.17'],
    ['100.100.100.201', '100.100.100.201'],
    ['[64:ff9b::cb00:7107]', '64:ff9b::cb00:7107'],
    ['[2003::1]', '2003::1'],
  ])('%s', async (hostname, address) => {
    expect(await guardOf().resolve(hostname)).toEqual([address]);
  });
});

describe('the lists of the operator', () => {
  test.each([
    { name: 'a denied network', deny: ['10.96.0.0/12'], hostname: '10.96.0.1', isAllowed: false },
    { name: 'an address beside it', deny: ['10.96.0.0/12'], hostname: '10.95.0.1', isAllowed: true },
    { name: 'a denied address without length', deny: ['192.0.2.1'], hostname: '192.0.2.1', isAllowed: false },
    { name: 'a denied IPv6 network', deny: ['fd00:96::/112'], hostname: '[fd00:96::1]', isAllowed: false },
    { name: 'loopback beside further networks', deny: ['10.96.0.0/12'], hostname: '127.0.0.1', isAllowed: false },
    { name: 'an allowed network', allow: ['203.0.113.0/24'], hostname: '203.0.113.7', isAllowed: true },
    { name: 'anything beside it', allow: ['203.0.113.0/24'], hostname: '203.0.114.7', isAllowed: false },
    { name: 'IPv6 where only IPv4 is allowed', allow: ['0.0.0.0/0'], hostname: '[2001:db8::1]', isAllowed: false },
    { name: 'loopback that is allowed by name', allow: ['127.0.0.0/8'], hostname: '127.0.0.1', isAllowed: true },
    {
      name: 'a denied address within an allowed network',
      allow: ['10.0.0.0/8'],
      deny: ['10.96.0.1'],
      hostname: '10.96.0.1',
      isAllowed: false,
    },
    {
      name: 'a network that is denied and allowed alike',
      allow: ['10.0.0.0/8'],
      deny: ['10.0.0.0/8'],
      hostname: '10.1.2.3',
      isAllowed: false,
    },
    {
      name: 'a denied address, mapped, within all that is allowed',
      allow: ['0.0.0.0/0', '::/0'],
      deny: ['10.96.0.1'],
      hostname: '[::ffff:10.96.0.1]',
      isAllowed: false,
    },
    {
      name: 'a denied address behind NAT64',
      deny: ['10.96.0.0/12'],
      hostname: '[64:ff9b::a60:1]',
      isAllowed: false,
    },
    {
      name: 'a metadata service that is allowed by name',
      allow: ['169.254.169.254'],
      hostname: '169.254.169.254',
      isAllowed: true,
    },
    { name: '6to4 that is allowed by name', allow: ['2002::/16'], hostname: '[2002::1]', isAllowed: true },
    { name: 'an allowed address, mapped', allow: ['10.0.0.0/8'], hostname: '[::ffff:10.0.0.1]', isAllowed: true },
  ])('$name: allowed = $isAllowed', async ({ allow = [], deny = [], hostname, isAllowed }) => {
    const address = hostname.replace(/[[\]]/g, '');
    const resolved = guardOf({ allow, deny }).resolve(hostname);
    if (isAllowed) expect(await resolved).toEqual([address]);
    else await expect(resolved).rejects.toMatchObject(denied);
  });

  test.each(['', 'example.net', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/8/8', '300.0.0.0/8', 'fd00::/129'])(
    'a word that is no network ends the start: %j',
    (word) => {
      expect(() => guardOf({ allow: [word] })).toThrow();
      expect(() => guardOf({ deny: [word] })).toThrow();
    },
  );
});

// A label of 64 characters: the resolver of the system knows that without asking anybody.
test('a name that does not resolve is DNSFailed', async () => {
  await expect(guardOf().resolve(`${'x'.repeat(64)}.example`)).rejects.toMatchObject({ reason: 'DNSFailed' });
});
