import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { HOSTILE } from '../../../test/fixtures/hooks/hostile.ts';
import { madeBy } from './made-by.ts';
import { parseHook } from './parse-hook.ts';
import { refusalText } from './refusal.ts';
import { renderHook } from './render-hook.ts';

const ANYBODY = { device: null, allowed: [] };

/** The canonical line, or why there is none. */
function verdictOf(line: string, context = ANYBODY as Parameters<typeof parseHook>[1]): string {
  const parsed = parseHook(line, context);
  return 'hook' in parsed ? renderHook(parsed.hook) : `refused: ${refusalText(parsed.refusal)}`;
}

interface Line {
  readonly text: string;
  readonly weight: number;
}
const CORPUS: readonly Line[] = readFileSync(
  new URL('../../../test/fixtures/hooks/wg-hooks.tsv', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .slice(1)
  .map((row) => row.split('\t'))
  .map(([, , text = '', weight]) => ({ text, weight: Number(weight) }));
const weightOf = (lines: readonly Line[]): number => lines.reduce((sum, { weight }) => sum + weight, 0);
const isTaken = ({ text }: Line): boolean => 'hook' in parseHook(text, ANYBODY);

/** Why a published line that is refused is refused rightly: by what it is. */
const REASONS: readonly (readonly [string, RegExp])[] = [
  ['a script of its own', /\.sh\b|^\/bin\/example|^start\.sh/],
  ['systemctl: the host allows its services', /^systemctl /],
  ['another system', /netsh|networksetup|pfctl|\.bat"|net\.inet/],
  ['a shell program', /^eval |^if |^bash -c 'if |curl |mkdir |chmod |^rm |chattr |modprobe /],
  ['writes a file', /> \/etc\/resolv\.conf|>> \/(?:var|etc)/],
  ['the output of a program becomes a part of the line', /\$\(sed |\$\(docker |<\((?:some|su|pass) /],
  ['broken as published: a variable that only another hook sets', /^(?:HOMENET|KUBENET2)=/],
  ['broken as published: bash ends the command within braces', /priority (?:100|srcnat); policy accept; ?\}/],
  ['broken as published: bash makes a home folder of it', /domain %i ~$/],
  ['rules of others go with it', /^iptables -t mangle -F$|delete table ip nat/],
  ['reads a file of rules', /nft -f /],
  ['another interface, or its device', /^wg-quick |^ip link add dev wg0 /],
  ['ends the resolver for all', /^resolvconf --disable/],
  ['a program of the past: resolvectl', /^systemd-resolve /],
  ['a key outside of the folders for keys', /\/root\/\.ssh/],
  ['no ASCII', /—/],
];

describe('H1 the hooks that people publish', () => {
  test('at least 86 of 100 by weight are taken, and each that is not has its reason', () => {
    const refused = CORPUS.filter((line) => !isTaken(line));
    const unexplained = refused.filter(({ text }) => !REASONS.some(([, pattern]) => pattern.test(text)));
    expect(unexplained).toEqual([]);
    expect(1 - weightOf(refused) / weightOf(CORPUS)).toBeGreaterThanOrEqual(0.86);
  });

  test('each refusal names a word, and what is allowed or does the same', () => {
    for (const { text } of CORPUS) {
      const parsed = parseHook(text, ANYBODY);
      if ('hook' in parsed) continue;
      const { token, at, allowed, instead } = parsed.refusal;
      expect({ text, found: text.includes(token) || at >= text.length, help: allowed ?? instead }).toEqual({
        text,
        found: true,
        help: expect.any(String),
      });
    }
  });

  test('what is taken has a canonical line that is taken as itself', () => {
    for (const line of CORPUS.filter(isTaken)) expect(verdictOf(verdictOf(line.text))).toBe(verdictOf(line.text));
  });

  test('a host that allows its scripts and services takes those lines, too, with these words alone', () => {
    const allowed = [
      { path: '/etc/wireguard/scripts/postup.sh', args: [/^(?:%i|wg0)$/] },
      { path: '/usr/bin/systemctl', args: [/^(?:start|stop|restart)$/, /^unbound$/] },
    ];
    const context = { device: 'wg0', allowed };
    expect(verdictOf('/etc/wireguard/scripts/postup.sh %i', context)).toBe('/etc/wireguard/scripts/postup.sh %i');
    expect(verdictOf('systemctl start unbound', context)).toBe('/usr/bin/systemctl start unbound');
    for (const line of [
      '/etc/wireguard/scripts/postup.sh',
      '/etc/wireguard/scripts/postup.sh %i x',
      '/etc/wireguard/scripts/postup.sh wg01',
      '/etc/wireguard/scripts/../scripts/postup.sh %i',
      'postup.sh $(id)',
      'systemctl start sshd',
      'PATH=/tmp; systemctl start unbound',
      "bash -c 'IFS=x; systemctl start unbound'",
      '/tmp/systemctl start unbound',
    ])
      expect(verdictOf(line, context)).toMatch(/^refused: /);
  });
});

test.each([
  ['iptables -A FORWARD -i wg0 -j ACCEPT;', 'iptables -w -A FORWARD -i wg0 -j ACCEPT'],
  ['/usr/sbin/iptables  -A  INPUT -p TCP --dport 80 -j ACCEPT', 'iptables -w -A INPUT -p TCP --dport 80 -j ACCEPT'],
  ["sudo iptables -t nat -D PREROUTING '!' --dport 22 -j DNAT --t 10.0.0.2", 'refused'],
  ["iptables -A INPUT '!' -i eth0 -j DROP", 'iptables -w -A INPUT ! -i eth0 -j DROP'],
  ['ip rule del pref 100 2>/dev/null; true', 'ip rule del pref 100 2>/dev/null || true'],
  [
    "bash -c 'ip rule del pref 1; ip rule add pref 1 table 2'",
    'ip rule del pref 1 || true; ip rule add pref 1 table 2',
  ],
  [
    'N=10.0.0.0/8; ip route add $N dev %i; ip route add ${N} dev %i table 7',
    'ip route add 10.0.0.0/8 dev %i; ip route add 10.0.0.0/8 dev %i table 7',
  ],
  [
    "G=$(ip route | grep default | awk '{print $3}'); ip route add 10.0.0.0/8 via $G",
    "ip route add 10.0.0.0/8 via $(ip -4 route show default | awk '{print $3; exit}')",
  ],
  ['wg set %i private-key <(cat /etc/wireguard/%i.key)', 'wg set %i private-key /etc/wireguard/%i.key'],
  ['echo 1 > /proc/sys/net/ipv4/ip_forward', 'sysctl -q -w net.ipv4.ip_forward=1'],
  ["echo 'nameserver 10.0.0.1' | resolvconf -a %i -m 0 -x", "echo 'nameserver 10.0.0.1' | resolvconf -a %i -m 0 -x"],
  ['nft add chain ip wg { type nat hook postrouting priority 100 \\; }', 'refused'],
  [
    'nft add chain ip wg c { type nat hook postrouting priority 100 \\; }',
    "nft add chain ip wg c '{' type nat hook postrouting priority 100 ';' '}'",
  ],
  ['resolvectl domain %i "~."', "resolvectl domain %i '~.'"],
  ['ip rule add table $(wg show %i fwmark)', 'refused'],
  ['ip rule add fwmark $(wg show %i fwmark) table 7', 'ip rule add fwmark $(wg show %i fwmark) table 7'],
])('%s', (line, canonical) => {
  expect(verdictOf(line).slice(0, canonical.length)).toBe(canonical);
});

test('a name that is not the interface is not taken for it', () => {
  const context = { device: 'wg0', allowed: [] };
  expect(verdictOf('wg set wg0 fwmark 7', context)).toBe('wg set wg0 fwmark 7');
  expect(verdictOf('wg set wg1 fwmark 7', context)).toContain('`wg1` at character 8: is not the interface itself');
});

test('what others made is not emptied or deleted, what a hook of the interface made is', () => {
  const hooks = [
    'iptables -w -t mangle -N mine',
    'nft add table ip wg',
    'ip link add v%i type dummy',
    'ip route add 10.9.0.0/16 via 10.0.0.1',
  ];
  const pretended = ['echo iptables -N DOCKER-USER', 'ip6tables -N other || true', 'nft add table ip fw4'];
  const context = { device: 'wg0', allowed: [], made: madeBy([...hooks, ...pretended], 'wg0') };
  for (const line of [
    'iptables -t mangle -F mine',
    'iptables -t mangle -X mine',
    'nft delete table ip wg',
    'nft delete table ip wg_%i',
    'ip link del v%i',
    'ip link set v%i up',
    'ip route del 10.9.0.0/16 via 10.0.0.1',
    'ip address del 10.7.0.2/32 dev %i',
  ])
    expect(verdictOf(line, context)).not.toMatch(/^refused/);
  for (const line of [
    'iptables -F mine',
    'iptables -F DOCKER-USER',
    'ip6tables -X other',
    'nft delete table ip other',
    'nft delete table ip fw4',
    'nft delete table inet wg',
    'nft flush chain inet other c',
    'ip link del %i0',
    'ip route del 10.8.0.0/16 via 10.0.0.1',
    'ip address del 192.168.1.10/24 dev eth0',
    "nft add chain ip filter INPUT '{ type filter hook input priority 0; policy drop; }'",
  ])
    expect(verdictOf(line, context)).toMatch(/^refused/);
});

test.each([
  ['nat', 'nft delete table ip %i'],
  ['INPUT', 'iptables -F %i'],
  ['filter', 'nft flush table ip %i'],
  ['4', 'ip route flush table 25%i'],
  ['e', 'nft delete table ip other'],
])('a name of the interface that others use does not widen anything: %s, %s', (device, line) => {
  expect(verdictOf(line, { device, allowed: [], made: new Set() })).toMatch(/^refused/);
});

test('what is written is read back as it is, or refused', () => {
  const many = `bash -c '${'ip rule add pref 1; '.repeat(60)}true'`;
  expect(verdictOf(`${many}; ${many}`)).toMatch(/^refused: at its end: too long or too involved/);
  expect(verdictOf('ip rule del pref 7; true; true')).toBe('ip rule del pref 7 || true');
  expect(verdictOf('nft add rule ip a b meta mark 1 -f accept')).toBe("nft 'add rule ip a b meta mark 1 - f accept'");
});

test('X3 a hostile hook is not taken, whatever stands around it', () => {
  expect(HOSTILE.length).toBeGreaterThan(300);
  expect(HOSTILE.filter((line) => 'hook' in parseHook(line, { device: 'wg0', allowed: [] }))).toEqual([]);
});

test('a refusal says which word, where, what is allowed and what to write instead', () => {
  expect(verdictOf('iptables -A FORWARD -i wg0 --modprobe=/tmp/x -j ACCEPT')).toMatch(
    /^refused: `--modprobe=\/tmp\/x` at character 28: is nothing that iptables takes here in a hook; allowed here: -w, /,
  );
  expect(verdictOf('echo "nameserver 1.1.1.1" > /etc/resolv.conf')).toMatch(/instead: the field dns/);
});
