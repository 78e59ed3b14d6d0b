import { describe, expect, test } from '@jest/globals';
import { documentText, parseDocument } from './document.ts';
import { textForParseCheck, withoutSaveConfig } from './strip.ts';

const strip = (text: string): string => textForParseCheck(parseDocument(text));

describe('what wg parses', () => {
  test('all keys of wg-quick are left out, in any letter case', () => {
    const quick = 'Address,DNS,MTU,Table,PreUp,PostUp,PreDown,PostDown,SaveConfig'.split(',');
    const lines = quick.flatMap((key) => [`${key} = x`, `${key.toLowerCase()}=x`, `  ${key.toUpperCase()} = x`]);
    expect(strip(`[Interface]\n${lines.join('\n')}\nJc = 5\n`)).toBe('[Interface]\nJc = 5\n');
  });

  test('the keys of the interface that are those of wg are left out: our own grammar judges them', () => {
    expect(strip('[Interface]\nPrivateKey = a=\nlistenport = 1\nFwMark = 1\n')).toBe('[Interface]\n');
  });

  test('comments, unknown keys and the keys of peers stay', () => {
    const text = '# c\n[interface]\nJc = 4\n[Peer]\nPublicKey = b=\nAllowedIPs = 10.0.0.1\n';
    expect(strip(text)).toBe(text);
  });

  test('endpoints are left out, because wg would resolve their names', () => {
    expect(strip('[peer]\nPublicKey = b=\nENDPOINT = vpn.example.org:1\n')).toBe('[peer]\nPublicKey = b=\n');
  });

  test('a key of wg-quick in a peer section stays, for wg to refuse', () => {
    expect(strip('[Peer]\nMTU = 1400\n')).toBe('[Peer]\nMTU = 1400\n');
  });

  test('an endpoint in the interface section stays, for wg to refuse', () => {
    expect(strip('[Interface]\nEndpoint = a:1\n')).toBe('[Interface]\nEndpoint = a:1\n');
  });

  test('R12: a key of wg-quick with a space inside reaches wg, as wg-quick strip prints it', () => {
    const text = '[Interface]\nPost Up = echo a\nM T U = 1400\n';
    expect(strip(text)).toBe(text);
  });

  test('a last line without line feed gets one', () => {
    expect(strip('[Interface]\nJc = 5')).toBe('[Interface]\nJc = 5\n');
  });
});

describe('N16: the file without SaveConfig', () => {
  test.each([
    {
      name: 'loses the line in any letter case',
      text: '[Interface]\nsaveCONFIG=true\nMTU = 1\n',
      expected: '[Interface]\nMTU = 1\n',
    },
    {
      name: 'keeps a line of a peer section',
      text: '[Peer]\nSaveConfig = true\n',
      expected: '[Peer]\nSaveConfig = true\n',
    },
    {
      name: 'keeps a comment about it',
      text: '[Interface]\n# SaveConfig = true\n',
      expected: '[Interface]\n# SaveConfig = true\n',
    },
    {
      name: 'keeps line ends',
      text: '[Interface]\r\nSaveConfig = true\r\nMTU = 1',
      expected: '[Interface]\r\nMTU = 1',
    },
  ])('$name', ({ text, expected }) => {
    expect(documentText(withoutSaveConfig(parseDocument(text)))).toBe(expected);
  });
});
