import { describe, expect, test } from '@jest/globals';
import { CALL } from '../support/agent-client.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useHookHost } from '../support/hook-host.ts';

/** Inputs of our own, each in the way of a public report of somebody whose hooks did not do what was meant. */
describe('H8 hooks of strangers', () => {
  const { alone, sh, put, enable, disable, conf, rules } = useHookHost();
  const NAT = 'iptables -t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -j MASQUERADE';
  const seen = async (): Promise<unknown> => alone.client.readConfig(INTERFACE, undefined, CALL);

  test('truenas/apps#1239, wg-easy/wg-easy#795: without a teardown every restart added the rules once more', async () => {
    await conf();
    await put({ post_up: [NAT, 'iptables -A FORWARD -i %i -j ACCEPT'], options: { state: 'up' } });
    const once = await rules();
    await disable();
    expect(await rules()).toBe('');
    await enable();
    expect(await rules()).toBe(once);
  });

  test('angristan/wireguard-install#578: a boot that brought the rules back already: checked first, they are there once', async () => {
    await conf();
    const check = 'iptables -C FORWARD -i %i -j ACCEPT 2>/dev/null || iptables -I FORWARD -i %i -j ACCEPT';
    await sh(`iptables -A FORWARD -i ${INTERFACE} -j ACCEPT`);
    await put({ post_up: [check], options: { state: 'up' } });
    expect(await rules()).toBe(`-A FORWARD -i ${INTERFACE} -j ACCEPT\n`);
    await disable();
    // It was there before: it is not ours.
    expect(await rules()).toBe(`-A FORWARD -i ${INTERFACE} -j ACCEPT\n`);
  });

  test('h44z/wg-portal#547: whether what a hook set up is there is told, and what took it away is put right', async () => {
    await conf();
    await put({ post_up: [NAT], options: { state: 'up' } });
    const command = 'iptables -w -t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -j MASQUERADE';
    expect(await seen()).toMatchObject({ response: { hooks: [{ list: 'post_up', line: 0, command, present: true }] } });
  });

  test('masipcat/wireguard-go-docker#14: a teardown that names another rule than the set-up leaves nothing all the same', async () => {
    await conf();
    await sh('(umask 077; wg genkey > /etc/wireguard/privatekey)');
    const post_up = [`wg set %i private-key /etc/wireguard/privatekey && ${NAT}`];
    await put({
      post_up,
      post_down: ['iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE'],
      options: { state: 'up' },
    });
    await disable();
    expect(await rules()).toBe('');
  });

  test('moby/libnetwork#375: a network that is written by the address of a host is the same rule', async () => {
    await conf();
    await put({ post_up: [NAT.replace('10.7.0.0/24', '10.7.0.1/24')], options: { state: 'up' } });
    expect(await seen()).toMatchObject({ response: { drift: [], hooks: [{ present: true }] } });
    await disable();
    expect(await rules()).toBe('');
  });

  test('wg-easy/wg-easy#156: the whole set of a gateway with a forwarded port, as it was published', async () => {
    await conf();
    const post_up = [
      'iptables -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1240',
      'iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
      'iptables -A FORWARD -i eth0 -o %i -p tcp --syn --dport 44158 -m conntrack --ctstate NEW -j ACCEPT',
      'iptables -A FORWARD -i eth0 -o %i -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 44158 -j DNAT --to-destination 10.7.0.2',
    ];
    const post_down = post_up.map((line) => line.replaceAll(' -A ', ' -D '));
    await put({ post_up, post_down, options: { state: 'up' } });
    expect((await rules()).split('\n')).toHaveLength(7);
    await sh('iptables -F; iptables -t nat -F');
    expect(await put({ post_up, post_down })).toMatchObject({ changed: true, impact: 'None' });
    expect((await rules()).split('\n')).toHaveLength(7);
    await disable();
    expect(await rules()).toBe('');
  });
});
