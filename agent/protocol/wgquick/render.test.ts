import { describe, expect, test } from '@jest/globals';
import { cidr } from '../../../test/fixtures/cidr.ts';
import { InterfaceKey } from '../interface-key.ts';
import { Secret } from '../secret.ts';
import { EMPTY_CONFIG, type InterfaceConfig } from './config.ts';
import { interfaceOf, parseDocument } from './document.ts';
import { render } from './render.ts';

/** `text` with some fields of its interface part set. */
function set(text: string, part: Partial<InterfaceConfig>): string {
  const document = parseDocument(text);
  const config = interfaceOf(document);
  // As of a request: a field that is sent replaces what its lines say beside values.
  const kept = Object.entries(config.invalid).filter(([name]) => !Object.hasOwn(part, name));
  return render(document, { ...config, ...part, invalid: Object.fromEntries(kept) });
}

interface Row {
  name: string;
  text: string;
  part: Partial<InterfaceConfig>;
  expected: string;
}

describe('one changed field touches its own lines only', () => {
  test.each<Row>([
    {
      name: 'L9, R11: a peer section in lower case stays',
      text: '[Interface]\nMTU = 1400\n\n[peer]\nPublicKey = a=\n',
      part: { mtu: 1300 },
      expected: '[Interface]\nMTU = 1300\n\n[peer]\nPublicKey = a=\n',
    },
    {
      name: 'I1: unknown keys, comments and their order stay',
      text: '# top\n[Interface]\nJc = 4\n# mine\nmtu=1400\nSaveConfig = false\n\n# bob\n[Peer]\nNickname = bob\n',
      part: { mtu: 1300 },
      expected: '# top\n[Interface]\nJc = 4\n# mine\nMTU = 1300\nSaveConfig = false\n\n# bob\n[Peer]\nNickname = bob\n',
    },
    {
      name: 'the comment of a replaced line survives on a line of its own',
      text: '[Interface]\nMTU = 1400 # the provider says so\n',
      part: { mtu: 1300 },
      expected: '[Interface]\n# the provider says so\nMTU = 1300\n',
    },
    {
      name: 'the comment of a removed line survives',
      text: '[Interface]\nMTU = 1400 # why\nTable = off\n',
      part: { mtu: null },
      expected: '[Interface]\n# why\nTable = off\n',
    },
    {
      name: 'several lines of one field become one at the place of the first',
      text: '[Interface]\nAddress = 10.0.0.1/24\nMTU = 1400\nAddress = fd00::1/64\n',
      part: { addresses: [cidr('10.0.0.2/24'), cidr('fd00::1/64')] },
      expected: '[Interface]\nAddress = 10.0.0.2/24, fd00::1/64\nMTU = 1400\n',
    },
    {
      name: 'lines of one field in several [Interface] sections become one',
      text: '[Interface]\nMTU = 1300\n[Peer]\nPublicKey = a=\n[interface]\nMTU = 1400\n',
      part: { mtu: 1350 },
      expected: '[Interface]\nMTU = 1350\n[Peer]\nPublicKey = a=\n[interface]\n',
    },
    {
      name: 'a new field stands behind those that canonically come earlier',
      text: '[Interface]\nPrivateKey = a=\n# end\n[Peer]\n',
      part: { mtu: 1400 },
      expected: '[Interface]\nPrivateKey = a=\nMTU = 1400\n# end\n[Peer]\n',
    },
    {
      name: 'a new field in an empty section stands behind the header',
      text: '# c\n[Interface]\n[Peer]\n',
      part: { mtu: 1400 },
      expected: '# c\n[Interface]\nMTU = 1400\n[Peer]\n',
    },
    {
      name: 'hooks are written one a line',
      text: '[Interface]\nPostUp = a; b\n',
      part: { postUp: ['a', 'c=d, "e"'] },
      expected: '[Interface]\nPostUp = a\nPostUp = c=d, "e"\n',
    },
    {
      name: 'joined hooks stay as they are when the rules are the same',
      text: '[Interface]\nPostUp = a; b\n',
      part: { postUp: ['a', 'b'] },
      expected: '[Interface]\nPostUp = a; b\n',
    },
    {
      name: 'a mark in hex that says the same stays',
      text: '[Interface]\nFwMark = 0x10\n',
      part: { fwMark: 16 },
      expected: '[Interface]\nFwMark = 0x10\n',
    },
    {
      name: 'a port by service name is replaced by a number',
      text: '[Interface]\nListenPort = domain\n',
      part: { listenPort: 53 },
      expected: '[Interface]\nListenPort = 53\n',
    },
    {
      name: 'Table = auto goes when a number is asked for',
      text: '[Interface]\nTable = auto\n',
      part: { table: '123' },
      expected: '[Interface]\nTable = 123\n',
    },
    {
      name: 'Table = off goes when the default is asked for',
      text: '[Interface]\nTable = off\n',
      part: { table: null },
      expected: '[Interface]\n',
    },
  ])('$name', ({ text, part, expected }) => {
    expect(set(text, part)).toBe(expected);
  });
});

