import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arbitraryFile, arbitraryText, RUNS } from '../../../test/fixtures/arbitraries.ts';
import { EMPTY_CONFIG } from './config.ts';
import {
  allowedIpsOf,
  documentText,
  interfaceOf,
  parseDocument,
  strayLine,
  peerKeys,
  savesConfig,
  unmanagedLines,
} from './document.ts';

describe('the section of a line is that of the last header, whatever was parsed before', () => {
  const carried = (text: string): void => {
    const document = parseDocument(text);
    const sections = document.map(({ section }) => section);
    const before = ['none', ...sections.slice(0, -1)];
    expect(sections).toEqual(document.map((line, at) => (line.header ? line.section : before[at])));
  };

  test('of any file, with other peers behind it, too', () => {
    fc.assert(
      fc.property(arbitraryFile(), arbitraryText, (file, text) => {
        carried(file);
        carried(`${text}\n${file}`);
        carried(`${file}\n${text}`);
      }),
      RUNS,
    );
  });

  test.each([
    '# a\r[Peer]\nPublicKey = x\n',
    '[Interface]\u2028[Peer]\nMTU = 5\n',
    '[Peer]x\nPublicKey = y\n[ peer ]\n',
  ])('where something looks like a header: %j', (text) => {
    carried(text);
    expect(documentText(parseDocument(text))).toBe(text);
  });

  test('of a comment that a lone CR ends nothing follows', () => {
    expect(parseDocument('[Interface]\n# a\r[Peer]\nMTU = 5\n').map(({ section }) => section)).toEqual(
      Array(3).fill('interface'),
    );
  });
});

describe('a document gives its text back byte for byte', () => {
  test('whatever the text is', () => {
    fc.assert(
      fc.property(arbitraryText, (text) => {
        expect(documentText(parseDocument(text))).toBe(text);
      }),
      RUNS,
    );
  });

  test('for files of every shape', () => {
    fc.assert(
      fc.property(arbitraryFile(), (text) => {
        expect(documentText(parseDocument(text))).toBe(text);
      }),
      RUNS,
    );
  });

  test.each([
    { name: 'the empty file', text: '' },
    { name: 'one line feed', text: '\n' },
    { name: 'no final line feed', text: '[Interface]\nMTU = 1400' },
    { name: 'CRLF', text: '[Interface]\r\nMTU = 1400\r\n' },
    { name: 'a lone carriage return at the end', text: '[Interface]\nMTU = 1400\r' },
    { name: 'mixed line ends', text: '[Interface]\r\nMTU = 1400\n\r\n[Peer]\r' },
    { name: 'a NUL', text: '[Interface]\nPostUp = a\0b\n' },
    { name: 'a byte order mark', text: '\ufeff[Interface]\n' },
    { name: 'a line separator inside a line', text: '[Interface]\nPostUp = a\u2028b\n' },
  ])('with $name', ({ text }) => {
    expect(documentText(parseDocument(text))).toBe(text);
  });
});

describe('sections', () => {
  test.each([
    { header: '[Interface]', section: 'interface' },
    { header: '[INTERFACE]', section: 'interface' },
    { header: '[ Interface ]', section: 'interface' },
    { header: '  [interface]  # mine', section: 'interface' },
    { header: '[Peer]', section: 'peer' },
    { header: '[peer]', section: 'peer' },
    { header: '[ P e e r ]', section: 'peer' },
    { header: '[Peers]', section: 'other' },
    { header: '[', section: 'other' },
  ])('L9: the line $header starts a section of kind $section', ({ header, section }) => {
    expect(parseDocument(`${header}\nkey = value`).map((line) => line.section)).toEqual([section, section]);
  });

  test('a header in a comment starts nothing', () => {
    const document = parseDocument('[Interface]\n# [Peer]\nMTU = 1400\n');
    expect(interfaceOf(document).mtu).toBe(1400);
  });

  test('keys of a peer section are none of the interface', () => {
    expect(interfaceOf(parseDocument('[peer]\nMTU = 1400\nListenPort = 5\n'))).toEqual(EMPTY_CONFIG);
  });

  test('lines before the first header belong to no section', () => {
    expect(interfaceOf(parseDocument('MTU = 1400\n[Interface]\n'))).toEqual(EMPTY_CONFIG);
  });

  test('several [Interface] sections count as one', () => {
    const text =
      '[Interface]\nAddress = 10.0.0.1/24\nMTU = 1300\n[Peer]\n[interface]\nMTU = 1400\nAddress = fd00::1/64\n';
    const config = interfaceOf(parseDocument(text));
    expect(config.mtu).toBe(1400);
    expect(config.addresses).toEqual(['10.0.0.1/24', 'fd00::1/64']);
  });
});

