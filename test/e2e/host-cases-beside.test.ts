import { describe, expect, test } from '@jest/globals';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** What people do by hand beside the agent: what a request did not ask for must not fail it, and what was taken away stays away. */
describe('cases from real hosts: what is done beside the agent', () => {
  const alone = useLoneHost(
    `ip link delete ${INTERFACE}; ip link delete wg1; ip link delete lan0; umount /usr/sbin/resolvconf; rm /etc/broken /etc/begun /etc/slow`,
  );
  const { sh } = alone;
  const put = async (change: object): Promise<unknown> =>
    alone.client
      .putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL)
      .catch((error: unknown) => String(error));
  const enable = (): Promise<unknown> => alone.client.setState(INTERFACE, 'enable', CALL);
  const disable = (): Promise<unknown> => alone.client.setState(INTERFACE, 'disable', CALL);
  const newKey = async (): Promise<string> => (await sh('wg genkey | wg pubkey')).trim();
  const conf = (address: string, lines: readonly string[] = [], peers = ''): string =>
    `[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = ${address}\nListenPort = 51820\n${lines.join('\n')}\n${peers}`;
  const peer = async (ips: string, key = ''): Promise<string> =>
    `[Peer]\nPublicKey = ${key || (await newKey())}\nAllowedIPs = ${ips}\n`;
  const LAN = 'ip tuntap add lan0 mode tap; ip link set lan0 up; ip address add 192.0.2.9/24 dev lan0';
  const index = (): Promise<string> => sh(`cat /sys/class/net/${INTERFACE}/ifindex || true`);
  const drift = async (): Promise<unknown> => {
    const answer = await alone.client.readConfig(INTERFACE, undefined, CALL);
    return answer.kind === 'present' ? answer.response.drift : answer.kind;
  };
  const write = (text: string, path = CONF): Promise<void> => alone.host.writeFile(path, text);

  test('case H30 a client that was revoked in the file stays out over a live change, a down and an up; one that was added by hand stays', async () => {
    const [gone, hand] = [await newKey(), await newKey()];
    const text = conf('10.7.0.1/24', [], await peer('10.7.0.2/32'));
    await write(text + (await peer('10.7.0.3/32', gone)));
    await enable();
    await sh(`wg set ${INTERFACE} peer ${hand} allowed-ips 10.7.0.9/32`);
    await write(text);
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true });
    await disable();
    await put({});
    const peers = await sh(`wg show ${INTERFACE} peers`);
    expect([peers.includes(gone), peers.includes(hand)]).toEqual([false, true]);
  });

  test('case H30 a network that was taken from a peer in the file is gone after a restart', async () => {
    const text = conf('10.7.0.1/24', [], await peer('10.9.0.0/16, 10.10.0.0/16'));
    await write(text);
    await enable();
    await write(text.replace(', 10.10.0.0/16', ''));
    expect(await put({ table: '77' })).toMatchObject({ impact: 'Restart' });
    expect(await sh(`wg show ${INTERFACE} allowed-ips; ip route show table 77`)).not.toContain('10.10.0.0/16');
  });

  test('case H31 a route that another device has now, and IPv6 that was turned off, fail no other change, and take no tunnel down', async () => {
    await write(conf('10.7.0.1/24, fd07::1/64', [], await peer('10.9.0.0/16')));
    await enable();
    const before = await index();
    await sh(`${LAN}; ip route replace 10.9.0.0/16 via 192.0.2.1 dev lan0`);
    await sh(`sysctl -w net.ipv6.conf.${INTERFACE}.disable_ipv6=1`);
    const warnings = expect.arrayContaining([
      expect.stringContaining('10.9.0.0/16'),
      expect.stringContaining('fd07::1'),
    ]);
    expect(await put({ post_up: ['true'] })).toMatchObject({ changed: true, warnings });
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true, warnings });
    // What fails by itself is undone, and what lacked before is not healed by that.
    expect(await put({ post_up: ['true', 'false'] })).toContain('the previous file and tunnel are back');
    await alone.host.agent.stop();
    await alone.host.agent.start();
    expect(await index()).toBe(before);
    expect(await sh('ip route show 10.9.0.0/16')).toContain('lan0');
    expect(await drift()).not.toEqual([]);
  });

  test('case H33 an own key among the peers, an address and a port that others have meanwhile: another field is changed', async () => {
    const key = newPrivateKey();
    const text = conf('10.7.0.1/32').replace(/PrivateKey = .*/, `PrivateKey = ${key}`);
    await write(text + (await peer('10.7.0.1/32', (await sh(`echo ${key} | wg pubkey`)).trim())));
    await enable();
    await sh(`ip addr del 10.7.0.1/32 dev ${INTERFACE}; ip addr add 10.7.0.1/32 dev lo`);
    const answer = await put({ mtu: 1300 });
    await sh('ip addr del 10.7.0.1/32 dev lo');
    expect(answer).toMatchObject({ changed: true });
  });

  test('case H33 an address and a network of another device, as the file has them: up, as by wg-quick; a new one is refused', async () => {
    await sh(`${LAN}; ip address add 10.7.0.9/24 dev lan0; ip address add 172.20.0.1/32 dev lan0`);
    await write(conf('10.7.0.1/24, 172.20.0.1/32'));
    await sh(`wg-quick up ${INTERFACE}; wg-quick down ${INTERFACE}`);
    expect(await put({})).toMatchObject({ changed: true });
    expect(await put({ address: ['10.7.0.1/24', '192.0.2.9/32'] })).toContain('is an address of lan0 already');
  });

  test('case H34 another prefix length, of IPv6 too: peers that the network held get their routes, as by wg-quick', async () => {
    await write(conf('10.7.0.1/24, fd07::1/64', [], await peer('10.7.0.2/32, fd07::2/128')));
    await enable();
    expect(await put({ address: ['10.7.0.1/32', 'fd07::1/128'] })).toMatchObject({ changed: true, impact: 'None' });
    const routes = await sh(`ip route show dev ${INTERFACE}; ip -6 route show dev ${INTERFACE}`);
    expect([routes, await drift()]).toEqual([expect.stringMatching(/^10\.7\.0\.2 [^]*fd07::2 /), []]);
    expect(await put({ address: ['10.7.0.1/24', 'fd07::1/64'] })).toMatchObject({ changed: true, impact: 'None' });
    expect(await drift()).toEqual([]);
  });

  test('case H35 a full tunnel that ends by the file and syncconf: another field is changed, and nothing is drift', async () => {
    const text = conf('10.7.0.1/24', [], await peer('0.0.0.0/0'));
    await write(text);
    await enable();
    const before = await index();
    await write(text.replace('0.0.0.0/0', '10.9.0.0/16'));
    await sh(`wg syncconf ${INTERFACE} <(wg-quick strip ${INTERFACE})`);
    expect(await put({ post_up: ['true'] })).toMatchObject({ changed: true });
    expect([await index(), await drift()]).toEqual([before, []]);
  });

  test('case H36 no anycast route of a host that forwards IPv6 is made one of the main table', async () => {
    await sh('sysctl -w net.ipv6.conf.all.forwarding=1');
    await write(conf('10.7.0.1/24, fd07::1/64'));
    await enable();
    await put({ address: ['10.7.0.1/24', 'fd08::1/64'] });
    const routes = await sh(`ip -6 route show dev ${INTERFACE}; sysctl -w net.ipv6.conf.all.forwarding=0`);
    expect(routes).not.toContain('fd07');
  });

  test('case H37 a peer that comes while a killed agent has left a restart half done stays', async () => {
    const key = await newKey();
    await write(conf('10.7.0.1/24', ['PostUp = sleep 1'], await peer('10.9.0.0/16')));
    await enable();
    const going = put({ table: '77' });
    await new Promise((resolve) => setTimeout(resolve, 700));
    await sh(`kill -9 ${String(alone.host.agent.pid)}`);
    await going;
    await sh(`wg set ${INTERFACE} peer ${key} allowed-ips 10.7.0.77/32`);
    await alone.host.agent.stop().catch(() => undefined);
    await alone.host.agent.start();
    await until('the roll-back', async () => (await sh('ls /var/lib/wgnode/journal')) === '');
    expect(await sh(`wg show ${INTERFACE} peers`)).toContain(key);
  });

  test('case H38 an undo brings the tunnel up though resolvconf and a hook fail by then, and says so; a recover does, too', async () => {
    const rule = 'from 10.9.0.0/16 table 77';
    const preUp = 'PreUp = test ! -e /etc/slow || { touch /etc/begun; sleep 2; }; test ! -e /etc/broken';
    const hooks = ['DNS = 10.7.0.53', preUp, `PostUp = ip rule add ${rule}`, `PostDown = ip rule del ${rule}`];
    await write(conf('10.7.0.1/24', hooks, await peer('10.9.0.0/16')));
    await enable();
    const state = (): Promise<string> =>
      sh(
        `wg show ${INTERFACE} peers; ip route show dev ${INTERFACE}; ip addr show dev ${INTERFACE} | grep 'inet '; ip rule`,
      );
    const before = await state();
    const breakResolver = (): Promise<string> => sh('mount --bind /etc/fails /usr/sbin/resolvconf');
    await sh('printf "#!/bin/sh\\nexit 1\\n" > /etc/fails; chmod +x /etc/fails; touch /etc/broken');
    await breakResolver();
    const answer = await put({ table: '78' });
    expect(answer).toEqual(expect.stringMatching(/the previous file and tunnel are back;.*preUp\[0\].*resolvconf/));
    expect(await state()).toBe(before);
    await sh('umount /usr/sbin/resolvconf; touch /etc/slow');
    const going = put({ table: '78' });
    await until('the restart', async () => (await sh('ls /etc/begun || true')) !== '');
    await sh(`rm /etc/slow; kill -9 ${String(alone.host.agent.pid)}`);
    await going;
    await breakResolver();
    await alone.host.agent.stop().catch(() => undefined);
    await alone.host.agent.start();
    await until('the roll-back', async () => (await sh('ls /var/lib/wgnode/journal')) === '');
    expect(await state()).toBe(before);
  });

  test('case H40 an MTU that is no longer asked for becomes the one of the path to the peers, also where that is the same', async () => {
    await sh(`${LAN}; ip link set lan0 mtu 1400`);
    const peers = await peer('0.0.0.0/0');
    await write(conf('10.7.0.1/24', ['MTU = 1280'], `${peers}Endpoint = 192.0.2.1:5\n`));
    await enable();
    const mtu = (): Promise<string> => sh(`cat /sys/class/net/${INTERFACE}/mtu`);
    expect(await put({ mtu: null })).toMatchObject({ changed: true, impact: 'None' });
    expect([await mtu(), await drift()]).toEqual(['1320\n', []]);
    await put({ mtu: 1320 });
    expect(await put({ mtu: null })).toMatchObject({ changed: true, impact: 'None' });
    expect([await mtu(), await drift()]).toEqual(['1320\n', []]);
  });

  test('case H41 a route of a hook that another device has now is drift, and fails no other change', async () => {
    await write(conf('10.7.0.1/24', ['PostUp = ip route add 10.20.0.0/16 via 10.7.0.2'], await peer('10.9.0.0/16')));
    await enable();
    expect(await drift()).toEqual([]);
    await sh('ip route replace 10.20.0.0/16 dev lo');
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true });
    expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe('1300\n');
    await sh('ip route del 10.20.0.0/16 dev lo');
    expect(await put({ mtu: 1310 })).toMatchObject({ changed: true });
    expect([await drift(), await sh('ip route show 10.20.0.0/16')]).toEqual([
      [],
      expect.stringContaining(`via 10.7.0.2 dev ${INTERFACE}`),
    ]);
  });

  test('case H39 routes and addresses as hooks left them are no drift, and come back as they were by a change and by an undo', async () => {
    const hooks = [
      'PostUp = ip route del 10.7.0.0/24 dev %i',
      'PostUp = ip route add 10.20.0.0/16 via 10.7.0.2 dev %i src 10.7.0.1 metric 50 onlink',
      'PostUp = ip addr add 10.0.0.1 peer 10.0.0.2 dev %i',
    ];
    await write(conf('10.7.0.1/24', hooks, await peer('10.9.0.0/16')));
    await enable();
    const state = (): Promise<string> =>
      sh(`ip route show dev ${INTERFACE} | sort; ip addr show dev ${INTERFACE} | grep -o 'inet .* scope' | sort`);
    const before = await state();
    expect([before, await drift()]).toEqual([
      expect.stringMatching(/^10.0.0.2 [^]*via 10.7.0.2 [^]*peer 10.0.0.2/),
      [],
    ]);
    await sh(`ip route del 10.20.0.0/16 dev ${INTERFACE}`);
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true });
    expect([await state(), await drift()]).toEqual([before, []]);
    const postUp = hooks.map((hook) => hook.slice('PostUp = '.length));
    const answer = await put({ address: ['10.8.0.1/24'], post_up: [...postUp, 'false'] });
    expect(answer).toContain('the previous file and tunnel are back');
    expect([await state(), await drift()]).toEqual([before, []]);
  });
});
