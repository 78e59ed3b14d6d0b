import { describe, expect, test } from '@jest/globals';
import { CALL } from '../support/agent-client.ts';
import { INTERFACE } from '../support/fleet.ts';
import { HOOKS_DOWN, HOOKS_UP, useHookHost } from '../support/hook-host.ts';
import { until } from '../support/until.ts';

describe('D4 what hooks left on the host', () => {
  const { alone, sh, put, conf, index, rules } = useHookHost();

  test.each([
    [
      'all rules, by hand',
      'iptables -F FORWARD; iptables -t nat -F POSTROUTING; ip rule del table 77; ip route flush table 77',
    ],
    ['one rule', 'iptables -D FORWARD -s 10.7.0.0/24 -j ACCEPT'],
    ['the ruleset, as a restart of a firewall does', 'nft flush ruleset'],
    ['a setting', `sysctl -qw net.ipv4.conf.${INTERFACE}.proxy_arp=0`],
    ['a rule of a chain of nft', `nft flush chain ip wg_${INTERFACE} c`],
  ])('is seen to be gone, and is brought back in its order: %s', async (_what, remove) => {
    await conf();
    await sh('iptables -A FORWARD -i eth9 -j DROP');
    const post_up = [
      ...HOOKS_UP,
      'iptables -A FORWARD -s 10.7.0.0/24 -j ACCEPT',
      'iptables -A FORWARD -o %i -j REJECT',
      'ip rule add from 10.7.0.0/24 table 77 priority 7700; ip route add 198.51.100.0/24 dev %i table 77',
      'nft add table ip wg_%i; nft add chain ip wg_%i c \'{ type filter hook input priority 0 ; }\'; nft add rule ip wg_%i c iifname "%i" counter accept',
      'sysctl -qw net.ipv4.conf.%i.proxy_arp=1',
    ];
    await put({ post_up, options: { state: 'up' } });
    const settings = (): Promise<string> => sh(`sysctl net.ipv4.conf.${INTERFACE}.proxy_arp`);
    const there = [await rules(), await settings()];
    const device = await index();
    const look = async (): Promise<Record<string, unknown>> => ({
      ...(await alone.client.readConfig(INTERFACE, undefined, CALL)),
    });
    expect(await look()).toMatchObject({
      response: { drift: [], hooks: Array.from({ length: 10 }, () => ({ present: true })) },
    });
    await sh(remove);
    await until('the loss is seen', async () => JSON.stringify(await look()).includes('"present":false'));
    expect(await look()).toMatchObject({
      response: {
        drift: [
          { path: 'spec.interface.postUp', live: expect.stringMatching(/^gone from the host: /), impact: 'None' },
        ],
      },
    });
    expect(await put({ post_up })).toMatchObject({
      changed: true,
      impact: 'None',
      plan: [{ action: 'restore-hooks' }],
    });
    const foreign = '-A FORWARD -i eth9 -j DROP\n';
    expect([await rules(), await settings()].map((text) => text.replace(foreign, ''))).toEqual(
      there.map((text) => text.replace(foreign, '')),
    );
    expect(await index()).toBe(device);
    expect(await put({ post_up })).toMatchObject({ changed: false });
  });

  test('a hook that cannot be brought back keeps no other change away', async () => {
    await conf();
    await sh(
      'ip link add d9 type veth peer name d8; ip link set d8 up; ip addr add 10.99.0.1/24 dev d9; ip link set d9 up',
    );
    const post_up = ['ip route add 203.0.113.0/24 via 10.99.0.2 table 77'];
    await put({ post_up, options: { state: 'up' } });
    await sh('ip link del d9');
    const answer = await put({ mtu: 1300, post_up });
    expect(answer).toMatchObject({
      changed: true,
      warnings: [expect.stringMatching(/whose effect was lost\[0\] failed/)],
    });
    expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe('1300\n');
    expect(await alone.client.readConfig(INTERFACE, undefined, CALL)).toMatchObject({
      response: { drift: [{ path: 'spec.interface.postUp' }] },
    });
  });

  test('what somebody else brought up is looked at, too', async () => {
    await conf(...HOOKS_UP.map((line) => `PostUp = ${line}`), ...HOOKS_DOWN.map((line) => `PreDown = ${line}`));
    await sh(`wg-quick up ${INTERFACE}`);
    expect(await alone.client.readConfig(INTERFACE, undefined, CALL)).toMatchObject({ response: { drift: [] } });
    await sh('iptables -F');
    expect(await put({ post_up: HOOKS_UP, pre_down: HOOKS_DOWN })).toMatchObject({
      plan: [{ action: 'restore-hooks' }],
    });
    expect(await rules()).toBe(`-A FORWARD -i ${INTERFACE} -j ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\n`);
  });
});
