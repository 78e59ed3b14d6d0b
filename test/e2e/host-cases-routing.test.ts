import { describe, expect, test } from '@jest/globals';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { leaksOf } from '../support/scene.ts';
import { until } from '../support/until.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** What people's hosts did to the engine: names, default routes, name servers, and others who work on the same interface. */
describe('cases from real hosts: names, routing, company', () => {
  const alone = useLoneHost(
    `ip link delete ${INTERFACE}; iptables -F FORWARD; sed -i /hub.example/d /etc/hosts; rm -f /etc/resolvconf/interface-order`,
  );
  const { sh } = alone;
  const put = async (change: object): Promise<object> =>
    alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL);
  const drift = async (): Promise<unknown> => {
    const answer = await alone.client.readConfig(INTERFACE, undefined, CALL);
    return answer.kind === 'present' ? answer.response.drift : answer.kind;
  };
  const conf = (lines: readonly string[], peers = ''): string =>
    `[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = 10.7.0.1/24\nListenPort = 51820\n${lines.join('\n')}\n${peers}`;
  const newPeer = async (): Promise<string> => (await sh('wg genkey | wg pubkey')).trim();
  const endpoints = (): Promise<string> => sh(`wg show ${INTERFACE} endpoints | cut -f2`);
  const named = async (): Promise<string> =>
    `[Peer]\nPublicKey = ${await newPeer()}\nAllowedIPs = 10.9.0.0/24\nEndpoint = hub.example:51820\n`;

  test('case H5 a name that stopped resolving does not keep a restart from coming up: it goes on with the address that the kernel knew', async () => {
    await sh('echo 198.51.100.9 hub.example >> /etc/hosts');
    await alone.host.writeFile(CONF, conf([], await named()));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await endpoints()).toBe('198.51.100.9:51820\n');
    await sh('sed -i /hub.example/d /etc/hosts');
    expect(await put({ table: '77' })).toMatchObject({ changed: true, impact: 'Restart' });
    expect(await endpoints()).toBe('198.51.100.9:51820\n');
    expect(await sh('ip route show table 77')).toContain('10.9.0.0/24');
  });

  test('case H5 a tunnel whose peer has no address yet comes up, and the peer gets its address once the name resolves', async () => {
    await alone.host.writeFile(CONF, conf([], await named()));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await endpoints()).toBe('(none)\n');
    const { response } = (await alone.client.readConfig(INTERFACE, undefined, CALL)) as { response: object };
    expect(response).toMatchObject({ unresolved: [{ endpoint: 'hub.example:51820' }] });
    expect(await sh(`ip route show dev ${INTERFACE}`)).toContain('10.9.0.0/24');
    await sh('echo 198.51.100.9 hub.example >> /etc/hosts');
    await until('the endpoint', async () => (await endpoints()) === '198.51.100.9:51820\n');
    expect(await drift()).toEqual([]);
  });

  test('case M9 an address that was resolved and never answered gives way to what the name says now', async () => {
    await sh('echo 198.51.100.9 hub.example >> /etc/hosts');
    await alone.host.writeFile(CONF, conf([], await named()));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await sh('sed -i s/100.9/100.77/ /etc/hosts');
    await put({ table: '77' });
    expect(await endpoints()).toBe('198.51.100.77:51820\n');
  });

  test('case M8 rules, table and firewall of a default route are seen when they go, and come back', async () => {
    const peers = `[Peer]\nPublicKey = ${await newPeer()}\nAllowedIPs = 0.0.0.0/0\nEndpoint = 198.51.100.9:51820\n`;
    await alone.host.writeFile(CONF, conf([], peers));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const world = `ip rule; ip route show table 51820; nft list ruleset`;
    const before = await sh(world);
    expect(before).toContain('lookup 51820');
    expect(await drift()).toEqual([]);
    for (const loss of [
      'ip rule delete table 51820; ip rule delete table main suppress_prefixlength 0; ip route flush table 51820',
      'ip rule delete table main suppress_prefixlength 0',
      `nft delete table ip wg-quick-${INTERFACE}`,
    ]) {
      await sh(loss);
      await put({ mtu: 1300 + loss.length });
      expect(await drift()).toEqual([]);
      expect(await sh(world)).toBe(before);
    }
  });

  test('case M6 the record of the name servers has the prefix that wg-quick gives it', async () => {
    await sh('mkdir -p /etc/resolvconf; printf "tun*\\neth*\\n" > /etc/resolvconf/interface-order');
    const records = 'ls /run/resolvconf/interfaces 2>/dev/null || resolvconf -l | grep nameserver || true';
    await alone.host.writeFile(CONF, conf(['DNS = 192.0.2.53']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await sh(records)).toContain(`tun.${INTERFACE}`);
    await put({ dns: ['192.0.2.54'] });
    expect((await sh(records)).trim()).toBe(`tun.${INTERFACE}`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect((await sh(records)).trim()).toBe('');
  });

  test('case M11 what a wg-quick is doing on the interface is waited for', async () => {
    const rule = '-A FORWARD -i %i -j ACCEPT';
    const hooks = [`iptables -w ${rule}`, 'cat /run/gate'];
    await sh('mkfifo /run/gate');
    await alone.host.writeFile(CONF, conf(hooks.map((hook) => `PostUp = ${hook}`)));
    const up = alone.host.exec(['wg-quick', 'up', INTERFACE]);
    await until('wg-quick to wait in its hook', async () => (await sh('pgrep -f "^cat /run/gate" || true')) !== '');
    const change = put({ mtu: 1300 });
    const enabled = alone.client.setState(INTERFACE, 'enable', CALL);
    await sh('echo go > /run/gate');
    await Promise.all([up, change, enabled]);
    expect(await sh(`iptables -S FORWARD | grep -c -- '-i ${INTERFACE}'`)).toBe('1\n');
    expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe('1300\n');
    await sh('rm /run/gate');
  });

  test('case M7 what somebody writes into the file while a killed agent leaves a change half done stays', async () => {
    await sh('mkfifo /run/gate');
    await alone.host.writeFile(CONF, conf(['MTU = 1400']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const change = put({ mtu: 1300, post_up: ['cat /run/gate'] }).catch(() => undefined);
    await until('the hook to run', async () => (await sh('pgrep -f "^cat /run/gate" || true')) !== '');
    await alone.host.agent.kill();
    await change;
    await sh(`sed -i 's/^ListenPort.*/ListenPort = 51999/' ${CONF}; echo go > /run/gate; rm /run/gate`);
    await alone.host.agent.start();
    const file = await alone.host.readFile(CONF);
    expect(file).toContain('ListenPort = 51999');
    expect(file).toContain('MTU = 1400');
    expect(file).not.toContain('PostUp');
    expect(await drift()).toMatchObject([{ path: 'spec.interface.listenPort', file: '51999', live: '51820' }]);
    expect(await sh(`cat /sys/class/net/${INTERFACE}/mtu`)).toBe('1400\n');
  });

  test('a peer that only the kernel has is there again after a down and an up', async () => {
    await alone.host.writeFile(CONF, conf([]));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const peer = await newPeer();
    await sh(`wg set ${INTERFACE} peer ${peer} allowed-ips 10.7.0.9/32 endpoint 198.51.100.4:9`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await alone.host.readFile(CONF)).not.toContain(peer);
    await put({});
    expect(await sh(`wg show ${INTERFACE} allowed-ips`)).toBe(`${peer}\t10.7.0.9/32\n`);
  });

  test('case M1 a daemon that a hook starts lives on, whatever it prints', async () => {
    const daemon =
      '(exec 3<>/run/tick; while read -r _ <&3; do echo tick; echo tick >> /run/ticks; done) & echo $! > /run/daemon.pid';
    await sh('mkfifo /run/tick');
    await alone.host.writeFile(CONF, conf([`PostUp = ${daemon}`]));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    for (let tick = 1; tick <= 3; tick += 1) {
      await sh('echo x > /run/tick');
      await until('the daemon to print', async () => (await sh('cat /run/ticks || true')).length === 5 * tick);
    }
    await sh('kill $(cat /run/daemon.pid); rm -f /run/tick /run/ticks');
  });

  // angristan/wireguard-install#578, wg-easy/wg-easy#795
  test('D11 a device that somebody deleted comes up again with each of its rules once', async () => {
    const rule = 'FORWARD -i %i -j ACCEPT';
    await alone.host.writeFile(CONF, conf([`PostUp = iptables -w -A ${rule}`, `PostDown = iptables -w -D ${rule}`]));
    for (const verb of ['enable', 'change'] as const) {
      if (verb === 'enable') await alone.client.setState(INTERFACE, verb, CALL);
      else await put({});
      expect(await sh(`iptables -S FORWARD | grep -c -- '-i ${INTERFACE}'`)).toBe('1\n');
      await sh(`ip link delete ${INTERFACE}`);
    }
  });

  test('case H8 and M13: five thousand peers with twenty thousand networks come up, are read and changed', async () => {
    await alone.host.writeFile('/run/make.py', MANY);
    const head = conf(['MTU = 1400']);
    await alone.host.writeFile(CONF, head);
    await sh(`python3 /run/make.py >> ${CONF}`);
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await sh(`ip route show dev ${INTERFACE} | wc -l`)).toBe('20001\n');
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true, impact: 'None' });
    expect(await drift()).toEqual([]);
    await alone.client.setState(INTERFACE, 'disable', CALL);
  });

  test('S1 no secret is in any log, event, argument or environment', async () => {
    expect(await leaksOf(alone.lab)).toEqual([]);
  });
});

/** Prints 5,000 peers with four networks each. */
const MANY = `
import base64, os
for i in range(5000):
    ips = ', '.join('10.%d.%d.%d/32' % (20 + n, i >> 8, i & 255) for n in range(4))
    print('[Peer]\\nPublicKey = %s\\nAllowedIPs = %s\\n' % (base64.b64encode(os.urandom(31) + b'\\0').decode(), ips))
`;
