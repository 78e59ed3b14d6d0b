import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { HOSTILE } from '../fixtures/hooks/hostile.ts';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { INTERFACE } from '../support/fleet.ts';
import { startPinger } from '../support/lab/pinger.ts';
import { HOOKS_DOWN, HOOKS_UP, useHookHost } from '../support/hook-host.ts';
import { isFull } from '../support/scene.ts';
import { attachTracer } from '../support/syscall-tracer.ts';
import { greetingAt, startGreeter, THIRD_HOSTS } from '../support/third-hosts.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;
const PINGS = isFull ? 900 : 100;
/** That the controller's client takes of an error. */
const DETAILS = 16;
describe('H3 hooks of the grammar, which a fresh install takes', () => {
  const { alone, sh, put, enable, disable, conf, index, rules } = useHookHost();

  test('the lines that people publish run unchanged, once, and are taken back', async () => {
    await conf();
    await put({ post_up: HOOKS_UP, pre_down: HOOKS_DOWN, options: { state: 'up' } });
    const there = await rules();
    expect(there).toBe(`-A FORWARD -i ${INTERFACE} -j ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\n`);
    expect(await put({ post_up: HOOKS_UP, pre_down: HOOKS_DOWN })).toMatchObject({ changed: false });
    await disable();
    expect(await rules()).toBe('');
    // Every command that a hook ran is a line of the audit log, beside the requests.
    const audit = await sh(
      `sed 's/.*"kind":"\\([a-z]*\\)","\\(argv\\|verb\\)":\\([^]]*\\).*/\\1 \\3/' /var/lib/wgnode/audit.log`,
    );
    expect(audit.split('\n').filter((line) => line.startsWith('command'))).toEqual([
      expect.stringMatching(/^command \["\/usr\/sbin\/iptables","-w","-A","FORWARD"/),
      expect.stringContaining('"-t","nat","-A","POSTROUTING"'),
      expect.stringContaining('"-D","FORWARD"'),
      expect.stringContaining('"-t","nat","-D","POSTROUTING"'),
    ]);
    expect(audit.match(/^change/gm)).toHaveLength(3);
  });

  test('plain wg-quick on the same file does the same, both ways', async () => {
    await conf();
    const post_up = [
      ...HOOKS_UP,
      'ip rule add from 10.7.0.0/24 table 77 priority 7700; ip route add 198.51.100.0/24 dev %i table 77',
      'nft add table ip wg_%i; nft add chain ip wg_%i c \'{ type filter hook input priority 0 ; }\'; nft add rule ip wg_%i c iifname "%i" counter accept',
      "bash -c 'ip rule del table 78; ip route replace 203.0.113.0/24 dev %i table 77'",
    ];
    const pre_down = [...HOOKS_DOWN, 'ip rule del table 77; ip route flush table 77', 'nft delete table ip wg_%i'];
    await put({ post_up, pre_down, options: { state: 'up' } });
    const ours = await rules();
    await sh(`wg-quick down ${INTERFACE}`);
    expect(await rules()).toBe('');
    await sh(`wg-quick up ${INTERFACE}`);
    expect(await rules()).toBe(ours);
    await disable();
    expect(await rules()).toBe('');
  });

  test('a rule that is added later touches nothing else', async () => {
    await conf();
    await put({ post_up: HOOKS_UP, pre_down: HOOKS_DOWN, options: { state: 'up' } });
    const device = await index();
    const more = 'iptables -A INPUT -p udp --dport 51820 -j ACCEPT';
    const answer = await put({ post_up: [...HOOKS_UP, more], pre_down: [...HOOKS_DOWN, more.replace('-A', '-D')] });
    expect(answer).toMatchObject({ changed: true, impact: 'None' });
    expect(await index()).toBe(device);
    expect((await rules()).split('\n').filter((line) => line.includes('FORWARD'))).toHaveLength(1);
    expect(await rules()).toContain('--dport 51820 -j ACCEPT');
  });

  test('R7: a line that changes by one rule: no packet of a third host is lost behind FORWARD DROP', async () => {
    await sh(THIRD_HOSTS);
    await conf();
    const back = 'iptables -A FORWARD -i vright -o vleft -j ACCEPT';
    await put({ post_up: [`iptables -A FORWARD -i vleft -j ACCEPT; ${back}`], options: { state: 'up' } });
    const device = await index();
    const ping = await startPinger({
      target: '10.92.0.2',
      intervalMs: 20,
      env: process.env as Record<string, string>,
      argvFor: (argv) => alone.host.argvFor(['ip', 'netns', 'exec', 'left', ...argv]),
    });
    await until('pings before the change', () => ping.received() >= PINGS / 2, { timeoutMs: 120_000 });
    // What lets them through is another rule from now on; then all of them are others.
    for (const post_up of [
      [`iptables -A FORWARD -i vleft -o vright -j ACCEPT; ${back}`],
      ['iptables -A FORWARD -s 10.91.0.0/24 -j ACCEPT', 'iptables -I FORWARD -d 10.91.0.0/24 -j ACCEPT'],
    ])
      expect(await put({ post_up })).toMatchObject({ changed: true, impact: 'None' });
    await until('pings after the change', () => ping.sent() >= PINGS, { timeoutMs: 120_000 });
    expect(await ping.stop()).toMatchObject({ lost: 0 });
    expect(await index()).toBe(device);
    expect(await rules()).toBe('-A FORWARD -d 10.91.0.0/24 -j ACCEPT\n-A FORWARD -s 10.91.0.0/24 -j ACCEPT\n');
  });

  test('a hook that is not taken is named by its word, and nothing was done', async () => {
    await conf('MTU = 1400');
    await enable();
    const file = await alone.host.readFile(CONF);
    await expect(put({ mtu: 1300, post_up: [...HOOKS_UP, 'curl http://192.0.2.1'] })).rejects.toMatchObject({
      agentCode: 'hook_not_allowed',
      details: [expect.stringMatching(/^spec\.interface\.postUp\[1\]: `curl` at character 1: .*allowCommands/)],
    });
    expect(await alone.host.readFile(CONF)).toBe(file);
    expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe('1400\n');
  });

  test('what stands in the file is the word of the host: it runs as in wg-quick, and stays with a change of something else', async () => {
    await conf('PostUp = echo "up $INTERFACE" >> /run/log', 'PostDown = echo "down $INTERFACE" >> /run/log');
    await enable();
    await put({ mtu: 1390 });
    expect(await alone.host.readFile(CONF)).toContain('PostUp = echo "up $INTERFACE" >> /run/log');
    await disable();
    expect(await sh('cat /run/log')).toBe(`up ${INTERFACE}\ndown ${INTERFACE}\n`);
  });

  test('a key comes from a file of root alone', async () => {
    await conf();
    await sh(`(umask 077; wg genkey > /etc/wireguard/own.key); wg pubkey < /etc/wireguard/own.key > /run/log`);
    await put({ post_up: ['wg set %i private-key /etc/wireguard/own.key'], options: { state: 'up' } });
    expect(await sh(`wg show ${INTERFACE} public-key`)).toBe(await sh('cat /run/log'));
    await disable();
    await sh('chmod 644 /etc/wireguard/own.key');
    await expect(enable()).rejects.toThrow(
      /The key file \/etc\/wireguard\/own\.key must be a regular file of root with mode 0600/,
    );
    expect(await sh(`test -e /sys/class/net/${INTERFACE} && echo there || echo gone`)).toBe('gone\n');
  });

  test('a program of the host runs with the words that its policy names, and only while nobody else can write it', async () => {
    await conf();
    await sh(`printf '#!/bin/sh\\necho "$@" >> /run/log\\n' > /etc/wireguard/own.sh; chmod 755 /etc/wireguard/own.sh`);
    const hooks = { post_up: ['/etc/wireguard/own.sh up %i'], post_down: ['/etc/wireguard/own.sh down %i'] };
    await put({ ...hooks, options: { state: 'up' } });
    await disable();
    expect(await sh('cat /run/log')).toBe(`up ${INTERFACE}\ndown ${INTERFACE}\n`);
    await expect(put({ ...hooks, post_up: ['/etc/wireguard/own.sh up eth0'] })).rejects.toMatchObject({
      agentCode: 'hook_not_allowed',
    });
    await sh('chmod 777 /etc/wireguard/own.sh');
    await expect(enable()).rejects.toThrow(/own\.sh must belong to root and be writable by nobody else/);
  });

  test('a set-up without its teardown gets it, in the file, so that plain wg-quick takes it back, too', async () => {
    await conf();
    const answer = await put({ post_up: HOOKS_UP, options: { state: 'up' } });
    expect(answer).not.toHaveProperty('warnings');
    expect(await alone.host.readFile(CONF)).toContain(
      'PostDown = iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE || true\nPostDown = iptables -w -D FORWARD -i %i -j ACCEPT || true\n',
    );
    expect(await put({ post_up: HOOKS_UP })).toMatchObject({ changed: false });
    await sh(`wg-quick down ${INTERFACE}`);
    expect(await rules()).toBe('');
  });

  test('-A in a teardown where -D was meant is told, and written as it was sent', async () => {
    await conf();
    const wrong = 'iptables -w -A FORWARD -i %i -j ACCEPT';
    const answer = await put({ post_up: [wrong], pre_down: [wrong], options: { state: 'up' } });
    expect(answer).toMatchObject({
      warnings: [
        'preDown[0] sets up anew what it should take back; `iptables -w -D FORWARD -i %i -j ACCEPT` was meant',
      ],
    });
    expect(await alone.host.readFile(CONF)).toContain(`PreDown = ${wrong}\n`);
    await disable();
    await sh('iptables -F FORWARD');
  });

  test.each([
    ['each adds it', 'iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE'],
    [
      'it is checked first',
      'iptables -t nat -C POSTROUTING -o eth0 -j MASQUERADE || iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
    ],
  ])('two interfaces with the same rule do not cut each other off: %s', async (_what, rule) => {
    const other = 'wgother';
    const text = (await (await conf(), alone.host.readFile(CONF)))
      .replace('51820', '51821')
      .replace('10.7.0.1', '10.8.0.1');
    await alone.host.writeFile(`/etc/wireguard/${other}.conf`, text);
    const masquerade = (): Promise<string> => sh('iptables-save -t nat | grep -c MASQUERADE || true');
    try {
      const pre_down = ['iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE'];
      await put({ post_up: [rule], pre_down, options: { state: 'up' } });
      const body = await putBodyOf(alone.host, {
        listen_port: 51821,
        address: ['10.8.0.1/24'],
        post_up: [rule],
        pre_down,
        options: { state: 'up' },
      });
      await alone.client.putConfig(other, body, CALL);
      await disable();
      expect(await masquerade()).toBe('1\n');
      await alone.client.setState(other, 'disable', CALL);
      expect(await masquerade()).toBe('0\n');
    } finally {
      await sh(`ip link delete ${other} 2>/dev/null; rm -f /etc/wireguard/${other}.conf; iptables -t nat -F`);
    }
  });

  test('a set-up that fails half way takes back what it set up, and no rule like one that it did not come to', async () => {
    await conf();
    await enable();
    await sh('iptables -A INPUT -p udp --dport 53 -j ACCEPT');
    const post_up = [
      'iptables -A FORWARD -i %i -j ACCEPT; iptables -A NOSUCH -j ACCEPT; iptables -A INPUT -p udp --dport 53 -j ACCEPT',
    ];
    await disable();
    await expect(put({ post_up, options: { state: 'up' } })).rejects.toMatchObject({ agentCode: 'apply_failed' });
    expect(await rules()).toBe('-A INPUT -p udp -m udp --dport 53 -j ACCEPT\n');
    await sh('iptables -F INPUT');
  });

  test('a port that is forwarded: a connection of a third host comes through, and no more once the interface is down', async () => {
    await sh(THIRD_HOSTS);
    await conf();
    // As one finds them: the lines of a gateway before a server at home.
    const post_up = [
      'iptables -A FORWARD -i vleft -o vright -p tcp --syn --dport 80 -m conntrack --ctstate NEW -j ACCEPT',
      'iptables -A FORWARD -i vleft -o vright -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables -A FORWARD -i vright -o vleft -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables -t nat -A PREROUTING -i vleft -p tcp --dport 8080 -j DNAT --to-destination 10.92.0.2:80',
    ];
    const server = await startGreeter(alone.host, {
      namespace: 'right',
      address: '10.92.0.2',
      port: 80,
      word: 'hello',
    });
    const ask = (): Promise<string> => sh(greetingAt('left', '10.91.0.1', 8080));
    try {
      expect(await ask()).toBe('none\n');
      await put({ post_up, options: { state: 'up' } });
      expect(await ask()).toBe('hello 10.91.0.2');
      await disable();
      expect(await ask()).toBe('none\n');
    } finally {
      server.stop();
    }
  });

  test('X3 no hostile hook reaches execve', async () => {
    await conf();
    await enable();
    const [output, pid] = [join(alone.lab.folder, 'hostile.strace'), alone.host.agent.pid ?? 0];
    const tracer = await attachTracer({ pid, args: ['-e', 'trace=execve'], output });
    // Beside these the schema refuses what is no line: control characters, `#`, an empty one.
    const isLine = (text: string): boolean => text.trim() !== '' && !/[\p{Cc}\p{Zl}#]/u.test(text);
    const taken: string[] = [];
    for (const hook of HOSTILE.filter((text) => !isLine(text)))
      await put({ post_up: [hook, 'echo a'] }).then(
        () => taken.push(hook),
        () => undefined,
      );
    const lines = HOSTILE.filter(isLine);
    for (let at = 0; at < lines.length; at += DETAILS) {
      const post_up = lines.slice(at, at + DETAILS);
      await expect(put({ post_up })).rejects.toMatchObject({
        agentCode: 'hook_not_allowed',
        details: { length: post_up.length },
      });
    }
    await tracer.stop();
    expect(taken.filter((text) => text.trim() !== '')).toEqual([]);
    const programs = [...readFileSync(output, 'utf8').matchAll(/execve\("([^"]*)"/g)].map(([, program]) => program);
    expect(programs.filter((program) => !/\/(?:wg|ip)$/.test(program ?? ''))).toEqual([]);
  });
});
