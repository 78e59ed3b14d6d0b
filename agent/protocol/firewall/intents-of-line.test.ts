import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { EMPTY_CONFIG } from '../wgquick/config.ts';
import { intentProblems } from './check.ts';
import { flowText, intentsOfLine } from './intents-of-line.ts';
import { canonicalIntent } from './members.ts';

/** The lines that people write most, and the intent that says the same. */
const ROWS: readonly (readonly [string, string])[] = [
  ['iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE', '{type: Masquerade, masquerade: {outInterface: eth0}}'],
  [
    'iptables -t nat -I POSTROUTING 1 -s 10.66.66.0/24 -o eth0 -j MASQUERADE',
    '{type: Masquerade, masquerade: {outInterface: eth0, sources: [10.66.66.0/24]}}',
  ],
  [
    'iptables -t nat -A POSTROUTING -s 0/0 -o eth0 -j MASQUERADE',
    '{type: Masquerade, masquerade: {outInterface: eth0}}',
  ],
  ['iptables -A FORWARD -i %i -j ACCEPT', '{type: Forward, forward: {}}'],
  [
    'iptables -A FORWARD -i %i -o eth0 -d 192.168.0.0/16 -j DROP',
    '{type: Forward, forward: {outInterface: eth0, destinations: [192.168.0.0/16], action: Drop}}',
  ],
  [
    'iptables -A FORWARD -o %i -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '{type: Forward, forward: {inInterface: wg0}}',
  ],
  ['iptables -I INPUT -p udp --dport 51820 -j ACCEPT', '{type: OpenPort, openPort: {protocol: UDP, ports: [51820]}}'],
  [
    'iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 10.7.0.2:80',
    '{type: PortForward, portForward: {inInterface: eth0, protocol: TCP, port: 8080, toAddress: 10.7.0.2, toPort: 80}}',
  ],
  [
    'iptables -t mangle -A FORWARD -o %i -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
    '{type: MSSClamp}',
  ],
  ['iptables -I OUTPUT ! -o %i -m mark ! --mark 51820 -m addrtype ! --dst-type LOCAL -j REJECT', '{type: KillSwitch}'],
  ['iptables -I FORWARD -i %i -o %i -j REJECT', '{type: PeerIsolation}'],
  ['sysctl -w net.ipv4.ip_forward=1', '{type: IPForwarding, ipForwarding: {families: [IPv4]}}'],
  [
    'ip rule add from 192.168.9.0/24 table 77',
    '{type: PolicyRoute, policyRoute: {sources: [192.168.9.0/24], table: 77, defaultRoute: false}}',
  ],
  [
    'iptables -t nat -A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.7',
    '{type: SNAT, snat: {outInterface: eth0, toAddress: 192.0.2.7}}',
  ],
];

describe('the intent that says the same as a line', () => {
  test('as the README says', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| `(.*)` \| `(\{type: .*)` \|$/gm)];
    expect(rows).toHaveLength(10);
    for (const [, line = '', text] of rows)
      expect(`${line}: ${flowText(intentsOfLine(line, 'wg0')[0])}`).toBe(`${line}: ${text ?? ''}`);
  });

  test.each(ROWS)('%s', (line, text) => {
    const [intent] = intentsOfLine(line, 'wg0');
    expect(flowText(intent)).toBe(text);
    const named = canonicalIntent({ name: 'a', ...intent });
    expect(intentProblems([named], { ...EMPTY_CONFIG, listenPort: 51820, invalid: [] })).toEqual([]);
  });

  test('of a line that the grammar does not take, as far as its words are plain', () => {
    expect(
      intentsOfLine('modprobe x; sudo iptables -A FORWARD -i %i -j ACCEPT 2>&1', 'wg0').map(({ type }) => type),
    ).toEqual(['Forward']);
  });

  test.each([
    'iptables -A FORWARD -i wg0 -m bpf --bytecode x -j ACCEPT',
    'iptables -t nat -A POSTROUTING -o $(ip route) -j MASQUERADE',
    'iptables -D FORWARD -i wg0 -j ACCEPT',
    'sysctl -w net.ipv4.ip_forward=0',
    'ip route add 10.0.0.0/8 dev wg0',
    'echo up',
  ])('none for %s', (line) => {
    expect(intentsOfLine(line, 'wg0')).toEqual([]);
  });
});
