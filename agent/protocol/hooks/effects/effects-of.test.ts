import { describe, expect, test } from '@jest/globals';
import { EMPTY_CONFIG } from '../../wgquick/config.ts';
import { keyOf } from './effect.ts';
import { effectsOf } from './effects-of.ts';

const of = (...postUp: readonly string[]): string[] =>
  effectsOf({ ...EMPTY_CONFIG, postUp }, 'wg0').map(({ effect }) => keyOf(effect));

const RULE = 'firewall rule iptables filter FORWARD -i wg0 -j ACCEPT';
const ROWS: readonly (readonly [string, readonly string[], readonly unknown[]])[] = [
  ['a rule', ['iptables -A FORWARD -i %i -j ACCEPT'], [RULE]],
  ['-w, a table and a place are no part of it', ['iptables -w 5 -t filter -I FORWARD 1 -i %i -j ACCEPT'], [RULE]],
  ['long options', ['iptables --append FORWARD -i wg0 -j ACCEPT'], [RULE]],
  ['a check before it', ['iptables -C FORWARD -i %i -j ACCEPT || iptables -A FORWARD -i %i -j ACCEPT'], [RULE]],
  ['deleted again', ['iptables -A FORWARD -i %i -j ACCEPT', 'iptables -D FORWARD -i %i -j ACCEPT'], []],
  [
    'deleted again in another spelling',
    ['iptables -A FORWARD -s 0/0 -i %i -j ACCEPT', 'iptables -D FORWARD -i %i -j ACCEPT'],
    [],
  ],
  [
    'everything, as iptables has it',
    ['iptables -A FORWARD -s 0/0 -j ACCEPT'],
    ['firewall rule iptables filter FORWARD -s 0/0 -j ACCEPT'],
  ],
  ['deleted first', ['iptables -D FORWARD -i %i -j ACCEPT || true; iptables -A FORWARD -i %i -j ACCEPT'], [RULE]],
  [
    'a comment',
    ['iptables -t nat -A POSTROUTING -o eth0 -m comment --comment "of the tunnel" -j MASQUERADE'],
    ['firewall rule iptables nat POSTROUTING -o eth0 -m comment --comment "of the tunnel" -j MASQUERADE'],
  ],
  [
    'a chain, filled and emptied',
    ['iptables -N WG', 'iptables -A WG -j DROP', 'iptables -F WG', 'iptables -A WG -j ACCEPT'],
    [
      JSON.stringify({ kind: 'firewall chain', program: 'iptables', table: 'filter', chain: 'WG' }),
      'firewall rule iptables filter WG -j ACCEPT',
    ],
  ],
  [
    'the last value of a setting',
    ['sysctl -w net.ipv4.ip_forward=0', 'sysctl -qw net.ipv4.ip_forward=1'],
    ['setting net.ipv4.ip_forward'],
  ],
  ['what nobody can look at', ['echo up', 'wg set %i fwmark 5', 'ufw allow 51820/udp', 'curl 192.0.2.1'], []],
];

describe('D4 what up hooks leave on the host', () => {
  test.each(ROWS)('%s', (_what, lines, keys) => {
    expect(of(...lines)).toEqual(keys);
  });

  test('of policy rules and routes what was said, in one spelling', () => {
    const lines = [
      'ip rule add from 10.7.0.9/24 fwmark 0x5/0xff lookup main pref 7700',
      'ip -6 route replace default via 2001:DB8::1 dev eth0 table 77 metric 5',
      'ip rule add not from all fwmark 51820 table 51820',
      'ip route add blackhole 198.51.100.7 table 77',
    ];
    expect(effectsOf({ ...EMPTY_CONFIG, postUp: lines }, 'wg0').map(({ effect }) => effect)).toEqual([
      {
        kind: 'policy rule',
        version: '-4',
        isNot: false,
        from: '10.7.0.0/24',
        mark: '5/255',
        table: '254',
        priority: 7700,
      },
      { kind: 'route', version: '-6', destination: '::/0', table: '77', via: '2001:db8::1', dev: 'eth0', metric: 5 },
      { kind: 'policy rule', version: '-4', isNot: true, mark: '51820/4294967295', table: '51820' },
      { kind: 'route', version: '-4', destination: '198.51.100.7/32', table: '77', type: 'blackhole' },
    ]);
    expect(of(...lines, 'ip rule del table 51820', 'ip route flush table 77')).toHaveLength(2);
  });

  test('rules of nft are counted in the chains that the hooks make', () => {
    const lines = [
      'nft add table ip wg_%i',
      "nft add chain ip wg_%i c '{ type filter hook input priority 0 ; }'",
      'nft add rule ip wg_%i c iifname "%i" accept',
      'nft add rule ip wg_%i c counter',
      'nft add rule inet filter forward iifname "%i" accept',
    ];
    expect(effectsOf({ ...EMPTY_CONFIG, postUp: lines }, 'wg0').map(({ effect }) => effect)).toEqual([
      { kind: 'nft', family: 'ip', table: 'wg_wg0', chain: null, rule: null },
      { kind: 'nft', family: 'ip', table: 'wg_wg0', chain: 'c', rule: null },
      { kind: 'nft', family: 'ip', table: 'wg_wg0', chain: 'c', rule: 1 },
      { kind: 'nft', family: 'ip', table: 'wg_wg0', chain: 'c', rule: 2 },
    ]);
    expect(of(...lines, 'nft flush chain ip wg_%i c')).toHaveLength(2);
  });

  test.each([
    ['iptables -A FORWARD -i %i -j ACCEPT || true', true],
    ['iptables -A FORWARD -i %i -j ACCEPT && iptables -A FORWARD -o %i -j ACCEPT; echo done', true],
    ['iptables -A FORWARD -i %i -j ACCEPT && iptables -A FORWARD -o %i -j ACCEPT', false],
    ['iptables -C FORWARD -i %i -j ACCEPT || iptables -A FORWARD -i %i -j ACCEPT', false],
  ])('whether its line goes on where it fails: %s', (line, mayFail) => {
    expect(effectsOf({ ...EMPTY_CONFIG, postUp: [line] }, 'wg0')[0]).toMatchObject({ mayFail });
  });
});
