import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { newPrivateKey } from '../../test/support/canary.ts';
import { type EnrollOptions, importFiles } from './import-files.ts';

const OPTIONS: EnrollOptions = {
  interfaces: null,
  namespace: 'edge',
  mode: 'Observe',
  address: 'fra1.example.net',
  name: null,
};

describe('wg-quick files as others have exported them', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wgnode-import-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const file = (name: string, lines: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `[Interface]\nPrivateKey = ${newPrivateKey()}\n${lines}`);
    return path;
  };
  const specOf = async (path: string, over: Partial<EnrollOptions> = {}): Promise<Record<string, unknown>> => {
    const documents = loadAll(await importFiles([path], { ...OPTIONS, ...over })) as Record<string, unknown>[];
    return documents.find(({ kind }) => kind === 'WireGuardNode') ?? {};
  };

  test.each([
    // Other importers stop at them.
    ['an MTU', 'MTU = 1412\n', { mtu: 1412 }],
    ['a mark of a client', 'FwMark = 0xca6c\n', { fwMark: 0xca6c }],
    ['no address', '', {}],
    [
      'line ends of Windows',
      'Address = 10.0.0.2/32\r\nDNS = 10.0.0.1\r\n',
      { addresses: ['10.0.0.2/32'], dns: ['10.0.0.1'] },
    ],
    ['keys of another program', 'Jc = 4\nS1 = 15\nAddress = 10.0.0.2/32\n', { addresses: ['10.0.0.2/32'] }],
  ])('%s', async (_, lines, expected) => {
    expect(await specOf(file('wg0.conf', lines))).toMatchObject({ spec: { interface: { name: 'wg0', ...expected } } });
  });

  test.each(['a-name-that-is-much-too-long.conf', 'My VPN.conf', 'wg0.conf.bak'])(
    'the name %s cannot be that of an interface: the message says what can',
    async (name) => {
      await expect(importFiles([file(name, '')], OPTIONS)).rejects.toThrow(/is that of the interface, .*15.*copy it/);
    },
  );

  test.each([
    ['AmneziaWG', 'Jc = 4\nJmin = 50\nAddress = 10.0.0.2/32\n', /^# lines that an object cannot ask for.*: Jc, Jmin$/m],
    [
      'a line without a value',
      'ListenPort =\n',
      /^# cannot be said: spec\.interface\.listenPort must be from 1 to 65535: the line has no value\n# would change: .* the file has a line without a value,/m,
    ],
    ['a mapped address', 'Address = ::ffff:10.1.1.8/128\n', /^# .*spec\.interface\.addresses.*::ffff:/m],
    [
      'a header with blanks',
      '\n[ Interface ]\nAddress = 10.0.0.2/32\n',
      /^# line 5 is wg-quick's own.*without blanks$/m,
    ],
  ])('what cannot be said of %s is a comment', async (_, lines, comment) => {
    expect(await importFiles([file('wg0.conf', lines)], OPTIONS)).toMatch(comment);
  });

  test.each([
    ['empty', '', /no file of wg-quick/],
    ['with a byte order mark', '\ufeff[Interface]\nMTU = 1400\n', /byte order mark/],
    ['in UTF-16', Buffer.from('[Interface]\n', 'utf16le'), /UTF-16/],
    ['with lines of CR', '[Interface]\rMTU = 1400\r', /CR alone/],
  ])('of a file that is %s nothing is asked for, and why is said', async (_, content, why) => {
    const path = join(folder, 'wg0.conf');
    writeFileSync(path, content);
    const text = await importFiles([path], OPTIONS);
    expect(text).toMatch(why);
    expect(text).toMatch(/^# the file has no \[Interface\] line/m);
  });

  const PEER = 'NnAadBS26BL6zH2ocwOIE5/ElrPHITP7up1zokJy3Fo=';
  const PATH = '/usr/local/libexec/wireguard/hooks/forwarding/setup';

  test('hooks with a public key or a long path are asked for as they are, those with a secret one are not', async () => {
    const postUp = [`wg set %i peer ${PEER} persistent-keepalive 25`, `${PATH} up`];
    const lines = postUp.map((hook) => `PostUp = ${hook}\n`).join('');
    expect(await specOf(file('wg0.conf', lines))).toMatchObject({ spec: { interface: { postUp } } });
    const secret = `PostUp = wg set %i peer ${PEER} preshared-key <(echo ${newPrivateKey()})\n`;
    await expect(importFiles([file('wg1.conf', secret)], OPTIONS)).rejects.toThrow('a hook has a key in it');
  });

  test('what is missing is said', async () => {
    await expect(importFiles([join(folder, 'wg0.conf')], OPTIONS)).rejects.toThrow('there is no such file');
    await expect(importFiles([file('wg0.conf', '')], { ...OPTIONS, address: null })).rejects.toThrow('--address');
  });

  test.each([
    ['fra1.example.net', 'https://fra1.example.net:8443', 'fra1-wg0'],
    ['fra1.example.net:9443', 'https://fra1.example.net:9443', 'fra1-wg0'],
    ['203.0.113.7', 'https://203.0.113.7:8443', '203-0-113-7-wg0'],
    ['2001:db8::7', 'https://[2001:db8::7]:8443', '2001-db8-7-wg0'],
    ['[2001:db8::7]:9443', 'https://[2001:db8::7]:9443', '2001-db8-7-wg0'],
  ])('the address %s becomes %s', async (address, url, name) => {
    expect(await specOf(file('wg0.conf', ''), { address })).toMatchObject({
      metadata: { name },
      spec: { agent: { url } },
    });
  });

  test.each(['fra1:99999', 'fra1:0', 'fe80::1%eth0', '[1.2.3.4]', '[::::]', '[fe80::1%eth0]', 'my_host'])(
    'the address %s, which the CRD refuses, is refused here',
    async (address) => {
      await expect(importFiles([file('wg0.conf', '')], { ...OPTIONS, address })).rejects.toThrow(
        /^--address .* must be/,
      );
    },
  );
});