describe('headers', () => {
  test.each<Row>([
    {
      name: 'one that only wg takes is written so that wg-quick takes it too',
      text: '[ Interface ] # home\nMTU = 1400\n',
      part: { mtu: 1300 },
      expected: '[Interface] # home\nMTU = 1300\n',
    },
    {
      name: 'one that both take stays in its letter case',
      text: '  [interface]\nMTU = 1400\n',
      part: { mtu: 1300 },
      expected: '  [interface]\nMTU = 1300\n',
    },
    {
      name: 'a file without one gets it before the first section',
      text: '# top\n[Peer]\nPublicKey = a=\n',
      part: { mtu: 1300 },
      expected: '# top\n[Interface]\nMTU = 1300\n\n[Peer]\nPublicKey = a=\n',
    },
    { name: 'an empty file gets one', text: '', part: { mtu: 1300 }, expected: '[Interface]\nMTU = 1300\n' },
    {
      name: 'a file of one comment without a line feed gets one behind it',
      text: '# only',
      part: { mtu: 1300 },
      expected: '# only\n[Interface]\nMTU = 1300\n',
    },
    { name: 'nothing is written when nothing differs', text: '[ Interface ]', part: {}, expected: '[ Interface ]' },
  ])('$name', ({ text, part, expected }) => {
    expect(set(text, part)).toBe(expected);
  });
});

describe('line ends', () => {
  test.each<Row>([
    {
      name: 'new lines end as the others do',
      text: '[Interface]\r\nMTU = 1400\r\n[Peer]\r\n',
      part: { mtu: 1300, table: 'off' },
      expected: '[Interface]\r\nMTU = 1300\r\nTable = off\r\n[Peer]\r\n',
    },
    {
      name: 'a line behind a last line without line feed starts on its own line',
      text: '[Interface]\nMTU = 1400',
      part: { table: 'off' },
      expected: '[Interface]\nMTU = 1400\nTable = off\n',
    },
    {
      name: 'a last peer line without line feed stays so',
      text: '[Interface]\nMTU = 1400\n[Peer]\nPublicKey = a=',
      part: { mtu: 1300 },
      expected: '[Interface]\nMTU = 1300\n[Peer]\nPublicKey = a=',
    },
  ])('$name', ({ text, part, expected }) => {
    expect(set(text, part)).toBe(expected);
  });
});

test('a fresh file has all fields in canonical order', () => {
  const config: InterfaceConfig = {
    ...EMPTY_CONFIG,
    privateKey: InterfaceKey.fromPrivate(new Secret(Buffer.alloc(32, 1).toString('base64'))),
    listenPort: 51820,
    fwMark: 16,
    addresses: [cidr('10.0.0.1/24'), cidr('fd00::1/64')],
    mtu: 1400,
    dns: ['10.0.0.53', 'example.org'],
    table: '123',
    preUp: ['p'],
    postUp: ['q', 'r'],
    preDown: ['s'],
    postDown: ['t'],
  };
  expect(render(parseDocument(''), config)).toBe(
    [
      '[Interface]',
      'PrivateKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=',
      'ListenPort = 51820',
      'FwMark = 16',
      'Address = 10.0.0.1/24, fd00::1/64',
      'MTU = 1400',
      'DNS = 10.0.0.53, example.org',
      'Table = 123',
      'PreUp = p',
      'PostUp = q',
      'PostUp = r',
      'PreDown = s',
      'PostDown = t',
      '',
    ].join('\n'),
  );
});
