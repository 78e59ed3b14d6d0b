import { describe, expect, test } from '@jest/globals';
import { CALL, putBodyOf } from '../support/agent-client.ts';
import { newPrivateKey } from '../support/canary.ts';
import { INTERFACE } from '../support/fleet.ts';
import { useLoneHost } from '../support/lone-host.ts';
import { leaksOf } from '../support/scene.ts';

const CONF = `/etc/wireguard/${INTERFACE}.conf`;

/** What people's hosts did to the agent, by the ids of the list of cases. The right value is that of plain wg-quick, or a refusal. */
describe('cases from real hosts', () => {
  const alone = useLoneHost(
    `ip link delete ${INTERFACE}; ip link delete wg1; iptables -F FORWARD; iptables -t nat -F POSTROUTING`,
  );
  const { sh } = alone;
  const put = async (change: object): Promise<object> =>
    alone.client.putConfig(INTERFACE, await putBodyOf(alone.host, change), CALL);
  const codeOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => undefined,
      (error: unknown) => (error as { agentCode?: unknown }).agentCode,
    );
  const read = async (): Promise<unknown> => {
    const answer = await alone.client.readConfig(INTERFACE, undefined, CALL);
    return answer.kind === 'present' ? answer.response.drift : answer.kind;
  };
  const masquerade = async (): Promise<string[]> =>
    (await sh('iptables -t nat -S POSTROUTING')).split('\n').filter((line) => line.includes('MASQUERADE'));
  const conf = (address: string, lines: readonly string[], peers = ''): string =>
    `[Interface]\nPrivateKey = ${newPrivateKey()}\nAddress = ${address}\n${lines.join('\n')}\n${peers}`;
  const nat = (out: string): string[] => [
    `PostUp = iptables -w -t nat -A POSTROUTING -o ${out} -j MASQUERADE`,
    `PostDown = iptables -w -t nat -D POSTROUTING -o ${out} -j MASQUERADE`,
  ];
  const newPeer = async (): Promise<string> => (await sh('wg genkey | wg pubkey')).trim();

  test('case H1 of a list of hooks only the new line runs, and a line that nothing takes back is an announced restart', async () => {
    const route = 'ip route add 10.96.0.0/16 dev %i';
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['Table = off', `PostUp = ${route}`, 'ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const deviceNumber = `cat /sys/class/net/${INTERFACE}/ifindex`;
    const before = await sh(deviceNumber);
    const touch = 'echo ran >> /etc/wireguard/ran';
    expect(await put({ post_up: [route, touch] })).toMatchObject({ changed: true, impact: 'None' });
    expect(await sh(`ip route show dev ${INTERFACE}`)).toContain('10.96.0.0/16');
    expect([await alone.host.readFile('/etc/wireguard/ran'), await sh(deviceNumber)]).toEqual(['ran\n', before]);
    expect(await read()).toEqual([]);
    // What the grammar knows is taken back without a pair.
    expect(await put({ post_up: [touch] })).toMatchObject({ changed: true, impact: 'None' });
    expect(await sh(`ip route show dev ${INTERFACE}`)).not.toContain('10.96.0.0/16');
    expect(await sh(deviceNumber)).toBe(before);
    expect(await put({ post_up: [] })).toMatchObject({ changed: true, impact: 'Restart' });
    expect(await sh(deviceNumber)).not.toBe(before);
  });

  test('D5 a hook of a teardown that fails is told with the answer, by its place and not its text; the rest of the teardown runs', async () => {
    const lines = [
      'PreDown = false # a-secret-word',
      'PreDown = touch /run/rest',
      'PostDown = true',
      'ListenPort = 51820',
    ];
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', lines));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const warnings = ['preDown[0] failed: what it takes back may still be on the host'];
    expect(await put({ table: '77' })).toMatchObject({ impact: 'Restart', warnings });
    expect(await put({ mtu: 1300 })).not.toHaveProperty('warnings');
    await sh('rm /run/rest');
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await sh(`ls /run/rest; ip link show dev ${INTERFACE} 2>&1 || true`)).toContain('does not exist');
  });

  test('D5 so is the pair of a hook that is removed from a running tunnel', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['PostUp = true', 'PostDown = false', 'ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const warnings = ['pairOfRemoved[0] failed: what it takes back may still be on the host'];
    expect(await put({ post_up: [], post_down: [] })).toMatchObject({ impact: 'None', warnings });
  });

  test('D11 a wireguard-go that refuses every question is an error of that interface, and the agent lives', async () => {
    const serve = `require("node:net").createServer().listen("/run/wireguard/${INTERFACE}.sock", () => process.kill(process.pid, 9))`;
    await sh(`ip tuntap add ${INTERFACE} mode tun; mkdir -p /run/wireguard; ${process.execPath} -e '${serve}' || true`);
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', []));
    const pid = alone.host.agent.pid;
    try {
      await expect(read()).rejects.toThrow('does not answer');
      await expect(put({})).rejects.toThrow('does not answer');
      expect(await alone.client.health(CALL)).toMatchObject({ name: 'wgnode-agent' });
      expect([alone.host.agent.pid, await sh(`test -e /proc/${String(pid)} && echo lives`)]).toEqual([pid, 'lives\n']);
    } finally {
      await sh(`rm /run/wireguard/${INTERFACE}.sock`);
    }
  });

  test('case H2 a tunnel that somebody else brought up anew runs by its file as it is then: no hook of the older one runs', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', [...nat('eth8'), 'ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await sh(`wg-quick down ${INTERFACE}; sed -i s/eth8/ens9/ ${CONF}; wg-quick up ${INTERFACE}`);
    expect(await read()).toEqual([]);
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true, impact: 'None' });
    expect(await masquerade()).toEqual(['-A POSTROUTING -o ens9 -j MASQUERADE']);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await masquerade()).toEqual([]);
  });

  test('case H3 two interfaces with the same hooks do not cut each other off', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', nat('eth8')));
    await alone.host.writeFile('/etc/wireguard/wg1.conf', conf('10.8.0.1/24', nat('eth8')));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await alone.client.setState('wg1', 'enable', CALL);
    await sh(`wg-quick down ${INTERFACE}`);
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await masquerade()).toEqual(['-A POSTROUTING -o eth8 -j MASQUERADE']);
    await alone.client.setState('wg1', 'disable', CALL);
    expect(await masquerade()).toEqual([]);
  });

  test('case H4a a peer that only the kernel has is in the file after a down where SaveConfig is true', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['SaveConfig = true', 'ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const peer = await newPeer();
    await sh(`wg set ${INTERFACE} peer ${peer} allowed-ips 10.7.0.9/32`);
    await alone.client.setState(INTERFACE, 'disable', CALL);
    expect(await alone.host.readFile(CONF)).toContain(`PublicKey = ${peer}`);
    expect(await alone.host.readFile(CONF)).toContain('SaveConfig = true');
    // Not `enable`: an equal call in one second is a replay.
    await put({});
    expect(await sh(`wg show ${INTERFACE} allowed-ips`)).toBe(`${peer}\t10.7.0.9/32\n`);
  });

  test('case M12 a key in a hook is not in GET nor in an error; what GET shows can be sent back, and the key stays', async () => {
    const key = newPrivateKey();
    const hook = `wg set %i peer ${await newPeer()} preshared-key <(echo ${key})`;
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', [`PostUp = ${hook}`, 'ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const answer = await alone.client.readConfig(INTERFACE, undefined, CALL);
    if (answer.kind !== 'present') throw new Error('no interface');
    expect(JSON.stringify(answer.response).includes(key.slice(0, 43))).toBe(false);
    const { post_up: shown } = answer.response.spec;
    expect(shown).toEqual([expect.stringMatching(/preshared-key <\(echo \[key [0-9a-f]{16}\]\)$/)]);
    expect(await put({ post_up: shown })).toMatchObject({ changed: false });
    expect(await put({ post_up: [...shown, 'true'], mtu: 1300 })).toMatchObject({ changed: true, impact: 'None' });
    expect((await alone.host.readFile(CONF)).includes(`PostUp = ${hook}\n`)).toBe(true);
    expect(await read()).toEqual([]);
    expect(await codeOf(put({ post_up: ['echo [key 0123456789abcdef]'] }))).toBe('invalid_hook');
    const failing = alone.client.putConfig(
      INTERFACE,
      await putBodyOf(alone.host, { post_up: [...shown, `echo ${key}; false`] }),
      CALL,
    );
    const error: unknown = await failing.catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('failed');
    expect(String(error).includes(key.slice(0, 43))).toBe(false);
  });

  test('case H6 an MTU that ends IPv6 is refused while a peer has an IPv6 network', async () => {
    const peer = `[Peer]\nPublicKey = ${await newPeer()}\nAllowedIPs = 10.85.0.0/24, fd85::/64\n`;
    await alone.host.writeFile(CONF, conf('10.85.0.2/32', ['ListenPort = 51820'], peer));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const routes = await sh(`ip -6 route show dev ${INTERFACE}`);
    expect(await codeOf(put({ mtu: 1200 }))).toBe('invalid_value');
    expect(await sh(`ip -6 route show dev ${INTERFACE}`)).toBe(routes);
  });

  test('case H7 what a hook set at the start is right, is no drift, and stays over another change', async () => {
    const peer = await newPeer();
    await alone.host.writeFile('/etc/wireguard/peers', `[Peer]\nPublicKey = ${peer}\nAllowedIPs = 10.99.0.0/16\n`);
    const hooks = ['PostUp = ip link set dev %i mtu 1300', 'PostUp = wg addconf %i /etc/wireguard/peers'];
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['MTU = 1420', 'ListenPort = 51820', ...hooks]));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    const world = `cat /sys/class/net/${INTERFACE}/mtu; ip route show dev ${INTERFACE}; wg show ${INTERFACE} allowed-ips`;
    const before = await sh(world);
    expect(before).toContain('1300\n');
    expect(before).not.toContain('10.99.0.0/16 dev');
    expect(await read()).toEqual([]);
    expect(await put({})).toMatchObject({ changed: false });
    expect(await put({ listen_port: 51_821 })).toMatchObject({ changed: true });
    expect(await sh(world)).toBe(before);
    await sh(`ip link set dev ${INTERFACE} mtu 1280`);
    expect(await read()).toMatchObject([{ path: 'spec.interface.mtu', live: '1280' }]);
    expect(await put({})).toMatchObject({ changed: true, impact: 'None' });
    expect(await sh(world)).toContain('1420\n');
  });

  test('case M2 what a change leaves as it is does not keep it out: a peer whose network another device has', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await sh(`ip tuntap add dev lan0 mode tap; ip address add 192.168.50.1/24 dev lan0; ip link set lan0 up`);
    await sh(`wg set ${INTERFACE} peer ${await newPeer()} allowed-ips 192.168.50.0/24`);
    expect(await put({ mtu: 1300 })).toMatchObject({ changed: true, impact: 'None' });
    await sh('ip link delete lan0');
  });

  test('case M4 a netmask is a prefix length', async () => {
    await alone.host.writeFile(CONF, conf('192.168.71.1/255.255.255.0', ['ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    expect(await sh(`ip address show ${INTERFACE}`)).toContain('192.168.71.1/24');
    expect(await read()).toEqual([]);
    expect(await put({})).toMatchObject({ changed: false });
  });

  test('case M10 a hook that is changed live sees what it sees under wg-quick', async () => {
    await alone.host.writeFile(CONF, conf('10.7.0.1/24', ['ListenPort = 51820']));
    await alone.client.setState(INTERFACE, 'enable', CALL);
    await put({ post_up: ['echo "$INTERFACE $CONFIG_FILE" > /etc/wireguard/seen'] });
    expect(await alone.host.readFile('/etc/wireguard/seen')).toBe(`${INTERFACE} ${CONF}\n`);
  });

  test('S1 no secret is in any log, event, argument or environment', async () => {
    expect(await leaksOf(alone.lab)).toEqual([]);
  });
});
