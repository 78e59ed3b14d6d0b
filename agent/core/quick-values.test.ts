import { expect, test } from '@jest/globals';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { quickValues } from './quick-values.ts';

const NONE = { addresses: [], mtu: '', dns: [], search: [], table: 'auto' };

test.each([
  { name: 'nothing', text: '', expected: NONE },
  {
    name: 'lists accumulate, over commas, spaces and lines',
    text: '[Interface]\nAddress = 10.0.0.1/24,fd00::1/64\naddress = 10.0.0.2\t10.0.0.3 # c\nDNS = 192.0.2.53, corp.example\nDNS = fd00::53\n',
    expected: {
      ...NONE,
      addresses: ['10.0.0.1/24', 'fd00::1/64', '10.0.0.2', '10.0.0.3'],
      dns: ['192.0.2.53', 'fd00::53'],
      search: ['corp.example'],
    },
  },
  {
    name: 'of MTU and Table the last line counts, an empty one too',
    text: '[Interface]\nMTU = 1400\nMTU =\nTable = 5\nTable = off\n',
    expected: { ...NONE, mtu: '', table: 'off' },
  },
  { name: 'Table is case-sensitive', text: '[Interface]\nTable = OFF\n', expected: { ...NONE, table: 'OFF' } },
  { name: 'keys of a peer are not its', text: '[Peer]\nMTU = 1400\n', expected: NONE },
])('$name', ({ text, expected }) => {
  expect(quickValues(parseDocument(text))).toEqual(expected);
});