describe('comments', () => {
  test('a comment behind a value is no part of it', () => {
    expect(interfaceOf(parseDocument('[Interface] # home\nListenPort = 5 # five\n')).listenPort).toBe(5);
  });

  test('a line that is commented out is not read', () => {
    expect(interfaceOf(parseDocument('[Interface]\n#ListenPort = 5\n # PostUp = a\n'))).toEqual(EMPTY_CONFIG);
  });

  test('a semicolon starts no comment', () => {
    expect(interfaceOf(parseDocument('[Interface]\nPostUp = a; b\n')).postUp).toEqual(['a; b']);
  });

  test('a hook keeps its # and what follows', () => {
    expect(interfaceOf(parseDocument('[Interface]\nPostUp = echo "#1"\n')).postUp).toEqual(['echo "#1"']);
  });
});

describe('white space inside of a value', () => {
  const KEY = 'cL1NSNmv9SeD129gd8oYNo6HoMHqZ+ETtlQIfSiR0EY=';
  const spaced = `${KEY.slice(0, 10)} \t${KEY.slice(10)}`;

  test('says nothing to wg, in keys of the interface and of peers', () => {
    const document = parseDocument(
      `[Interface]\nPrivateKey = ${spaced}\nListen Port = 51 820\nFwMark = 0x ca6c\n[Peer]\nPublicKey = ${spaced}\nAllowedIPs = 10.0. 0.0/24 , fd00:: /64\n`,
    );
    const { privateKey, listenPort, fwMark, invalid } = interfaceOf(document);
    expect(privateKey?.privateKey?.reveal()).toBe(KEY);
    expect({ listenPort, fwMark, invalid }).toEqual({ listenPort: 51_820, fwMark: 0xca6c, invalid: {} });
    expect(peerKeys(document)).toEqual([KEY]);
    expect(allowedIpsOf(document)).toEqual(['10.0.0.0/24', 'fd00::/64']);
  });

  test('parts the items of lists of wg-quick, and makes its other values none', () => {
    const document = parseDocument('[Interface]\nAddress = 10.0.0.1 / 24\nDNS = 1.1.1.1 a.example\nMTU = 14 20\n');
    expect(interfaceOf(document)).toMatchObject({
      addresses: ['10.0.0.1/32'],
      dns: ['1.1.1.1', 'a.example'],
      mtu: null,
      invalid: { addresses: ['/', '24'], mtu: ['14 20'] },
    });
  });
});

test('hooks keep =, commas and quotes', () => {
  const hook = 'iptables -m comment --comment "a=b, c" -i %i';
  expect(interfaceOf(parseDocument(`[Interface]\nPostUp=${hook}\n`)).postUp).toEqual([hook]);
});

test('lines that we do not own are listed trimmed, without those of peers', () => {
  const text = '[Interface]\n Jc = 4\nSaveConfig = true\nMTU = 1400\n# note\n[Peer]\nNickname = x\n';
  expect(unmanagedLines(parseDocument(text))).toEqual(['Jc = 4', 'SaveConfig = true']);
});

test.each([
  { line: 'SaveConfig = true', saves: true },
  { line: 'saveconfig=TRUE # yes', saves: true },
  { line: 'SaveConfig = false', saves: false },
  { line: '# SaveConfig = true', saves: false },
])('N16: whether wg-quick would overwrite the file with "$line" is $saves', ({ line, saves }) => {
  expect(savesConfig(parseDocument(`[Interface]\n${line}\n`))).toBe(saves);
});

test('I1: peer keys are found in sections of any letter case', () => {
  const text = '[Interface]\n[Peer]\nPublicKey = a=\n[peer]\npublickey=b=\n[ PEER ]\n Public Key = c= # bob\n';
  expect(peerKeys(parseDocument(text))).toEqual(['a=', 'b=', 'c=']);
});

test.each([
  { text: '[Interface]\nAddress = 10.7.0.1/24\n', line: null },
  { text: '[ Interface ]\nListenPort = 5\n', line: null },
  { text: '[ Interface ]\nListenPort = 5\n# x\nAddress = 10.7.0.1/24\n', line: 4 },
  { text: ' [interface] # c\r\nMTU = 1300\n', line: null },
  { text: '[Interface ]\n[Peer]\n[Interface]\nMTU = 1300\n', line: null },
])('wg-quick takes its own keys under a plain header only: $text', ({ text, line }) => {
  expect(strayLine(parseDocument(text))).toBe(line);
});
