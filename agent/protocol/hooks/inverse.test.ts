import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { commandsOf, derivedInverse, inverseOf } from './inverse.ts';
import { parseHook } from './parse-hook.ts';

function inverseOfLine(line: string): string | null {
  const parsed = parseHook(line, { device: null, allowed: [{ path: '/bin/own', args: [] }] });
  if ('refusal' in parsed) throw new Error(parsed.refusal.reason);
  return inverseOf(parsed.hook);
}

test.each([
  [
    'iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
    'iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE; iptables -w -D FORWARD -i %i -j ACCEPT',
  ],
  ['iptables -I FORWARD 1 -i %i -j ACCEPT', 'iptables -w -D FORWARD -i %i -j ACCEPT'],
  ['ip6tables-legacy --insert INPUT -j ACCEPT', 'ip6tables-legacy -w -D INPUT -j ACCEPT'],
  ['iptables -N mine; iptables -A mine -j DROP', 'iptables -w -D mine -j DROP; iptables -w -X mine'],
  ['iptables -C INPUT -j ACCEPT 2>/dev/null || iptables -A INPUT -j ACCEPT', 'iptables -w -D INPUT -j ACCEPT'],
  ['ip rule add from 10.0.0.0/8 table 7 || true', 'ip rule del from 10.0.0.0/8 table 7 || true'],
  ['ip -6 route add default dev %i table 7', 'ip -6 route del default dev %i table 7'],
  [
    'ip addr add 10.0.0.1/32 dev %i && ip route add 10.1.0.0/16 dev %i',
    'ip route del 10.1.0.0/16 dev %i && ip addr del 10.0.0.1/32 dev %i',
  ],
  ['ufw route allow in on wg0 out on eth0', 'ufw route delete allow in on wg0 out on eth0'],
  ['firewall-cmd --zone=public --add-port 51820/udp', 'firewall-cmd --zone=public --remove-port 51820/udp'],
  ["echo 'nameserver 10.0.0.1' | resolvconf -a %i -m 0 -x", 'resolvconf -d %i'],
  ['echo up', ''],
  ['true', ''],
  ['sysctl -w net.ipv4.ip_forward=1', null],
  ['ip route replace default dev %i table 7', null],
  ['ip route flush table 7', null],
  ['nft add rule ip a b accept', null],
  ['nft add rule ip a b accept || iptables -A INPUT -j ACCEPT', null],
  ['iptables -D INPUT -j ACCEPT', null],
  ['iptables -A INPUT -j ACCEPT; sysctl -w net.ipv4.ip_forward=1', null],
  ['/bin/own', null],
])('%s', (line, inverse) => {
  expect(inverseOfLine(line)).toBe(inverse);
});

test('H1 every inverse of a published line is a line of the grammar, and canonical', () => {
  const rows = readFileSync(new URL('../../../test/fixtures/hooks/wg-hooks.tsv', import.meta.url), 'utf8').split('\n');
  const inverses = rows.flatMap((row) => derivedInverse(row.split('\t')[2] ?? ''));
  expect(inverses.length).toBeGreaterThan(100);
  for (const inverse of inverses) expect(commandsOf(inverse).join('; ')).toBe(inverse);
});
