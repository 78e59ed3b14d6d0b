import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseDocument } from '../../agent/protocol/wgquick/document.ts';
import { invalidLines } from '../../agent/protocol/wgquick/invalid-lines.ts';
import { run } from '../support/lab/run.ts';

const KEY = 'NnAadBS26BL6zH2ocwOIE5/ElrPHITP7up1zokJy3Fo=';
const folder = mkdtempSync(join(tmpdir(), 'wgnode-grammar-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** wg(8) parses a whole file before it looks for the device: with a name that nobody has it says no more than whether it takes it. */
async function doesWgTake(text: string): Promise<boolean> {
  const path = join(folder, 'w.conf');
  writeFileSync(path, text, { mode: 0o600 });
  const env = { PATH: process.env['PATH'] ?? '', WG_ENDPOINT_RESOLUTION_RETRIES: '0', LC_ALL: 'C' };
  const { stderr } = await run(['wg', 'setconf', 'wgnode-nobody', path], { env });
  return /Unable to modify interface|No such device/.test(stderr);
}

const doWeTake = (text: string): boolean => invalidLines(parseDocument(text)).length === 0;

const ofPeer = (key: string, value: string): string =>
  key === 'PublicKey' ? `[Peer]\n${key} = ${value}\n` : `[Peer]\nPublicKey = ${KEY}\n${key} = ${value}\n`;
const ofInterface = (key: string, value: string): string => `[Interface]\n${key} = ${value}\n`;

const rows = (make: (key: string, value: string) => string, table: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(table).flatMap(([key, values]) => values.map((value) => ({ key, value, text: make(key, value) })));

/** wg takes all white space out of a line, that of a value, too. */
const spaced = (key: string): string => `${key.slice(0, 20)} \t${key.slice(20)}`;

/** Values that people had in their files, beside those that stand next to them in the grammar. */
const SAME = [
  ...rows(ofPeer, {
    AllowedIPs: [
      ...['10.0.0.0/8', '10.0.0.0/8,', '10.0.0.0/8, ', '', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/ 8'],
      ...['10.1/16', '::/0', 'fd00::1/129', 'fe80::1%lo/64', '10.0.0.0/8;10.1.0.0/16', '10.0.0.0/8 10.1.0.0/16'],
      ...[
        '0x0a.0.0.1',
        '10.0.0.0/255.0.0.0',
        '10.0.0.0/',
        '(none)',
        ',10.0.0.0/8',
        '::ffff:1.2.3.4/96',
        '10.0.0.1/032',
      ],
      ...['fd00::130=', '10.8.0.256/32', 'undefined', '12.0.0.012', '10.0.0.2, fd00::2'],
    ],
    Endpoint: [
      ...['1.2.3.4:5', '1.2.3.4', '[::1]:5', '::1:5', '2001:db8::1:51820', '[::1]', '1.2.3.4:', ':58210', '1.2.3.4:0'],
      ...['1.2.3.4:-5', '1.2.3.4 : 5', '1.2.3.4:5:6', '[::1]5', '(none)'],
    ],
    PersistentKeepalive: ['0', '25', '2 5', 'off', 'OFF', '65535', '65536', '-1', '0x10', '25s', '', '025', '999999'],
    PublicKey: [KEY, spaced(KEY), KEY.slice(0, 43), `${KEY}=`, `${KEY.slice(0, 42)}p=`, '', '(none)'],
    PresharedKey: [KEY, spaced(KEY), '', '(none)', KEY.replace('=', '')],
    MTU: ['1412'],
    DNS: ['1.1.1.1'],
    Nickname: ['me'],
  }),
  ...rows(ofInterface, {
    ListenPort: ['0', '1', '65535', '51 820', '51\t820', '5 6', '-1', '0x10', '', ' 5', 'no-such-service', '051820'],
    FwMark: [
      '0x ca 6c',
      'o ff',
      '0',
      'off',
      'OFF',
      '0x0',
      '0x10',
      '0X10',
      '010',
      '4294967295',
      '4294967296',
      '-1',
      '',
      '0xzz',
      '0x100000000',
    ],
    PrivateKey: [KEY, spaced(KEY), '', KEY.slice(1)],
  }),
];

describe('what we call no value of a key of wg is what wg refuses', () => {
  test.each(SAME)('$key = $value', async ({ text }) => {
    expect(doWeTake(text)).toBe(await doesWgTake(text));
  });

  // wg takes these for something else than stands there, or it has to ask somebody what they mean.
  test.each([
    ...rows(ofPeer, { Endpoint: ['1.2.3.4:70000'] }),
    ...rows(ofInterface, {
      ListenPort: ['65536', '99999999999', 'domain'],
      PrivateKey: [`${'A'.repeat(43)}=`],
    }),
  ])('$key = $value is told although wg takes it', async ({ text }) => {
    expect({ wg: await doesWgTake(text), ours: doWeTake(text) }).toEqual({ wg: true, ours: false });
  });

  test.each(rows(ofPeer, { AllowedIPs: ['+10.0.0.0/8'] }))('$key = $value is taken, as newer tools do', ({ text }) => {
    expect(doWeTake(text)).toBe(true);
  });
});
