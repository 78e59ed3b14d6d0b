import { describe, expect, test } from '@jest/globals';
import { KEY, PEER_A, PEER_B } from '../../test/fixtures/device.ts';
import { parseDocument } from '../protocol/wgquick/document.ts';
import { dumpAfter, uapiConfig } from './uapi-config.ts';

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
const config = (text: string): string[] | null => uapiConfig(parseDocument(text));
const NONE = [`private_key=${'0'.repeat(64)}`, 'listen_port=0', 'fwmark=0', 'replace_peers=true'];
const PEER = `[Peer]\nPublicKey = ${PEER_A}\n`;
const HEAD = [`public_key=${hex(PEER_A)}`, 'replace_allowed_ips=true'];
const KEY_TEXT = KEY.privateKey?.reveal() ?? '';

describe('a file in the words of wireguard-go', () => {
  test.each<{ name: string; text: string; expected: string[] }>([
    { name: 'what is not named is cleared', text: '', expected: NONE },
    {
      name: 'the last line of a key counts',
      text: `[Interface]\nPrivateKey = ${KEY_TEXT}\nListenPort = 5\nlistenport=6 # c\nFwMark = 0xca6c\n`,
      expected: [`private_key=${hex(KEY_TEXT)}`, 'listen_port=6', 'fwmark=51820', 'replace_peers=true'],
    },
    {
      name: 'a mark may have zeros before it, and is decimal',
      text: '[Interface]\nFwMark = 010\n',
      expected: [NONE[0] ?? '', 'listen_port=0', 'fwmark=10', 'replace_peers=true'],
    },
    {
      name: 'a peer',
      text: `${PEER}PresharedKey = ${PEER_A}\nEndpoint = [2001:db8::1]:5\nPersistentKeepalive = 25\nAllowedIPs = 10.0.0.1/8,fd00::/64\nAllowedIPs = 10.9.0.1\n`,
      expected: [
        ...NONE,
        ...HEAD,
        `preshared_key=${hex(PEER_A)}`,
        'endpoint=[2001:db8::1]:5',
        'persistent_keepalive_interval=25',
        'allowed_ip=10.0.0.1/8',
        'allowed_ip=fd00::/64',
        'allowed_ip=10.9.0.1/32',
      ],
    },
    { name: 'two sections of one peer', text: PEER + PEER, expected: [...NONE, ...HEAD, ...HEAD] },
  ])('$name', ({ text, expected }) => {
    expect(config(text)).toEqual(expected);
  });

  test.each([
    ['a name', `${PEER}Endpoint = hub.example:5\n`],
    ['a zone', `${PEER}Endpoint = [fe80::1%eth0]:5\n`],
    ['the name of a service', `${PEER}Endpoint = 198.51.100.7:domain\n`],
    ['an address without brackets', `${PEER}Endpoint = 2001:db8::1:5\n`],
    ['port 0', `${PEER}Endpoint = 198.51.100.7:0\n`],
    ['a port above 65535', '[Interface]\nListenPort = 65536\n'],
    ['an unknown key', '[Interface]\nJc = 4\n'],
    ['an unknown section', '[Foo]\n'],
    ['a line of no section', 'ListenPort = 5\n'],
    ['a line without =', `${PEER}AllowedIPs\n`],
    ['an empty list', `${PEER}AllowedIPs =\n`],
    ['a step of a list', `${PEER}AllowedIPs = +10.0.0.0/8\n`],
    ['a peer without a key', '[Peer]\nAllowedIPs = 10.0.0.0/8\n'],
    ['two keys in one section', `${PEER}PublicKey = ${PEER_A}\n`],
    ['a key that is none', '[Interface]\nPrivateKey = x\n'],
  ])('wg judges %s', (_name, text) => {
    expect(config(text)).toBeNull();
  });
});

describe('what a device has after it took the lines is known', () => {
  const after = (text: string): ReturnType<typeof dumpAfter> => dumpAfter(config(text) ?? []);
  const head = `[Interface]\nPrivateKey = ${KEY_TEXT}\n`;

  test('with networks as the kernel keeps them', () => {
    const dump = after(`${head}FwMark = 7\n${PEER}AllowedIPs = 10.0.0.1/8, fd00::5/64\nEndpoint = 192.0.2.7:5\n`);
    expect(dump).toMatchObject({
      fwMark: 7,
      peers: [{ publicKey: PEER_A, endpoint: '192.0.2.7:5', allowedIps: ['10.0.0.0/8', 'fd00::/64'] }],
    });
  });

  test.each([
    { name: 'a peer that has two sections', text: `${head}${PEER}${PEER.replace(PEER_A, PEER_B)}${PEER}` },
    { name: 'a peer that has the key of the device', text: `${head}${PEER.replace(PEER_A, KEY.publicKey)}` },
  ])('but for $name', ({ text }) => {
    expect(after(text)).toBeNull();
  });
});
